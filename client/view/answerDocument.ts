// The answer beside the code: a read-only Markdown document that fills while the answer streams.
// Owns: which document an ask is shown in, how often it is written, what its first line says.
// Always true: one document is reused from ask to ask, another one only while the first is still being written.

import type * as vscode from 'vscode';
import { statusLine, type ShownAsk } from './answerStatus.ts';
import { shortened } from './markdownText.ts';
import { offerActions, offerText } from './nearOffer.ts';

export const answerScheme = 'semcache-answer';

/** A hit is there sooner than this, and is then written once and whole. */
const firstWriteMs = 60;
/** The editor renders no faster than people read; each write sends the whole text. */
const writeEveryMs = 80;
/**
 * The editor compares the old text with the new one letter by letter before it shows a change: from Enter to a hit of
 * 5,500 characters took 160 to 300 ms where one of the same length stood before it, 60 to 110 ms where the document
 * was emptied while the cache was asked, and 60 to 100 ms between two short ones (VS Code 1.139, November 2026). To
 * open another document for each answer took 100 to 135 ms for all. Longer texts than this are taken away first.
 */
const longTextLength = 1000;
/** Longest wait for the editor to say that the document is empty. */
const emptyMs = 250;

type Editor = Pick<
  typeof vscode,
  'commands' | 'window' | 'workspace' | 'languages' | 'Uri' | 'EventEmitter' | 'ViewColumn' | 'Range' | 'CodeLens'
>;

interface Slot {
  uri: vscode.Uri;
  askId: string | null;
  /** What the document says, or was last given to say. */
  written: string;
  /** What the lenses were last made from. */
  lensesOf: string;
  /** Settled when the editor shows the document empty; null while that is not awaited. */
  emptied: Promise<void> | null;
  /** The editor shows a change. */
  shown: () => void;
  timer: NodeJS.Timeout | null;
  /** Settled when the ask has said something, or should have. */
  first: Promise<void>;
  begun: () => void;
}

export class AnswerDocuments {
  readonly #editor: Editor;
  readonly #askOf: (id: string) => ShownAsk | null;
  readonly #slots: Slot[] = [];
  readonly #changed: vscode.EventEmitter<vscode.Uri>;
  readonly #lensesChanged: vscode.EventEmitter<void>;
  readonly #subscriptions: vscode.Disposable[];

