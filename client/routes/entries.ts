// The stored entries, as the window reads and changes them through the daemon.
// The messages are loaded when the first one is sent, so that activation does not wait for the protocol library.

import type { EntryFilter, EntrySummary } from '../../server/protocol/entry.ts';
import type { Explanation } from '../../server/protocol/explanation.ts';
import type { EntryDetail } from '../../server/protocol/messages.ts';
import type { ModelRequest } from '../../server/protocol/prompt.ts';
import type { Stats } from '../../server/protocol/stats.ts';
import type { DaemonConnection } from '../daemon/connection.ts';
import type { StoredAnswers } from '../view/entryDocument.ts';
import type { Asks } from './asks.ts';

/** Errors of all: SemcacheError with the daemon's code; daemon-unreachable. */
export interface Entries {
  list(query: { filter: EntryFilter; search?: string; limit: number }): Promise<{ total: number; entries: EntrySummary[] }>;
  /** Null when it is gone. */
  get(id: string): Promise<EntryDetail | null>;
  /** Replaces the answer's text. */
  edit(id: string, text: string): Promise<void>;
  /** Resolves to how many were removed. */
  clear(filter: EntryFilter): Promise<number>;
  wrongAnswer(entryId: string, request: ModelRequest): Promise<void>;
  /** The same for an answer that was offered and not served. */
  notTheSame(entryId: string, request: ModelRequest): Promise<void>;
  /** From now on the entry may answer this request. */
  sameQuestion(entryId: string, request: ModelRequest): Promise<void>;
  /** Why an ask of this window ended as it did; null when the daemon does not know it any more. */
  explain(askId: string): Promise<Explanation | null>;
  stats(): Promise<Stats>;
}

export function createEntries(connection: Pick<DaemonConnection, 'request'>): Entries {
  const messages = () => import('../../server/protocol/messages.ts');
  return {
    list: async query => connection.request((await messages()).listRequest, { offset: 0, ...query }),
    get: async id => connection.request((await messages()).entryRequest, { id }),
    edit: async (id, text) => connection.request((await messages()).editRequest, { id, text }),
    clear: async filter => (await connection.request((await messages()).clearRequest, filter)).removed,
    wrongAnswer: async (entryId, request) =>
      connection.request((await messages()).wrongAnswerRequest, { entryId, request }),
    notTheSame: async (entryId, request) =>
      connection.request((await messages()).wrongAnswerRequest, { entryId, request, offered: true }),
    sameQuestion: async (entryId, request) =>
      connection.request((await messages()).sameQuestionRequest, { entryId, request }),
    explain: async askId => connection.request((await messages()).explainRequest, { askId }),
    stats: async () => connection.request((await messages()).statsRequest),
  };
}

/** The answers as the editor's documents read and write them; asks of this window learn of what is saved. */
export function storedAnswers(entries: Pick<Entries, 'get' | 'edit'>, asks: Pick<Asks, 'edited'>): StoredAnswers {
  return {
    read: async id => {
      const entry = await entries.get(id);
      if (entry === null) return null;
      return { text: entry.generations[0]?.text ?? '', createdAt: entry.createdAt, updatedAt: entry.updatedAt };
    },
    write: async (id, text) => {
      await entries.edit(id, text);
      asks.edited(id, text);
    },
  };
}
