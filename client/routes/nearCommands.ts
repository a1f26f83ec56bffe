// The commands that speak of a near hit: show it, call it the same question, call it another.
// Owns: what each of them says. Does not know: the wire, how the offer is shown (view/nearOffer.ts).
// Always true: the fresh answer goes on, whatever is said.

import type * as vscode from 'vscode';
import { SemcacheError } from '../../server/protocol/errors.ts';
import type { AskRecord } from './asks.ts';
import { resolveTarget, type TargetArgument, type TargetParts } from './askTarget.ts';
import type { Entries } from './entries.ts';

export interface NearCommandParts extends TargetParts {
  editor: Pick<typeof vscode, 'window'>;
  entries: Pick<Entries, 'sameQuestion' | 'notTheSame'>;
  /** Shows an entry, as all entries are shown. */
  show: (argument: TargetArgument) => Promise<void>;
}

/** `nearId`: another candidate than the one that is offered. */
export interface NearArgument extends TargetArgument {
  nearId?: string;
}

export class NearCommands {
  readonly #parts: NearCommandParts;

  constructor(parts: NearCommandParts) {
    this.#parts = parts;
  }

  async showNear(argument?: NearArgument): Promise<void> {
    const near = await this.#near(argument);
    if (near !== null) await this.#parts.show({ entryId: near.id });
  }

  async sameQuestion(argument?: NearArgument): Promise<void> {
    const near = await this.#near(argument);
    if (near === null) return;
    const { asks, entries, editor, show } = this.#parts;
    await this.#whileStored(near.id, () => entries.sameQuestion(near.id, near.record.request));
    asks.said(near.record, near.id, 'same');
    const answer = await editor.window.showInformationMessage('From now on this question is answered from the cache.', 'Show It');
    if (answer !== undefined) await show({ entryId: near.id });
  }

  async notTheSame(argument?: NearArgument): Promise<void> {
    const near = await this.#near(argument);
    if (near === null) return;
    const { asks, entries, editor } = this.#parts;
    await this.#whileStored(near.id, () => entries.notTheSame(near.id, near.record.request));
    asks.said(near.record, near.id, 'not-the-same');
    void editor.window.showInformationMessage('That answer is not offered for this question again.');
  }

  async #near(argument: NearArgument | undefined): Promise<{ record: AskRecord; id: string } | null> {
    const target = await resolveTarget(this.#parts, argument);
    if (target === undefined) return null;
    const id = argument?.nearId ?? target.record?.offer?.near.entryId;
    if (target.record !== null && id !== undefined) return { record: target.record, id };
    void this.#parts.editor.window.showInformationMessage('No similar question is offered for this one.');
    return null;
  }

  /** An offer whose entry is gone is withdrawn. */
  async #whileStored(entryId: string, change: () => Promise<void>): Promise<void> {
    try {
      await change();
    } catch (error) {
      if (error instanceof SemcacheError && error.code === 'entry-not-found') this.#parts.asks.forget(new Set([entryId]));
      throw error;
    }
  }
}