  constructor(parts: { editor: Editor; askOf: (id: string) => ShownAsk | null }) {
    this.#editor = parts.editor;
    this.#askOf = parts.askOf;
    const { workspace, languages, EventEmitter } = parts.editor;
    this.#changed = new EventEmitter();
    this.#lensesChanged = new EventEmitter();
    this.#subscriptions = [
      workspace.onDidOpenTextDocument(document => this.#shows(document)),
      workspace.onDidChangeTextDocument(({ document }) => this.#shows(document)),
      workspace.onDidCloseTextDocument(({ uri }) => this.#closed(uri)),
      this.#changed,
      this.#lensesChanged,
      workspace.registerTextDocumentContentProvider(answerScheme, {
        onDidChange: this.#changed.event,
        provideTextDocumentContent: uri => this.#content(uri),
      }),
      languages.registerCodeLensProvider(
        { scheme: answerScheme },
        { onDidChangeCodeLenses: this.#lensesChanged.event, provideCodeLenses: document => this.#lenses(document.uri) },
      ),
    ];
  }

  /** Shows the ask beside the active editor. The focus stays where it is. */
  async show(askId: string): Promise<void> {
    const slot = this.#slotFor(askId);
    if (slot.askId !== askId) this.#begin(slot, askId);
    const { commands, window, ViewColumn } = this.#editor;
    if (window.visibleTextEditors.some(({ document }) => document.uri.toString() === slot.uri.toString())) return;
    const hasEditor = window.activeTextEditor !== undefined;
    const options: vscode.TextDocumentShowOptions = {
      viewColumn: this.#openColumn() ?? (hasEditor ? ViewColumn.Beside : ViewColumn.Active),
      preserveFocus: hasEditor,
      preview: false,
    };
    // One way to the editor and back, where openTextDocument and showTextDocument take two.
    await commands.executeCommand('vscode.open', slot.uri, options);
  }

  /** The document that shows `askId` shows the other from now on. */
  replace(askId: string, newAskId: string): void {
    const slot = this.#slots.find(each => each.askId === askId);
    if (slot !== undefined) this.#begin(slot, newAskId);
  }

  /** To be called when something of the ask has changed. */
  update(askId: string): void {
    const slot = this.#slots.find(each => each.askId === askId);
    const ask = this.#askOf(askId);
    if (slot === undefined || ask === null) return;
    if (slot.written === answerText(ask)) this.#tellLenses(slot, ask);
    const settled = ask.status.phase !== 'asking';
    if (settled) {
      slot.begun();
      this.#write(slot);
      return;
    }
    // A hit's parts arrive together: it is written at its end.
    if (ask.status.decision?.status !== 'hit' && ask.status.decision?.status !== 'stale') this.#writeSoon(slot, writeEveryMs);
  }

  /** The ask that this document shows; null for other documents. */
  askIn(uri: vscode.Uri): string | null {
    return this.#slotOf(uri)?.askId ?? null;
  }

  dispose(): void {
    for (const slot of this.#slots) if (slot.timer !== null) clearTimeout(slot.timer);
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  #slotOf(uri: vscode.Uri): Slot | undefined {
    if (uri.scheme !== answerScheme) return undefined;
    return this.#slots.find(slot => slot.uri.toString() === uri.toString());
  }

  #slotFor(askId: string): Slot {
    const mine = this.#slots.find(slot => slot.askId === askId);
    if (mine !== undefined) return mine;
    const free = this.#slots.find(slot => this.#askOf(slot.askId ?? '')?.status.phase !== 'asking');
    if (free !== undefined) return free;
    const number = this.#slots.length === 0 ? '' : ` ${this.#slots.length + 1}`;
    const uri = this.#editor.Uri.from({ scheme: answerScheme, path: `/Semcache answer${number}.md` });
    const nothing = (): void => undefined;
    const slot: Slot = {
      uri, askId: null, written: '', lensesOf: '', emptied: null, shown: nothing, timer: null, first: Promise.resolve(), begun: nothing,
    };
    this.#slots.push(slot);
    return slot;
  }

  #begin(slot: Slot, askId: string): void {
    slot.askId = askId;
    slot.first = new Promise(resolve => {
      slot.begun = resolve;
    });
    slot.lensesOf = '';
    setTimeout(() => slot.begun(), firstWriteMs);
    if (slot.written.length > longTextLength) this.#empty(slot);
    if (this.#askOf(askId)?.status.phase === 'asking') this.#writeSoon(slot, firstWriteMs);
    else this.update(askId);
  }

  /** What is written next waits until the editor shows nothing. */
  #empty(slot: Slot): void {
    const shown = new Promise<void>(resolve => {
      slot.shown = resolve;
      setTimeout(resolve, emptyMs);
    });
    slot.emptied = shown.then(() => {
      slot.emptied = null;
    });
    this.#changed.fire(slot.uri);
  }

  async #content(uri: vscode.Uri): Promise<string> {
    const slot = this.#slotOf(uri);
    const noLonger = 'This answer is gone from this window. Ask again: if it was stored, it comes back at once.\n';
    if (slot === undefined || slot.askId === null) return noLonger;
    if (slot.emptied !== null) {
      slot.written = '';
      return '';
    }
    await slot.first;
    const ask = this.#askOf(slot.askId);
    slot.written = ask === null ? noLonger : answerText(ask);
    return slot.written;
  }

  /**
   * The editor passes over a change that is told before it has opened the document, or that equals what it showed
   * before an unfinished one. So what it shows is compared with what it should, each time that this is known.
   */
  #shows(document: vscode.TextDocument): void {
    const slot = this.#slotOf(document.uri);
    if (slot === undefined) return;
    slot.written = document.getText();
    slot.shown();
    const ask = this.#askOf(slot.askId ?? '');
    if (ask !== null) this.#tellLenses(slot, ask);
    if (slot.emptied === null) this.#writeSoon(slot, writeEveryMs);
  }

