// What a decision is made from and what it says, the reasons included.

import type { MissReason, Nearest } from '../protocol/decision.ts';
import type { Candidate } from '../protocol/entry.ts';
import type { GuardVerdict } from './guards.ts';

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
}

/** One candidate as it was judged. */
export interface CandidateExplanation extends Nearest {
  outcome: 'accepted' | 'refused' | 'near' | 'not-considered';
  /** One line in the person's words. */
  why: string;
  /** Guards that refuse it; mode 'verified' only, like all that follows. */
  guards?: GuardVerdict[];
  /** Share of the content words that pair up, 0..1, and what is left over on either side. */
  alignment?: { share: number; leftAsked: string[]; leftStored: string[] };
  /** The same beyond doubt by its words alone. */
  trivial?: boolean;
  /** The verifier's answers for (asked, stored) and (stored, asked). */
  logits?: [number, number];
  /** What the probability was made from, in the order of featureNames (pairFeatures.ts). */
  features?: number[];
  /** P(same answer), 0..1. */
  probability?: number;
  /** Least probability that would have been served. */
  bound?: number;
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
