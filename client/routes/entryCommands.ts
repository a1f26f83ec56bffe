// The commands that speak of a stored answer: refresh, edit, delete, wrong answer, show, browse, clear.
// Owns: what each of them says and asks before it acts. Does not know: the wire.
// Always true: whatever removes entries also removes their marks from this window.

import type * as vscode from 'vscode';
import type { EntryFilter } from '../../server/protocol/entry.ts';
import type { Decorations } from '../view/decorations.ts';
import type { AnswerDocuments } from '../view/answerDocument.ts';
import { entryUri } from '../view/entryDocument.ts';
import { entryText } from '../view/entryText.ts';
import { fileName } from '../view/entryDocument.ts';
import { shortened } from '../view/markdownText.ts';
import { pickEntry } from '../view/pickEntry.ts';
import { numberOf } from '../view/amounts.ts';
import type { ReadOnlyDocuments } from '../view/readOnlyDocuments.ts';
import type { Asks } from './asks.ts';
import { lookedAt, questionOf, resolveTarget, type Question, type Target, type TargetArgument } from './askTarget.ts';
import type { EditorCommand } from './editorCommand.ts';
import type { Entries } from './entries.ts';
import type { Models } from './models.ts';

export interface EntryCommandParts {
  editor: Pick<typeof vscode, 'window' | 'Uri' | 'ThemeIcon' | 'workspace'>;
  asks: Asks;
  entries: Entries;
  models: Pick<Models, 'all'>;
  answers: AnswerDocuments;
  decorations: Decorations;
  documents: ReadOnlyDocuments;
  editorCommand: EditorCommand;
  workspace: () => string | null;
  now: () => number;
}

export class EntryCommands {
  readonly #parts: EntryCommandParts;

  constructor(parts: EntryCommandParts) {
    this.#parts = parts;
  }

