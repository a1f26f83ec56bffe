// May a stored answer serve this instruction? Candidates in, one verdict out, with everything that led to it.
// Owns: the order of the steps (threshold or guards, then alignment) and the reason for every refusal.
// Does not know: stores, models, HTTP. Scope and exact equality were settled before: all candidates share the scope.
// Always true: mode 'distance' is LangChain's rule to the letter: nearest entry, distance <= scoreThreshold, nothing else.

import type { MissReason, Nearest } from '../protocol/decision.ts';
import type { Candidate } from '../protocol/entry.ts';

export interface DecideInput {
  mode: 'exact' | 'distance';
  /** Largest cosine distance that still counts, inclusive; mode 'distance' only. */
  scoreThreshold: number;
  /** The instruction at hand. */
  instruction: string;
  /** Nearest first. */
  candidates: Candidate[];
}

/** One candidate as it was judged. */
export interface CandidateExplanation extends Nearest {
  outcome: 'accepted' | 'refused' | 'not-considered';
  /** One line in the person's words. */
  why: string;
}

export interface Verdict {
  accepted: Candidate | null;
  /** Why nothing was accepted; null when something was. */
  missReason: MissReason | null;
  /** One line in the person's words: why it was served, or why not. */
  why: string;
  /** The candidate that the reason is about; null when there was none. */
  nearest: Nearest | null;
  explanation: CandidateExplanation[];
}

export async function decide(input: DecideInput): Promise<Verdict> {
  if (input.mode === 'exact') return refusal('exact-only', 'Only an identical prompt may be served (semcache.matching is "exact").', input);
  return decideByDistance(input);
}

function decideByDistance(input: DecideInput): Verdict {
  const first = input.candidates[0];
  if (!first) return refusal('no-entry', 'Nothing was asked about the same context before.', input);
  const far = `distance ${shown(first.distance)}, threshold ${shown(input.scoreThreshold)}`;
  if (first.distance > input.scoreThreshold) return refusal('too-far', `The nearest stored question is too far away: ${far}.`, input);
  const untouched = input.candidates.find(c => !c.tombstoned && c.distance <= input.scoreThreshold);
  if (!untouched) return refusal('tombstone', 'You said that the nearest stored answer is wrong for this question.', input);
  const why = `Within the distance threshold: ${shown(untouched.distance)} <= ${shown(input.scoreThreshold)}.`;
  return {
    accepted: untouched,
    missReason: null,
    why,
    nearest: nearestOf(untouched),
    explanation: input.candidates.map(c =>
      explained(c, c === untouched ? 'accepted' : c.tombstoned ? 'refused' : 'not-considered', c === untouched ? why : c.tombstoned ? 'You said that this answer is wrong here.' : 'Farther away.')),
  };
}

function refusal(missReason: MissReason, why: string, input: DecideInput): Verdict {
  const first = input.candidates[0];
  return {
    accepted: null,
    missReason,
    why,
    nearest: first ? nearestOf(first) : null,
    explanation: input.candidates.map((c, i) => explained(c, i === 0 ? 'refused' : 'not-considered', i === 0 ? why : 'Farther away.')),
  };
}

function explained(candidate: Candidate, outcome: CandidateExplanation['outcome'], why: string): CandidateExplanation {
  return { ...nearestOf(candidate), outcome, why };
}

function nearestOf(candidate: Candidate): Nearest {
  return { entryId: candidate.entry.id, instruction: candidate.entry.instruction, distance: candidate.distance };
}

/** Three decimals are what a person can use of a distance. */
function shown(distance: number): string {
  return distance.toFixed(3).replace(/\.?0+$/, '');
}
