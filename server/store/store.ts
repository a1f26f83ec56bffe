// What the cache relies on. Every store keeps exactly this; test/contract/storeContract.ts says it as tests.
// Does not know: what an instruction means, which distance is near enough.

import type { Candidate, Entry, EntryFacts, EntryFilter, EntrySummary, Ruling } from '../protocol/entry.ts';
import type { Counts, SavedTokens } from '../protocol/stats.ts';

export interface NearestQuery {
  scope: string;
  fingerprint: string;
  /** L2-normalised, of the length the fingerprint's other vectors have. */
  vector: Float32Array;
  /** Candidates wanted. */
  k: number;
  /** Key of the instruction at hand: candidates that a ruling keeps from it come back marked. */
  instructionKey: string;
}

export interface ListQuery {
  filter: EntryFilter;
  /** Case-insensitive words that must all occur in the instruction. */
  search?: string;
  offset: number;
  limit: number;
}

export interface HitFacts {
  at: number;
}

/** Changes to the counters; absent fields stay. */
export type CountsDelta = Partial<Counts> & { saved?: SavedTokens };

export interface Store {
  readonly kind: string;
  /** One line for people: "SQLite, /home/ann/.local/share/semcache/cache.db". Holds no secret. */
  readonly description: string;
  /** What is wrong with it now and what to do; null when all is well. Only a store that can be away has it. */
  readonly problem?: string | null;
  /** Called whenever `problem` changes. */
  onProblem?(listener: () => void): void;

  /**
   * The live entry of this id; null when it is not there or expired. A store that is spread over machines finds it one
   * step sooner when `scope`, the entry's own, is given.
   */
  get(id: string, scope?: string): Promise<Entry | null>;
  /** Live entries of scope and fingerprint, nearest first, at most k; exact distances. @throws vector-length-mismatch */
  nearest(query: NearestQuery): Promise<Candidate[]>;
  /** Live entries of this instruction in any scope, newest update first. Entries that an older Semcache wrote may be missing. */
  withInstruction(instructionKey: string, limit: number): Promise<EntryFacts[]>;
  /** Adds, or replaces the entry of the same id (its createdAt and hits stay). Beyond the size bound the least recently used go. */
  put(entry: Entry): Promise<void>;
  /** Counts a hit and marks the entry as used now. Does nothing when it is gone. Never changes expiresAt. */
  recordHit(id: string, facts: HitFacts): Promise<void>;
  /** Removes all that fit; an empty filter removes every entry, and the rulings with them. Resolves to how many entries. Counters stay. */
  clear(filter: EntryFilter): Promise<number>;
  /** Live entries that fit, newest update first, with their number. */
  list(query: ListQuery): Promise<{ total: number; entries: EntrySummary[] }>;
  /** Every live entry, in no order; entries put meanwhile may be missing. */
  entries(): AsyncIterable<Entry>;

  /** Keeps what the person said of a pair, unless something later was said of it. */
  addRuling(ruling: Ruling): Promise<void>;
  rulings(): Promise<Ruling[]>;
  /** Keys of the instructions that the person called the same as this one, latest ruling first. */
  aliasesOf(instructionKey: string): Promise<string[]>;

  addCounts(delta: CountsDelta): Promise<void>;
  counts(): Promise<Counts & { since: number; saved: SavedTokens[] }>;
  /** Sets all counters to 0 and `since` to now. */
  resetCounts(): Promise<void>;

  /** Live entries and what they take on disk or in memory. */
  size(): Promise<{ entries: number; bytes: number }>;
  setMaxEntries(maxEntries: number): Promise<void>;
  /** Everything written so far is safe when this resolves. */
  close(): Promise<void>;
}

/** What every store is given when it is opened. */
export interface StoreOptions {
  /** Milliseconds since 1970. */
  now: () => number;
  maxEntries: number;
}
