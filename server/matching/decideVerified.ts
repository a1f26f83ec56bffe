// Mode 'verified': guards refuse, equal words accept, and for the rest a calibrated probability decides.
// Owns: which candidates are worth a probability, and which of them the verifier is asked about.
// Always true: a refused candidate gets no probability; at most `weighedCandidates` do. Where the verifier is missing, fails or
// is too slow, the words alone decide, by bounds of their own.

import { missWords } from '../protocol/decision.ts';
import type { Candidate } from '../protocol/entry.ts';
import { SemcacheError } from '../protocol/errors.ts';
import type { CandidateExplanation, GuardVerdict } from '../protocol/explanation.ts';
import { align, isTriviallySame, type Alignment } from './alignment.ts';
import { calibration, mayServeTrivial, probabilityBound, probabilityOf, strictestBound, tightened } from './calibration.ts';
import { guardVerdicts } from './guards.ts';
import { marginOf, pairFeatures, verifiedFeatures } from './pairFeatures.ts';
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
  worthwhile.forEach(weighWords);
  const sure = likeliest(worthwhile.filter(isSureByWords));
  if (sure) return accepted(sure, probable(sure), judged);

  const fit = (await verify(worthwhile, input)) ? calibration.verifier : calibration.words;
  const weighed = worthwhile.filter(j => j.explanation.probability !== undefined);
  const best = likeliest(weighed.filter(({ explanation }) => explanation.probability! >= explanation.bound!));
  if (best) return accepted(best, probable(best), judged);
  const nearest = likeliest(weighed);
  if (!nearest) return missed(judged);
  nearest.explanation.why = probable(nearest);
  nearest.explanation.outcome = nearest.explanation.probability! >= fit.offer ? 'near' : 'refused';
  return missed(judged, nearest);
}

function likeliest(weighed: Judged[]): Judged | undefined {
  return byLikelihood(weighed)[0];
}

function byLikelihood(weighed: Judged[]): Judged[] {
  return weighed.toSorted((x, y) => y.explanation.probability! - x.explanation.probability!);
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

/** Notes what the words alone say. */
function weighWords({ alignment, guards: verdicts, candidate: { distance }, bare, limit, explanation }: Judged): void {
  const features = pairFeatures({ alignment, verdicts, distance, bare });
  Object.assign(explanation, { features, probability: probabilityOf(features, false), bound: probabilityBound(limit, calibration.words) });
}

/**
 * What keeps to the strictest bound of the words is served without the verifier, which takes longer than all else together;
 * not near a question that the person called another one.
 */
function isSureByWords({ candidate, limit, explanation }: Judged): boolean {
  const { wrongShare, probability } = strictestBound(calibration.words);
  return limit >= wrongShare && explanation.probability! >= probability && candidate.disputes.length === 0;
}

/**
 * Asks the verifier about the candidates that could become hits by it, in both orders, and weighs them anew. False where it said
 * nothing: then the words' probabilities stand. Of the others nothing is known that could serve them.
 */
async function verify(candidates: Judged[], { verifier, verifiable = weighedCandidates }: DecideInput): Promise<boolean> {
  const worth = byLikelihood(candidates.filter(({ explanation }) => explanation.probability! >= calibration.verifier.askAbove));
  const asked = worth.slice(0, verifiable);
  if (verifier === undefined || asked.length === 0) return false;
  const logits = await logitsOf(asked, verifier);
  if (logits === null) return false;
  asked.forEach(({ limit, explanation }, at) => {
    const features = verifiedFeatures(explanation.features!, logits[at]!, marginOf(at, logits));
    Object.assign(explanation, {
      logits: logits[at]!, features, probability: probabilityOf(features, true), bound: probabilityBound(limit, calibration.verifier),
    });
  });
  for (const each of candidates.filter(candidate => !asked.includes(candidate))) {
    const { probability: _probability, bound: _bound, features: _features, ...rest } = each.explanation;
    each.explanation = { ...rest, why: worth.includes(each) ? 'Others were likelier by their words.' : 'Its words say that it is another question.' };
  }
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

/** One line: how likely, and what is needed. */
function probable({ candidate, explanation: { probability, bound } }: Judged): string {
  const needed = `The same question with ${percent(probability!)} probability; ${bound! <= 1 ? `at least ${percent(bound!)} is` : 'more is'} needed`;
  return candidate.disputes.length > 0 ? `${needed}, for you said of another question that it is not the same as this one.` : `${needed}.`;
}

function percent(probability: number): string {
  return `${(100 * probability).toFixed(1)} %`;
}
