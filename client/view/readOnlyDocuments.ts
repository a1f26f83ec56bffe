// Texts that are shown once as Markdown documents: statistics, an entry, the debug report.

import type * as vscode from 'vscode';

export const viewScheme = 'semcache-view';

export class ReadOnlyDocuments {
  readonly #editor: Pick<typeof vscode, 'window' | 'workspace' | 'Uri'>;
  readonly #texts = new Map<string, string>();
  readonly #changed: vscode.EventEmitter<vscode.Uri>;
  readonly #subscriptions: vscode.Disposable[];

  constructor(editor: Pick<typeof vscode, 'window' | 'workspace' | 'Uri' | 'EventEmitter'>) {
    this.#editor = editor;
    this.#changed = new editor.EventEmitter();
    this.#subscriptions = [
      this.#changed,
      editor.workspace.registerTextDocumentContentProvider(viewScheme, {
        onDidChange: this.#changed.event,
        provideTextDocumentContent: uri =>
          this.#texts.get(uri.toString()) ?? 'This was shown in an earlier window. Run the command again.\n',
      }),
      editor.workspace.onDidCloseTextDocument(({ uri }) => this.#texts.delete(uri.toString())),
    ];
  }

  /** `name` is the tab's title; `key` tells documents of one name apart. A document that is open is written anew. */
  async show(name: string, text: string, key = ''): Promise<void> {
    const uri = this.#editor.Uri.from({ scheme: viewScheme, path: `/${name}.md`, query: key });
    this.#texts.set(uri.toString(), text);
    this.#changed.fire(uri);
    await this.#editor.window.showTextDocument(await this.#editor.workspace.openTextDocument(uri), { preview: true });
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }
}
