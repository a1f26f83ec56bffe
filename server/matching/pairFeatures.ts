// What a pair of instructions looks like, as numbers for the calibrated decision.
// Owns: the names, meaning and order of the features. training/calibrate.py fits on exactly these.
// Does not know: how they are weighed (calibration.ts).

import { isTriviallySame, type Alignment } from './alignment.ts';
import { differenceScore } from './differences.ts';
import { crossings } from './direction.ts';
import type { GuardVerdict } from '../protocol/explanation.ts';
import { guards } from './guards.ts';
import type { Token } from './tokens.ts';
import { actOf, classOf, constraintWords, negations, opposites, quantifiers, referents, shapingPrepositions, toolClasses } from './words.ts';

export interface PairFacts {
  alignment: Alignment;
  verdicts: GuardVerdict[];
  /** Cosine distance, 0..2. */
  distance: number;
  /** Nothing beside the words. */
  bare: boolean;
}

/** Mean logit of a pair above that of the best other; 0 without another one. */
export function marginOf(at: number, logits: [number, number][]): number {
  const means = logits.map(([a, b]) => (a + b) / 2);
  const others = means.filter((_, i) => i !== at);
  return others.length === 0 ? 0 : means[at]! - Math.max(...others);
}

/** Names in the order of pairFeatures(). */
export const featureNames: readonly string[] = [
  'logitLow', 'logitHigh', 'distance', 'margin', 'bare',
  'share', 'leftFew', 'leftMany', 'leftTotal', 'contentFew', 'contentMany', 'contentRatio', 'charactersMany', 'charactersRatio',
  'slips', 'respelled', 'inversions', 'triviallySame',
  'codeLeftFew', 'codeLeftMany', 'codePaired', 'numbersLeft', 'symbolsLeft',
  'negationsDiffer', 'quantifiersLeft', 'constraintsLeft', 'actsDiffer', 'actsLeftFew', 'toolsLeft', 'classesLeft', 'oppositesLeft', 'referents',
  'prepositionsDiffer', 'crossings', 'differenceSum', 'differenceWorst', 'refusals',
];

/** By the words alone: those of the verifier are 0. */
export function pairFeatures({ alignment, verdicts, distance, bare }: PairFacts): number[] {
  const { a, b, asked, stored, leftA, leftB, pairs } = alignment;
  const both = [...leftA, ...leftB];
  const few = (x: number, y: number) => Math.min(x, y);
  const many = (x: number, y: number) => Math.max(x, y);
  const contentA = contentCount(a);
  const contentB = contentCount(b);
  const codeA = leftA.filter(isCode).length;
  const codeB = leftB.filter(isCode).length;
  const actsA = actsIn(a);
  const actsB = actsIn(b);
  const onlyA = [...actsA].filter(act => !actsB.has(act)).length;
  const onlyB = [...actsB].filter(act => !actsA.has(act)).length;
  const difference = differenceScore(alignment);
  return [
    0, 0, distance, 0, Number(bare),
    alignment.share, few(leftA.length, leftB.length), many(leftA.length, leftB.length), both.length,
    few(contentA, contentB), many(contentA, contentB), ratio(contentA, contentB), many(asked.length, stored.length), ratio(asked.length, stored.length),
    pairs.filter(p => p.by === 'slip').length, pairs.filter(p => p.by === 'stem' || p.by === 'spelling').length, alignment.inversions, Number(isTriviallySame(alignment)),
    few(codeA, codeB), many(codeA, codeB), pairs.filter(p => isCode(a[p.a]!)).length, both.filter(t => t.kind === 'number').length,
    both.filter(t => t.kind === 'symbol').length,
    Number(countIn(a, negations) !== countIn(b, negations)), countIn(both, quantifiers), countIn(both, constraintWords),
    onlyA + onlyB, few(onlyA, onlyB), both.filter(t => toolClasses.has(classOf.get(t.norm.toLowerCase()) ?? '')).length,
    both.filter(t => classOf.has(t.norm.toLowerCase())).length, both.filter(t => opposites.has(t.norm)).length,
    few(countIn(a, referents), countIn(b, referents)), prepositionsApart(a, b), crossings(alignment), difference.sum, difference.worst, verdicts.length,
  ];
}

/**
 * The same with what the verifier said.
 *
 * @param logits for (asked, stored) and for (stored, asked)
 * @param margin see marginOf()
 */
export function verifiedFeatures(features: readonly number[], logits: [number, number], margin: number): number[] {
  const said: Record<string, number> = { logitLow: Math.min(...logits), logitHigh: Math.max(...logits), margin };
  return features.map((value, at) => said[featureNames[at]!] ?? value);
}

/** The guards that refuse, as features beside the others in analyses. */
export const guardNames: readonly string[] = guards.map(guard => guard.name);

function contentCount(tokens: Token[]): number {
  return tokens.filter(t => t.role === 'content').length;
}

function isCode(token: Token): boolean {
  return token.kind !== 'word' && token.kind !== 'symbol';
}

function countIn(tokens: Token[], words: ReadonlySet<string>): number {
  return tokens.filter(t => words.has(t.norm)).length;
}

function actsIn(tokens: Token[]): Set<string> {
  return new Set(tokens.flatMap(t => actOf.get(t.norm) ?? []));
}

function ratio(x: number, y: number): number {
  return x + y === 0 ? 1 : Math.min(x, y) / Math.max(x, y);
}

/** Prepositions of one text that the other lacks, both ways. */
function prepositionsApart(a: Token[], b: Token[]): number {
  const count = (tokens: Token[]) => {
    const counts = new Map<string, number>();
    for (const t of tokens) if (shapingPrepositions.has(t.norm)) counts.set(t.norm, (counts.get(t.norm) ?? 0) + 1);
    return counts;
  };
  const [inA, inB] = [count(a), count(b)];
  let apart = 0;
  for (const word of new Set([...inA.keys(), ...inB.keys()])) apart += Math.abs((inA.get(word) ?? 0) - (inB.get(word) ?? 0));
  return apart;
}
