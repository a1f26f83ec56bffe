// Marks the lines that something was asked about: what became of the ask, after the line's text.
// Owns: the marks of every document of this window, their colours and hovers. Does not know: who asked, the cache.

import type * as vscode from 'vscode';
import { statusText, verdictOf, type ShownAsk, type Verdict } from './answerStatus.ts';
import { askCommands, hoverText } from './askHover.ts';
import { followEdits, type Mark } from './marks.ts';

type Editor = Pick<
  typeof vscode,
  'window' | 'workspace' | 'ThemeColor' | 'MarkdownString' | 'Range' | 'OverviewRulerLane' | 'DecorationRangeBehavior'
>;

const colours: Record<Verdict, string> = {
  hit: 'semcache.hitForeground',
  miss: 'semcache.missForeground',
  asking: 'semcache.missForeground',
  stale: 'semcache.staleForeground',
  bypass: 'semcache.bypassForeground',
  failed: 'semcache.bypassForeground',
};

export class Decorations {
  readonly #editor: Editor;
  readonly #askOf: (id: string) => ShownAsk | null;
  readonly #types: Record<Verdict, vscode.TextEditorDecorationType>;
  readonly #marks = new Map<string, Mark[]>();
  readonly #subscriptions: vscode.Disposable[];
  readonly #waiting = new Set<string>();
  #enabled: boolean;

  constructor(parts: { editor: Editor; askOf: (id: string) => ShownAsk | null; enabled: boolean }) {
    this.#editor = parts.editor;
    this.#askOf = parts.askOf;
    this.#enabled = parts.enabled;
    this.#types = Object.fromEntries(
      Object.entries(colours).map(([verdict, colour]) => [verdict, this.#createType(colour)]),
    ) as Record<Verdict, vscode.TextEditorDecorationType>;
    const { window, workspace } = parts.editor;
    this.#subscriptions = [
      ...Object.values(this.#types),
      workspace.onDidChangeTextDocument(event => this.#follow(event)),
      workspace.onDidCloseTextDocument(document => this.#marks.delete(document.uri.toString())),
      window.onDidChangeVisibleTextEditors(() => this.#paintAll()),
    ];
  }

  /** Marks the code between these offsets. Of several asks about overlapping code the last one shows. */
  mark(document: vscode.TextDocument, asked: { askId: string; start: number; end: number; text: string }): void {
    const { askId, start, end, text } = asked;
    const others = this.#of(document.uri).filter(mark => mark.end <= start || mark.start >= end);
    this.#marks.set(document.uri.toString(), [...others, { askId, start, end, askedText: text, changed: false }]);
    this.#paint(document.uri.toString());
  }

  /** The mark of `askId` now speaks of another ask about the same code. */
  replace(askId: string, newAskId: string): void {
    for (const [uri, marks] of this.#marks) {
      this.#marks.set(uri, marks.map(mark => (mark.askId === askId ? { ...mark, askId: newAskId } : mark)));
    }
    this.update(newAskId);
  }

  /** Removes the marks of these asks. */
  remove(askIds: ReadonlySet<string>): void {
    for (const [uri, marks] of this.#marks) {
      this.#marks.set(uri, marks.filter(mark => !askIds.has(mark.askId)));
    }
    this.#paintAll();
  }

  /** To be called when something of the ask has changed. */
  update(askId: string): void {
    for (const [uri, marks] of this.#marks) {
      if (marks.some(mark => mark.askId === askId)) this.#paintSoon(uri);
    }
  }

  /** The ask that was made about this line; null where there was none. */
  askAt(document: vscode.TextDocument, line: number): string | null {
    const found = this.#of(document.uri).find(mark => {
      const [first, last] = [document.positionAt(mark.start).line, document.positionAt(mark.end).line];
      return first <= line && line <= last;
    });
    return found?.askId ?? null;
  }

  setEnabled(enabled: boolean): void {
    this.#enabled = enabled;
    this.#paintAll();
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  #of(uri: vscode.Uri): Mark[] {
    return this.#marks.get(uri.toString()) ?? [];
  }

  #follow({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    const marks = this.#of(document.uri);
    if (marks.length === 0 || contentChanges.length === 0) return;
    const text = document.getText();
    this.#marks.set(document.uri.toString(), marks.map(mark => followEdits(mark, contentChanges, text)));
    this.#paintSoon(document.uri.toString());
  }

  /** An answer streams and a person types in bursts: one painting for each burst. */
  #paintSoon(uri: string): void {
    if (this.#waiting.has(uri)) return;
    this.#waiting.add(uri);
    setTimeout(() => {
      this.#waiting.delete(uri);
      this.#paint(uri);
    }, 30);
  }

  #paintAll(): void {
    for (const uri of this.#marks.keys()) this.#paint(uri);
  }

  #paint(uri: string): void {
    for (const editor of this.#editor.window.visibleTextEditors) {
      if (editor.document.uri.toString() !== uri) continue;
      const options = this.#enabled ? this.#optionsFor(editor.document) : new Map<Verdict, vscode.DecorationOptions[]>();
      for (const verdict of Object.keys(this.#types) as Verdict[]) {
        editor.setDecorations(this.#types[verdict], options.get(verdict) ?? []);
      }
    }
  }

  #optionsFor(document: vscode.TextDocument): Map<Verdict, vscode.DecorationOptions[]> {
    const byVerdict = new Map<Verdict, vscode.DecorationOptions[]>();
    for (const mark of this.#of(document.uri)) {
      const ask = this.#askOf(mark.askId);
      if (ask === null || mark.start === mark.end) continue;
      const seen: ShownAsk = { ...ask, status: { ...ask.status, codeChanged: mark.changed } };
      const verdict = verdictOf(seen.status);
      const line = document.lineAt(document.positionAt(mark.start).line);
      const options = byVerdict.get(verdict) ?? [];
      options.push({
        range: new this.#editor.Range(line.range.end, line.range.end),
        hoverMessage: this.#hover(seen),
        renderOptions: { after: { contentText: statusText(seen.status) } },
      });
      byVerdict.set(verdict, options);
    }
    return byVerdict;
  }

  #hover(ask: ShownAsk): vscode.MarkdownString {
    const hover = new this.#editor.MarkdownString(hoverText(ask), true);
    hover.isTrusted = { enabledCommands: [...askCommands] };
    return hover;
  }

  #createType(colour: string): vscode.TextEditorDecorationType {
    const { window, ThemeColor, OverviewRulerLane, DecorationRangeBehavior } = this.#editor;
    return window.createTextEditorDecorationType({
      rangeBehavior: DecorationRangeBehavior.OpenOpen,
      overviewRulerColor: new ThemeColor(colour),
      overviewRulerLane: OverviewRulerLane.Right,
      after: { color: new ThemeColor(colour), margin: '0 0 0 3em', fontStyle: 'italic' },
    });
  }
}
