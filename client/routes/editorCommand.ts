// "Ask…" and "Ask About Selection": a question typed in the editor, its answer in a document beside.
// Owns: the order of what the person sees. Does not know: the cache, the wire.
// Always true: the ask does not wait for the document, nor the document for the ask; both begin at once.

import type * as vscode from 'vscode';
import type { ModelRequest } from '../../server/protocol/prompt.ts';
import type { AnswerDocuments } from '../view/answerDocument.ts';
import type { Decorations } from '../view/decorations.ts';
import { askInstruction, type InstructionHistory } from './askInstruction.ts';
import { askIdOf, type TargetArgument } from './askTarget.ts';
import type { AskRecord, Asks } from './asks.ts';
import { answerWithEditorModel } from './editorModel.ts';
import { messagesForEditor } from './modelMessages.ts';
import type { KnownModel } from './models.ts';
import { askedCode, promptFromEditor, promptFromInstruction, type AskedCode } from './promptFromEditor.ts';

export interface EditorCommandParts {
  editor: typeof vscode;
  asks: Asks;
  /** The model of the setting; may wait a little for the editor's models at the start. */
  currentModel: () => Promise<KnownModel>;
  answers: AnswerDocuments;
  decorations: Decorations;
  history: InstructionHistory;
}

/** For tests and other extensions: the instruction may come with the command instead of being typed. */
export interface AskArgument {
  instruction?: string;
}

/** A hit ends sooner than this, and the editor is not told that there was something to stop. */
const stoppableAfterMs = 60;

export class EditorCommand {
  readonly #parts: EditorCommandParts;
  readonly #running = new Map<string, AbortController>();
  #toldRunning = false;

  constructor(parts: EditorCommandParts) {
    this.#parts = parts;
  }

  async ask(argument?: AskArgument): Promise<void> {
    const instruction = argument?.instruction ?? (await this.#instruction('Ask Semcache', 'What do you want to know?'));
    if (instruction === undefined) return;
    const model = await this.#parts.currentModel();
    const request = promptFromInstruction(instruction, model.model);
    await this.#run({ question: instruction, request, model }, () => undefined);
  }

  async askAboutSelection(argument?: AskArgument): Promise<void> {
    const { editor, decorations } = this.#parts;
    const textEditor = editor.window.activeTextEditor;
    if (textEditor === undefined) {
      void editor.window.showInformationMessage('Open a file and select the code to ask about, or use “Semcache: Ask…”.');
      return;
    }
    const { document } = textEditor;
    const code = this.#codeIn(textEditor);
    if (code === null) {
      void editor.window.showInformationMessage('Select the code to ask about, or put the cursor on a line of it.');
      return;
    }
    const lines = code.text.split('\n').length;
    const about = `${lines === 1 ? '1 line' : `${lines} lines`} of ${code.path}`;
    const instruction =
      argument?.instruction ?? (await this.#instruction('Ask Semcache about the selection', `What about ${about}?`));
    if (instruction === undefined) return;
    const model = await this.#parts.currentModel();
    const request = promptFromEditor(instruction, code, model.model);
    await this.#run({ question: instruction, request, model }, ({ id }) =>
      decorations.mark(document, { askId: id, start: code.start, end: code.end, text: code.text }),
    );
  }

  /** Asks the model again, whatever is stored, and shows the answer where the first one is. */
  async refresh(record: Pick<AskRecord, 'id' | 'question' | 'request' | 'model'>): Promise<void> {
    const { question, request, model } = record;
    const { answers, decorations } = this.#parts;
    await this.#run({ question, request, model, refresh: true }, ({ id }) => {
      answers.replace(record.id, id);
      decorations.replace(record.id, id);
    });
  }

  /** Without an argument the latest. */
  stop(argument?: TargetArgument): void {
    const id = askIdOf(argument, this.#parts.answers) ?? [...this.#running.keys()].at(-1);
    if (id !== undefined) this.#running.get(id)?.abort();
  }

  async #instruction(title: string, placeholder: string): Promise<string | undefined> {
    const { editor, history } = this.#parts;
    const instruction = await askInstruction(editor, { title, placeholder, history: history.all() });
    if (instruction !== undefined) void history.add(instruction);
    return instruction;
  }

  async #run(
    ask: { question: string; request: ModelRequest; model: KnownModel; refresh?: boolean },
    onStart: (record: AskRecord) => void,
  ): Promise<void> {
    const { editor, asks, answers } = this.#parts;
    const abort = new AbortController();
    const { record, parts } = asks.start(
      {
        ...ask,
        route: 'command',
        answerInEditor: answerWithEditorModel(
          () => ({
            messages: messagesForEditor(ask.request.messages, editor),
            options: { justification: 'To answer what you asked with Semcache, when the answer is not stored yet.' },
          }),
          editor,
        ),
      },
      abort.signal,
    );
    this.#setRunning(record.id, abort);
    try {
      const read = this.#read(record, parts);
      onStart(record);
      await Promise.all([answers.show(record.id), read]);
    } finally {
      this.#setRunning(record.id, null);
    }
  }

  /** Reads to the end. A failure is told in the document, by the record. */
  async #read(record: AskRecord, parts: AsyncIterable<unknown>): Promise<void> {
    let settled = (): void => undefined;
    let progress = false;
    try {
      for await (const _part of parts) {
        const status = record.status.decision?.status;
        if (progress || (status !== 'miss' && status !== 'bypass')) continue;
        progress = true;
        void this.#parts.editor.window.withProgress(
          { location: this.#parts.editor.ProgressLocation.Window, title: `Semcache: asking ${record.model.name}` },
          () => new Promise<void>(resolve => (settled = resolve)),
        );
      }
    } catch {
      // The record holds the failure in words, and the document shows it.
    } finally {
      settled();
    }
  }

  #setRunning(id: string, abort: AbortController | null): void {
    if (abort === null) this.#running.delete(id);
    else this.#running.set(id, abort);
    setTimeout(() => this.#tellRunning(), abort === null ? 0 : stoppableAfterMs);
  }

  #tellRunning(): void {
    const running = this.#running.size > 0;
    if (running === this.#toldRunning) return;
    this.#toldRunning = running;
    void this.#parts.editor.commands.executeCommand('setContext', 'semcache.asking', running);
  }

  #codeIn({ document, selection }: vscode.TextEditor): AskedCode | null {
    const { workspace, languages } = this.#parts.editor;
    return askedCode(document, selection, workspace.asRelativePath(document.uri), languages.getDiagnostics(document.uri));
  }
}
