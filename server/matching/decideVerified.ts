// Mode 'verified': guards refuse, equal words accept, and for the rest the verifier's calibrated probability decides.
// Owns: which candidates are worth the verifier's time, and when its opinion counts.
// Always true: a refused candidate is never asked about; at most `verifiedCandidates` are.

import { missWords } from '../protocol/decision.ts';
import type { Candidate } from '../protocol/entry.ts';
import { SemcacheError } from '../protocol/errors.ts';
import { align, isTriviallySame, type Alignment } from './alignment.ts';
import { calibration, mayServeTrivial, probabilityBound, probabilityOf } from './calibration.ts';
import { guardVerdicts, type GuardVerdict } from './guards.ts';
import { pairFeatures } from './pairFeatures.ts';
import { isValidatedLanguage } from './validatedLanguage.ts';
import { nearestOf, type CandidateExplanation, type DecideInput, type PairVerifier, type Verdict } from './verdict.ts';

/** The verifier takes about 8 ms a pair and order; three candidates keep a lookup within its 60 ms. */
const verifiedCandidates = 3;
/** Farther neighbours were the same question in 2 of 1,000 families only, and cost as much to verify. */
export const widestDistance = 0.75;
/** Longer texts were not validated; the model reads 192 word pieces of both together. */
const longestVerified = 2000;

interface Judged {
  candidate: Candidate;
  alignment: Alignment;
  guards: GuardVerdict[];
  bare: boolean;
  explanation: CandidateExplanation;
}

export async function decideVerified(input: DecideInput): Promise<Verdict> {
  const limit = input.maxWrongHitRate ?? 0.01;
  const judged = input.candidates.map(candidate => judge(candidate, input.instruction));
  const open = judged.filter(j => j.explanation.outcome === 'not-considered');

  const trivial = mayServeTrivial(limit) ? open.find(j => isTriviallySame(j.alignment)) : undefined;
  if (trivial) return accepted(trivial, 'The same words, but for spelling, courtesy or abbreviations.', judged);

  if (input.verifier) await verify(open.slice(0, verifiedCandidates), probabilityBound(limit), input.verifier);
  const best = open.filter(j => j.explanation.probability !== undefined).sort((x, y) => y.explanation.probability! - x.explanation.probability!)[0];
  if (!best) return missed(judged);
  const { probability, bound } = best.explanation as { probability: number; bound: number };
  if (probability >= bound) return accepted(best, `The same question with ${percent(probability)} probability; at least ${percent(bound)} is needed.`, judged);
  best.explanation.why = `The same question with ${percent(probability)} probability only${bound <= 1 ? `; ${percent(bound)} is needed` : ''}.`;
  best.explanation.outcome = probability >= calibration.offer ? 'near' : 'refused';
  return missed(judged, best);
}

function judge(candidate: Candidate, instruction: string): Judged {
  const alignment = align(instruction, candidate.entry.instruction);
  const bare = candidate.entry.context.length === 0;
  const guards = guardVerdicts({ alignment, bare });
  const explanation: CandidateExplanation = {
    ...nearestOf(candidate),
    outcome: 'not-considered',
    why: 'Another stored question was nearer.',
    guards,
    alignment: {
      share: alignment.share,
      leftAsked: alignment.leftA.map(t => t.text),
      leftStored: alignment.leftB.map(t => t.text),
    },
  };
  const refusal = candidate.tombstoned ? missWords.tombstone
    : candidate.distance > widestDistance ? missWords['too-far']
    : guards[0]?.reason;
  if (refusal !== undefined) Object.assign(explanation, { outcome: 'refused', why: refusal });
  return { candidate, alignment, guards, bare, explanation };
}

/** Asks the verifier about all of them at once, both ways round, and notes what it says of each. */
async function verify(open: Judged[], bound: number, verifier: PairVerifier): Promise<void> {
  const worthwhile = open.filter(({ alignment }) =>
    isValidatedLanguage(alignment.a) && isValidatedLanguage(alignment.b) && alignment.asked.length + alignment.stored.length <= longestVerified);
  if (worthwhile.length === 0) return;
  const logits = await answered(verifier, worthwhile.flatMap(({ alignment: { asked, stored } }): [string, string][] => [[asked, stored], [stored, asked]]));
  if (logits === null) return;
  const means = worthwhile.map((_, i) => (logits[2 * i]! + logits[2 * i + 1]!) / 2);
  worthwhile.forEach((j, i) => {
    const others = means.filter((_, k) => k !== i);
    const margin = others.length === 0 ? 0 : means[i]! - Math.max(...others);
    const pair: [number, number] = [logits[2 * i]!, logits[2 * i + 1]!];
    const facts = { alignment: j.alignment, verdicts: j.guards, distance: j.candidate.distance, logits: pair, margin, bare: j.bare };
    const features = pairFeatures(facts);
    Object.assign(j.explanation, { logits: pair, features, probability: probabilityOf(features), bound });
  });
}

/** Null when the verifier fails or is too slow: then there is no evidence, and nothing is served on its word. */
async function answered(verifier: PairVerifier, pairs: [string, string][]): Promise<number[] | null> {
  try {
    return await verifier(pairs);
  } catch (error) {
    if (error instanceof SemcacheError && error.code === 'cancelled') throw error;
    return null;
  }
}

function accepted(chosen: Judged, why: string, judged: Judged[]): Verdict {
  Object.assign(chosen.explanation, { outcome: 'accepted', why });
  return {
    accepted: chosen.candidate,
    near: null,
    missReason: null,
    why,
    nearest: nearestOf(chosen.candidate),
    explanation: judged.map(j => j.explanation),
  };
}

/** @param best the candidate that came nearest to being served; without one the nearest refused candidate gives the reason */
function missed(judged: Judged[], best: Judged | undefined = judged[0]): Verdict {
  const { candidate, explanation } = best!;
  const missReason = candidate.tombstoned ? 'tombstone' : candidate.distance > widestDistance ? 'too-far' : 'refused';
  if (explanation.outcome === 'not-considered') {
    Object.assign(explanation, { outcome: 'refused', why: 'No evidence that it is the same question.' });
  }
  return {
    accepted: null,
    near: explanation.outcome === 'near' ? candidate : null,
    missReason,
    why: explanation.why,
    nearest: nearestOf(candidate),
    explanation: judged.map(j => j.explanation),
  };
}

function percent(probability: number): string {
  return `${(100 * probability).toFixed(1)} %`;
}
