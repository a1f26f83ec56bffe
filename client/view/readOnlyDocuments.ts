// Texts that are shown once as Markdown documents: statistics, an entry, an explanation.

import type * as vscode from 'vscode';

export const viewScheme = 'semcache-view';

/** A lens above the document's first line. */
export interface DocumentAction {
  title: string;
  command: string;
  argument?: object;
}

type Editor = Pick<typeof vscode, 'window' | 'workspace' | 'languages' | 'Uri' | 'EventEmitter' | 'CodeLens' | 'Range'>;

export class ReadOnlyDocuments {
  readonly #editor: Editor;
  readonly #shown = new Map<string, { text: string; actions: readonly DocumentAction[] }>();
  readonly #changed: vscode.EventEmitter<vscode.Uri>;
  readonly #lensesChanged: vscode.EventEmitter<void>;
  readonly #subscriptions: vscode.Disposable[];

  constructor(editor: Editor) {
    this.#editor = editor;
    this.#changed = new editor.EventEmitter();
    this.#lensesChanged = new editor.EventEmitter();
    this.#subscriptions = [
      this.#changed,
      this.#lensesChanged,
      editor.workspace.registerTextDocumentContentProvider(viewScheme, {
        onDidChange: this.#changed.event,
        provideTextDocumentContent: uri =>
          this.#shown.get(uri.toString())?.text ?? 'This was shown in an earlier window. Run the command again.\n',
      }),
      editor.languages.registerCodeLensProvider(
        { scheme: viewScheme },
        { onDidChangeCodeLenses: this.#lensesChanged.event, provideCodeLenses: ({ uri }) => this.#lenses(uri) },
      ),
      editor.workspace.onDidCloseTextDocument(({ uri }) => this.#shown.delete(uri.toString())),
    ];
  }

  /** `name` is the tab's title; `key` tells documents of one name apart. A document that is open is written anew. */
  async show(name: string, text: string, { key = '', actions = [] }: { key?: string; actions?: readonly DocumentAction[] } = {}): Promise<void> {
    const uri = this.#editor.Uri.from({ scheme: viewScheme, path: `/${name}.md`, query: key });
    this.#shown.set(uri.toString(), { text, actions });
    this.#changed.fire(uri);
    this.#lensesChanged.fire();
    await this.#editor.window.showTextDocument(await this.#editor.workspace.openTextDocument(uri), { preview: true });
  }

  #lenses(uri: vscode.Uri): vscode.CodeLens[] {
    const { CodeLens, Range } = this.#editor;
    return (this.#shown.get(uri.toString())?.actions ?? []).map(({ title, command, argument }) =>
      new CodeLens(new Range(0, 0, 0, 0), { title, command, ...(argument === undefined ? {} : { arguments: [argument] }) }),
    );
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }
}
