// What a decision is made from and what it says, the reasons included.

import type { MissReason, Nearest } from '../protocol/decision.ts';
import type { Candidate } from '../protocol/entry.ts';
import type { CandidateExplanation } from '../protocol/explanation.ts';

/** One logit a pair, in order: log-odds that an answer to the first text answers the second. */
export type PairVerifier = (pairs: [string, string][]) => Promise<number[]>;

export interface DecideInput {
  mode: 'exact' | 'distance' | 'verified';
  /** Largest cosine distance that still counts, inclusive; mode 'distance' only. */
  scoreThreshold: number;
  /** Permitted share of wrong answers among those served by meaning, 0..1; mode 'verified' only. */
  maxWrongHitRate?: number;
  /** The instruction at hand. */
  instruction: string;
  /** Nearest first. */
  candidates: Candidate[];
  /** Absent while there is none (still loading, failed): then words alone decide. */
  verifier?: PairVerifier | undefined;
  /** Candidates that it may be asked about; those that are likelier by their words go first. */
  verifiable?: number | undefined;
}

export interface Verdict {
  accepted: Candidate | null;
  /** Likely the same, not served: worth offering to the person. */
  near: Candidate | null;
  /** Why nothing was accepted; null when something was. */
  missReason: MissReason | null;
  /** One line in the person's words: why it was served, or why not. */
  why: string;
  /** The candidate that the reason is about; null when there was none. */
  nearest: Nearest | null;
  /** One a candidate, in their order. */
  explanation: CandidateExplanation[];
}

export function nearestOf(candidate: Candidate): Nearest {
  return { entryId: candidate.entry.id, instruction: candidate.entry.instruction, distance: candidate.distance };
}
