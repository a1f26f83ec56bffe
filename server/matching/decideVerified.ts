// Mode 'verified': guards refuse, equal words accept, and for the rest a calibrated probability decides.
// Owns: which candidates are worth a probability, and which of them the verifier is asked about.
// Always true: a refused candidate gets no probability; at most `weighedCandidates` do. Where the verifier is missing, fails or
// is too slow, the words alone decide, by bounds of their own.

import { missWords } from '../protocol/decision.ts';
import type { Candidate } from '../protocol/entry.ts';
import { SemcacheError } from '../protocol/errors.ts';
import type { CandidateExplanation, GuardVerdict } from '../protocol/explanation.ts';
import { align, isTriviallySame, type Alignment } from './alignment.ts';
import { calibration, mayServeTrivial, probabilityBound, probabilityOf, tightened, type Fit } from './calibration.ts';
import { guardVerdicts } from './guards.ts';
import { marginOf, noLogits, pairFeatures } from './pairFeatures.ts';
import { isValidatedLanguage } from './validatedLanguage.ts';
import { nearestOf, type DecideInput, type PairVerifier, type Verdict } from './verdict.ts';

/** A verifier takes about 8 ms a pair and order; three candidates keep a lookup within its 60 ms. */
const weighedCandidates = 3;
/** Farther neighbours were the same question in 2 of 1,000 families only, and cost as much to verify. */
export const widestDistance = 0.75;
/** Longer texts (characters of both together) were not validated. */
const longestWeighed = 2000;

interface Judged {
  candidate: Candidate;
  alignment: Alignment;
  guards: GuardVerdict[];
  bare: boolean;
  /** Permitted share of wrong hits at this candidate. */
  limit: number;
  explanation: CandidateExplanation;
}

export async function decideVerified(input: DecideInput): Promise<Verdict> {
  const limit = input.maxWrongHitRate ?? 0.01;
  const judged = input.candidates.map(candidate => judge(candidate, input.instruction, limit));
  refuseDisputed(judged);
  const open = judged.filter(j => j.explanation.outcome === 'not-considered');

  const trivial = open.find(j => j.explanation.trivial && mayServeTrivial(j.limit));
  if (trivial) return accepted(trivial, 'The same words, but for spelling, courtesy or abbreviations.', judged);

  const worthwhile = open.slice(0, weighedCandidates).filter(isValidated);
  for (const each of worthwhile) weigh(each, noLogits, 0, calibration.words);
  const fit = (await verify(worthwhile, input)) ? calibration.verifier : calibration.words;
  const weighed = open.filter(j => j.explanation.probability !== undefined).sort((x, y) => y.explanation.probability! - x.explanation.probability!);
  const best = weighed.find(({ explanation }) => explanation.probability! >= explanation.bound!) ?? weighed[0];
  if (!best) return missed(judged);
  const { probability, bound } = best.explanation as { probability: number; bound: number };
  if (probability >= bound) return accepted(best, `The same question with ${percent(probability)} probability; at least ${percent(bound)} is needed.`, judged);
  const needed = `The same question with ${percent(probability)} probability; ${bound <= 1 ? `at least ${percent(bound)} is` : 'more is'} needed`;
  best.explanation.why = best.candidate.disputes.length > 0 ? `${needed}, for you said of another question that it is not the same as this one.` : `${needed}.`;
  best.explanation.outcome = probability >= fit.offer ? 'near' : 'refused';
  return missed(judged, best);
}

function judge(candidate: Candidate, instruction: string, maxWrongHitRate: number): Judged {
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
    trivial: isTriviallySame(alignment),
  };
  const refusal = candidate.tombstoned ? missWords.tombstone
    : candidate.distance > widestDistance ? missWords['too-far']
    : guards[0]?.reason;
  if (refusal !== undefined) Object.assign(explanation, { outcome: 'refused', why: refusal });
  return { candidate, alignment, guards, bare, limit: tightened(maxWrongHitRate, candidate.disputes.length, calibration.words), explanation };
}

/**
 * A wrong answer stays away from rewordings, too: where a nearer stored question was said not to be the same as this one,
 * the question at hand is of its kind.
 */
function refuseDisputed(judged: Judged[]): void {
  judged.forEach(({ candidate, explanation }, at) => {
    const nearer = judged.slice(0, at).map(other => other.candidate.entry.instructionKey);
    if (explanation.outcome === 'refused' || !candidate.disputes.some(key => nearer.includes(key))) return;
    Object.assign(explanation, { outcome: 'refused', why: 'You said that it is not the same as another stored question, which is nearer to this one.' });
  });
}

/** Is this a kind of pair on which the calibration was measured? */
function isValidated({ alignment: { a, b, asked, stored }, candidate }: Judged): boolean {
  return candidate.entry.fingerprint === calibration.embedder && isValidatedLanguage(a) && isValidatedLanguage(b) && asked.length + stored.length <= longestWeighed;
}

/** Notes the probability of a candidate, and the bound that it must reach. */
function weigh({ alignment, guards: verdicts, candidate: { distance }, bare, limit, explanation }: Judged, logits: [number, number], margin: number, fit: Fit): void {
  const features = pairFeatures({ alignment, verdicts, distance, logits, margin, bare });
  Object.assign(explanation, { features, probability: probabilityOf(features, fit === calibration.verifier), bound: probabilityBound(limit, fit) });
}

/**
 * Asks the verifier about the candidates that could become hits by it, in both orders, and weighs them anew. False where it said
 * nothing: then the words' probabilities stand. Of the others nothing is known that could serve them.
 */
async function verify(candidates: Judged[], { verifier, verifiable = weighedCandidates }: DecideInput): Promise<boolean> {
  const asked = candidates
    .filter(({ explanation }) => explanation.probability! >= calibration.verifier.askAbove)
    .sort((x, y) => y.explanation.probability! - x.explanation.probability!)
    .slice(0, verifiable);
  if (verifier === undefined || asked.length === 0) return false;
  const logits = await logitsOf(asked, verifier);
  if (logits === null) return false;
  for (const { explanation } of candidates) delete explanation.probability;
  asked.forEach((judged, at) => {
    judged.explanation.logits = logits[at]!;
    weigh(judged, logits[at]!, marginOf(at, logits), calibration.verifier);
  });
  return true;
}

/** For (asked, stored) and (stored, asked) of each; null when the verifier fails or is too slow. */
async function logitsOf(candidates: Judged[], verifier: PairVerifier): Promise<[number, number][] | null> {
  try {
    const logits = await verifier(candidates.flatMap(({ alignment: { asked, stored } }): [string, string][] => [[asked, stored], [stored, asked]]));
    return candidates.map((_, at) => [logits[2 * at]!, logits[2 * at + 1]!]);
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