  #closed(uri: vscode.Uri): void {
    const slot = this.#slotOf(uri);
    if (slot !== undefined) slot.written = '';
  }

  #writeSoon(slot: Slot, delayMs: number): void {
    slot.timer ??= setTimeout(() => this.#write(slot), delayMs);
  }

  #write(slot: Slot): void {
    if (slot.timer !== null) clearTimeout(slot.timer);
    slot.timer = null;
    if (slot.emptied !== null) {
      void slot.emptied.then(() => this.#write(slot));
      return;
    }
    const ask = this.#askOf(slot.askId ?? '');
    if (ask !== null && answerText(ask) !== slot.written) this.#changed.fire(slot.uri);
  }

  /** Where an answer is open already, though perhaps behind another tab. */
  #openColumn(): vscode.ViewColumn | undefined {
    return this.#editor.window.tabGroups.all.find(group =>
      group.tabs.some(tab => (tab.input as { uri?: vscode.Uri } | undefined)?.uri?.scheme === answerScheme),
    )?.viewColumn;
  }

  #lenses(uri: vscode.Uri): vscode.CodeLens[] {
    const askId = this.askIn(uri);
    const ask = askId === null ? null : this.#askOf(askId);
    if (ask === null) return [];
    return lensesFor(ask).map(({ title, command, line }) =>
      new this.#editor.CodeLens(new this.#editor.Range(line, 0, line, 0), { title, command, arguments: [{ answerIn: uri }] }),
    );
  }

  /**
   * The editor asks for lenses anew only when it is told to, and then draws them all again: after the text that they
   * stand in, which a person waits for.
   */
  #tellLenses(slot: Slot, ask: ShownAsk): void {
    const now = JSON.stringify(lensesFor(ask));
    if (now === slot.lensesOf) return;
    slot.lensesOf = now;
    this.#lensesChanged.fire();
  }
}

/** What stands above a line of the document, counted from 0. */
function lensesFor(ask: ShownAsk): Array<{ title: string; command: string; line: number }> {
  const lens = (title: string, command: string, line = 0) => ({ title, command, line });
  const why = ask.status.decision === null ? [] : [lens('Why?', 'semcache.explain')];
  const offer = ask.offer === null ? [] : offerActions(ask.offer).map(({ title, command }) => lens(title, command, offerLine));
  if (ask.status.phase === 'asking') return [lens('Stop', 'semcache.stop'), ...why, ...offer];
  const entry = ask.entryId === null ? [] : [
    lens('Edit', 'semcache.edit'),
    lens('Delete', 'semcache.delete'),
    lens('Wrong answer', 'semcache.wrongAnswer'),
    lens('Show entry', 'semcache.showEntry'),
  ];
  return [lens('Refresh', 'semcache.refresh'), ...entry, ...why, ...offer];
}

/** After the status and a blank line. */
const offerLine = 2;

/** The document: status, what is offered, question, what was matched, answer. */
export function answerText(ask: ShownAsk): string {
  const { decision, failure } = ask.status;
  const blocks = [statusLine(ask.status), ...(ask.offer === null ? [] : [`*${offerText(ask.offer)}*`]), quoted(ask.question)];
  if (decision !== null && 'match' in decision && decision.match === 'semantic') {
    blocks.push(`*Answered for “${shortened(decision.instruction, 120)}”. ${decision.why}*`);
  }
  if (decision?.status === 'bypass') blocks.push(`*${decision.why}${ask.entryId === null ? ' This answer is not stored.' : ''}*`);
  if (ask.text !== '') blocks.push(ask.text.trimEnd());
  if (failure !== undefined) blocks.push(`**No answer.** ${failure}`);
  if (ask.notStored !== null && decision?.status !== 'bypass') blocks.push(`*Not stored: ${ask.notStored}.*`);
  return `${blocks.join('\n\n')}\n`;
}

function quoted(question: string): string {
  return question.split('\n').map(line => `> ${line}`.trimEnd()).join('\n');
}
