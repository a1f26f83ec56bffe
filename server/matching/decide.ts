// May a stored answer serve this instruction? Candidates in, one verdict out, with everything that led to it.
// Owns: the order of the steps and the reason for every refusal.
// Does not know: stores, models, HTTP. Scope and exact equality were settled before: all candidates share the scope.
// Always true: mode 'distance' is LangChain's rule to the letter: nearest entry, distance <= scoreThreshold, nothing else.
// Mode 'verified' serves nothing that a guard refuses, and nothing without evidence: words that pair up one to one, or a
// verifier's calibrated probability.

import { missWords, type MissReason } from '../protocol/decision.ts';
import type { Candidate } from '../protocol/entry.ts';
import { decideVerified } from './decideVerified.ts';
import { nearestOf, type DecideInput, type Verdict } from './verdict.ts';

/** @throws SemcacheError cancelled, when the verifier says so */
export async function decide(input: DecideInput): Promise<Verdict> {
  if (input.mode === 'exact') return refusal('exact-only', missWords['exact-only'], input.candidates);
  if (input.candidates.length === 0) return refusal('no-entry', missWords['no-entry'], []);
  return input.mode === 'verified' ? decideVerified(input) : decideByDistance(input);
}

function decideByDistance({ candidates, scoreThreshold }: DecideInput): Verdict {
  const within = candidates.filter(c => c.distance <= scoreThreshold);
  if (within.length === 0) {
    const far = `distance ${shown(candidates[0]!.distance)}, threshold ${shown(scoreThreshold)}`;
    return refusal('too-far', `The nearest stored question is too far away: ${far}.`, candidates);
  }
  const accepted = within.find(c => !c.tombstoned);
  if (!accepted) return refusal('tombstone', missWords.tombstone, candidates);
  const why = `Within the distance threshold: ${shown(accepted.distance)} <= ${shown(scoreThreshold)}.`;
  return {
    accepted,
    near: null,
    missReason: null,
    why,
    nearest: nearestOf(accepted),
    explanation: candidates.map(c => {
      if (c === accepted) return { ...nearestOf(c), outcome: 'accepted', why };
      if (c.tombstoned) return { ...nearestOf(c), outcome: 'refused', why: missWords.tombstone };
      return { ...nearestOf(c), outcome: 'not-considered', why: 'Another stored question was nearer.' };
    }),
  };
}

function refusal(missReason: MissReason, why: string, candidates: Candidate[]): Verdict {
  return {
    accepted: null,
    near: null,
    missReason,
    why,
    nearest: candidates[0] ? nearestOf(candidates[0]) : null,
    explanation: candidates.map((c, i) =>
      i === 0 ? { ...nearestOf(c), outcome: 'refused', why } : { ...nearestOf(c), outcome: 'not-considered', why: 'Farther away.' }),
  };
}

/** Three decimals are what a person can use of a distance. */
function shown(distance: number): string {
  return distance.toFixed(3).replace(/\.?0+$/, '');
}
