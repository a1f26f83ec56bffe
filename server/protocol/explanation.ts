// Why a prompt was answered as it was: everything that led to the decision, in a person's words.

import type { Decision, Nearest } from './decision.ts';
import type { ContextPart } from './prompt.ts';

export interface GuardVerdict {
  guard: string;
  /** One line: what differs. */
  reason: string;
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
  /** The verifier's answers for (asked, stored) and (stored, asked): log-odds. */
  logits?: [number, number];
  /** What the probability was made from, in the order of featureNames (matching/pairFeatures.ts). */
  features?: number[];
  /** P(same answer), 0..1. */
  probability?: number;
  /** Least probability that would have been served. */
  bound?: number;
}

/** A stored question in the same words that may not be served because its context or model is another. */
export interface Elsewhere {
  entryId: string;
  instruction: string;
  updatedAt: number;
  /** What differs, by name: "the selected code (src/parse.ts) changed", "another model (gpt-4o)". */
  differs: string[];
}

export interface Explanation {
  /** What was compared by meaning. */
  instruction: string;
  /** What had to be equal. */
  context: Pick<ContextPart, 'kind' | 'name'>[];
  /** Model and invocation parameters, which had to be equal too. */
  llmString: string;
  decision: Decision;
  /** Nearest first; features are left out. */
  candidates: CandidateExplanation[];
  elsewhere: Elsewhere[];
  matching: 'exact' | 'distance' | 'verified';
  /** Permitted share of wrong answers among those served by meaning, 0..1. */
  maxWrongHitRate: number;
}
