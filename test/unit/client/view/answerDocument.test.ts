import { expect, test } from 'vitest';
import { AnswerDocuments } from '../../../../client/view/answerDocument.ts';
import type { ShownAsk } from '../../../../client/view/answerStatus.ts';

type Listener<T> = (value: T) => void;

class EventEmitter<T> {
  readonly #listeners = new Set<Listener<T>>();
  readonly event = (listener: Listener<T>) => {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  };
  fire(value: T): void {
    for (const listener of this.#listeners) listener(value);
  }
  dispose(): void {}
}

interface Uri {
  scheme: string;
  path: string;
}

/** As VS Code treats virtual documents: it opens them when it comes to it, and passes over changes told before. */
function slowEditor() {
  const opened = new EventEmitter<object>();
  const changed = new EventEmitter<{ document: object }>();
  const closed = new EventEmitter<object>();
  let provider: { onDidChange: EventEmitter<Uri>['event']; provideTextDocumentContent(uri: Uri): Promise<string> };
  let text: string | null = null;
  let uri: Uri;
  const document = () => ({ uri, getText: () => text! });
  const editor = {
    EventEmitter,
    CodeLens: class {},
    Range: class {},
    ViewColumn: { Beside: -2, Active: -1 },
    Uri: { from: (parts: Uri) => ({ ...parts, toString: () => `${parts.scheme}:${parts.path}` }) },
    window: { visibleTextEditors: [], activeTextEditor: undefined, tabGroups: { all: [] } },
    languages: { registerCodeLensProvider: () => ({ dispose: () => undefined }) },
    commands: { executeCommand: async (_command: string, opens: Uri) => void (uri = opens) },
    workspace: {
      onDidOpenTextDocument: opened.event,
      onDidChangeTextDocument: changed.event,
      onDidCloseTextDocument: closed.event,
      registerTextDocumentContentProvider: (_scheme: string, registered: typeof provider) => {
        provider = registered;
        provider.onDidChange(async () => {
          if (text === null) return;
          const said = await provider.provideTextDocumentContent(uri);
          if (said === text) return;
          text = said;
          changed.fire({ document: document() });
        });
        return { dispose: () => undefined };
      },
    },
  };
  return {
    editor: editor as never,
    shown: () => text,
    read: () => provider.provideTextDocumentContent(uri),
    open(content: string): void {
      text = content;
      opened.fire(document());
    },
  };
}

test('an answer that was whole before the editor had opened its document is shown all the same', async () => {
  const ask = {
    id: 'a', question: 'why?', text: '', entryId: null, offer: null, notStored: null,
    status: { phase: 'asking', decision: null, model: 'm', tookMs: 0, codeChanged: false },
  } as unknown as ShownAsk & { text: string; status: { phase: string } };
  const at = slowEditor();
  const documents = new AnswerDocuments({ editor: at.editor, askOf: () => ask });
  await documents.show('a');
  const first = await at.read();
  expect(first).toContain('asking…');
  ask.text = 'Because.';
  ask.status.phase = 'answered';
  documents.update('a');
  at.open(first);
  await expect.poll(() => at.shown()).toContain('Because.');
  documents.dispose();
});