  async refresh(argument?: TargetArgument): Promise<void> {
    const target = await resolveTarget(this.#parts, argument);
    if (target === undefined) return;
    const question = await this.#question(target);
    if (question !== null) await this.#parts.editorCommand.refresh(question);
  }

  async wrongAnswer(argument?: TargetArgument): Promise<void> {
    const target = await resolveTarget(this.#parts, argument);
    if (target === undefined || !this.#isStored(target)) return;
    const question = await this.#question(target);
    if (question === null) return;
    await this.#parts.entries.wrongAnswer(target.entryId, question.request);
    await this.#parts.editorCommand.refresh(question);
    await this.#forgetGone();
  }

  async edit(argument?: TargetArgument): Promise<void> {
    const target = await resolveTarget(this.#parts, argument);
    if (target === undefined || !this.#isStored(target)) return;
    const entry = await this.#parts.entries.get(target.entryId);
    if (entry === null) return this.#gone(target.entryId);
    const { window, Uri, workspace } = this.#parts.editor;
    const document = await workspace.openTextDocument(entryUri({ Uri }, entry.id, entry.instruction));
    await window.showTextDocument(document, { preview: false });
  }

  async show(argument?: TargetArgument): Promise<void> {
    const target = await resolveTarget(this.#parts, argument);
    if (target === undefined || !this.#isStored(target)) return;
    const entry = await this.#parts.entries.get(target.entryId);
    if (entry === null) return this.#gone(target.entryId);
    await this.#parts.documents.show(`Entry ${fileName(entry.instruction)}`, entryText(entry, this.#parts.now()), { key: entry.id });
  }

  async delete(argument?: TargetArgument): Promise<void> {
    const target = await resolveTarget(this.#parts, argument);
    if (target === undefined || !this.#isStored(target)) return;
    const removed = await this.#parts.entries.clear({ ids: [target.entryId] });
    this.#forget(new Set([target.entryId]));
    const said = target.record === null ? 'The entry' : `The stored answer to “${shortened(target.record.question, 60)}”`;
    void this.#parts.editor.window.showInformationMessage(`${said} ${removed === 0 ? 'was gone already' : 'is deleted'}.`);
  }

  async showAnswer(argument?: TargetArgument): Promise<void> {
    const target = await resolveTarget(this.#parts, argument);
    if (target === undefined) return;
    if (target.record === null) return this.show(argument);
    await this.#parts.answers.show(target.record.id);
  }

  async browse(): Promise<void> {
    const { editor, entries, now } = this.#parts;
    const list = (search: string, limit: number) =>
      entries.list({ filter: {}, limit, ...(search === '' ? {} : { search }) });
    const picked = await pickEntry(editor, list, now);
    if (picked === undefined) return;
    const argument = { entryId: picked.entry.id };
    switch (picked.what) {
      case 'show':
        return this.show(argument);
      case 'edit':
        return this.edit(argument);
      case 'delete':
        return this.delete(argument);
    }
  }

  async clear(): Promise<void> {
    const choice = await this.#pickWhatToClear();
    if (choice === undefined) return;
    const { window } = this.#parts.editor;
    const answer = await window.showWarningMessage(
      `Delete ${choice.words}?`,
      { modal: true, detail: 'This cannot be undone. The same questions will be asked of the model again.' },
      'Delete',
    );
    if (answer !== 'Delete') return;
    const removed = await this.#parts.entries.clear(choice.filter);
    await this.#forgetGone();
    void window.showInformationMessage(`${numberOf(removed, 'cached answer')} deleted.`);
  }

  async #pickWhatToClear(): Promise<{ filter: EntryFilter; words: string } | undefined> {
    const { editor, entries, workspace } = this.#parts;
    const count = async (filter: EntryFilter): Promise<number> => (await entries.list({ filter, limit: 1 })).total;
    const target = lookedAt(this.#parts);
    const scopes: Array<{ label: string; filter: EntryFilter; what: string }> = [];
    if (target?.entryId) {
      const question = target.record === null ? '' : ` “${shortened(target.record.question, 60)}”`;
      scopes.push({ label: `This entry${question}`, filter: { ids: [target.entryId] }, what: `this entry${question}` });
    }
    const here = workspace();
    if (here !== null) scopes.push({ label: 'This workspace', filter: { workspace: here }, what: 'asked in this workspace' });
    for (const model of await this.#storedModels()) {
      scopes.push({ label: `Model ${model}`, filter: { model }, what: `of the model ${model}` });
    }
    scopes.push({ label: 'All', filter: {}, what: 'of all workspaces and models' });
    const items = await Promise.all(
      scopes.map(async scope => {
        const found = await count(scope.filter);
        const words = scope.filter.ids === undefined ? `${numberOf(found, 'cached answer')} ${scope.what}` : scope.what;
        return { label: scope.label, description: numberOf(found, 'cached answer'), filter: scope.filter, words, found };
      }),
    );
    const picked = await editor.window.showQuickPick(items, { title: 'Clear cache: delete which answers?' });
    if (picked?.found === 0) {
      void editor.window.showInformationMessage('There is nothing to delete.');
      return undefined;
    }
    return picked;
  }

  /** The models of the newest entries, most frequent first. */
  async #storedModels(): Promise<string[]> {
    const { entries } = await this.#parts.entries.list({ filter: {}, limit: 100 });
    const counts = new Map<string, number>();
    for (const { model } of entries) counts.set(model, (counts.get(model) ?? 0) + 1);
    return [...counts].sort((a, b) => b[1] - a[1]).map(([model]) => model);
  }

  async #question(target: Target): Promise<Question | null> {
    const question = await questionOf(target, this.#parts.entries, this.#parts.models.all());
    if (question === null) {
      void this.#parts.editor.window.showInformationMessage(
        'This answer is from another window or session, and the code or conversation it was about is not stored. Ask ' +
          'the question again there, or delete the entry.',
      );
    }
    return question;
  }

  #isStored(target: Target): target is Target & { entryId: string } {
    if (target.entryId !== null) return true;
    const reason = target.record?.notStored;
    void this.#parts.editor.window.showInformationMessage(
      reason ? `This answer was not stored: ${reason}.` : 'There is no stored answer to this question (any more).',
    );
    return false;
  }

  #gone(entryId: string): void {
    this.#forget(new Set([entryId]));
    void this.#parts.editor.window.showInformationMessage('This entry is not stored any more.');
  }

  #forget(entryIds: ReadonlySet<string>): void {
    const forgotten = this.#parts.asks.forget(entryIds);
    this.#parts.decorations.remove(new Set(forgotten.map(({ id }) => id)));
  }

  /** Asks the daemon which of this window's entries are left. */
  async #forgetGone(): Promise<void> {
    const { asks, entries } = this.#parts;
    const ids = [...new Set(asks.recent().flatMap(({ entryId, offer }) => [entryId, offer?.near.entryId]))].filter(id => typeof id === 'string');
    const left = await Promise.all(ids.map(async id => ({ id, entry: await entries.get(id) })));
    this.#forget(new Set(left.filter(({ entry }) => entry === null).map(({ id }) => id)));
  }
}
