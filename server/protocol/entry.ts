// A stored answer, and the ways to speak of several.

import type { Generation, Usage } from './answer.ts';
import type { ContextPart, Route } from './prompt.ts';

/** A context part without its text: enough to say which part differs. */
export interface ContextMark {
  kind: ContextPart['kind'];
  name: string;
  sha256: string;
}

export interface Entry {
  /** Derived from scope and instruction, so that an update replaces: see cache/scope.ts. */
  id: string;
  scope: string;
  llmString: string;
  instruction: string;
  /** Hash of the canonical instruction; rulings speak of pairs of these. */
  instructionKey: string;
  context: ContextMark[];
  /** The embedder that made `vector`; both null when the entry can be found by equality only. */
  fingerprint: string | null;
  /** L2-normalised. */
  vector: Float32Array | null;
  generations: Generation[];
  model: string;
  route: Route;
  /** Who stored it, where that person wants it to be told and the store is shared. */
  storedBy?: string;
  /** Hash of the workspace it was asked in; null outside one. */
  workspace: string | null;
  usage: Usage | null;
  /** How long the upstream took. */
  upstreamMs: number;
  createdAt: number;
  updatedAt: number;
  /** Served strictly before this moment only. */
  expiresAt: number;
  lastHitAt: number | null;
  hits: number;
}

/** An entry without its answers and vector. */
export type EntryFacts = Omit<Entry, 'vector' | 'generations'>;

/** An entry as a look-up finds it: without its vector and how often it was used. */
export type FoundEntry = Omit<Entry, 'vector' | 'hits' | 'lastHitAt'>;

/** An entry as lists show it. */
export type EntrySummary = Omit<Entry, 'vector' | 'generations' | 'context'> & { preview: string };

/** Which entries: all given fields must be equal; an empty filter is every entry. */
export interface EntryFilter {
  ids?: string[];
  llmString?: string;
  model?: string;
  workspace?: string;
}

export interface Candidate {
  entry: FoundEntry;
  /** Cosine distance to the instruction at hand, 0..2. */
  distance: number;
  /** The person said that these two instructions are not the same. */
  tombstoned: boolean;
  /** Keys of the instructions, this one or others, that the person said are not the same as the entry's; in no order. */
  disputes: string[];
}

/**
 * What the person said of two instructions, by their keys in sorted order: the same question (an alias), or never to be
 * served to each other again (a tombstone). Of two rulings on one pair the later counts.
 */
export interface Ruling {
  a: string;
  b: string;
  same: boolean;
  createdAt: number;
}
