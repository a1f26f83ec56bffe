// From features to P(same answer), and from a permitted share of wrong hits to the smallest P that may be served.
// There are two fits: one for the words alone, and one that adds what the verifier said.
// Owns: evaluating the fitted trees. Does not know: what the features mean; how the file was fitted (training/calibrate.py).
// Always true: the numbers come from calibration.generated.json, which says its date and data; none is typed in here.

import { SemcacheError } from '../protocol/errors.ts';
import generated from './calibration.generated.json' with { type: 'json' };

/** A binary tree as parallel lists; a node whose feature is -1 is a leaf and adds its value. */
export interface Tree {
  feature: number[];
  threshold: number[];
  left: number[];
  right: number[];
  value: number[];
}

/** How sure to be, and what that did. */
export interface Fit {
  /** For each permitted share of wrong hits, smallest first: the least P that keeps to it, and what it did on each measured set. */
  bounds: { wrongShare: number; probability: number; measured: Record<string, Measured> }[];
  /** Least P of a candidate worth offering to the person. */
  offer: number;
  trees: Tree[];
}

export interface Calibration {
  date: string;
  data: string;
  /** Fingerprint of the embedder whose distances the trees know; of others' distances they know nothing. */
  embedder: string;
  /** Names of the features in their order; must be those of pairFeatures.ts. */
  features: string[];
  /** Pairs accepted by words alone: how many of them were wrong, with the upper 95 % limit. */
  trivial: { served: number; wrong: number; wrongShareUpper95: number };
  words: Fit;
  /** Its trees add to those of the words. */
  verifier: Fit & {
    /** SHA-256 of the weights that the trees know. */
    weights: string;
    /** P by the words alone from which on the verifier is worth asking. */
    askAbove: number;
  };
}

export interface Measured {
  served: number;
  wrong: number;
  wrongShareUpper95: number;
  /** Share of the questions that could have been served. */
  coverage: number;
}

export const calibration: Calibration = generated;

/**
 * P(an answer to the one is an answer to the other), 0..1.
 *
 * @param verified whether the verifier's answers are among the features
 * @throws SemcacheError model-file-damaged for another number of features
 */
export function probabilityOf(features: number[], verified: boolean, { words, verifier, features: names }: Calibration = calibration): number {
  if (features.length !== names.length) {
    throw new SemcacheError('model-file-damaged',
      `The calibration was made for ${names.length} features, this build has ${features.length}. ` +
      'Only identical and trivially equal questions are served. Run training/calibrate.py again.');
  }
  const trees = verified ? [...words.trees, ...verifier.trees] : words.trees;
  const score = trees.reduce((sum, tree) => sum + leafValue(tree, features), 0);
  return 1 / (1 + Math.exp(-score));
}

function leafValue({ feature, threshold, left, right, value }: Tree, features: number[]): number {
  let node = 0;
  while (feature[node]! >= 0) node = (features[feature[node]!]! <= threshold[node]! ? left : right)[node]!;
  return value[node]!;
}

/** Least P that may be served at this permitted share of wrong hits; Infinity when no bound is that strict. */
export function probabilityBound(maxWrongHitRate: number, { bounds }: Pick<Fit, 'bounds'>): number {
  return bounds.findLast(bound => bound.wrongShare <= maxWrongHitRate)?.probability ?? Infinity;
}

/** What the surest of the measured hits reach. */
export function strictestBound({ bounds }: Pick<Fit, 'bounds'>): Pick<Fit['bounds'][number], 'wrongShare' | 'probability'> {
  return bounds[0] ?? { wrongShare: 0, probability: Infinity };
}

/** How much less may be wrong of what was called wrong once already. */
const stricterBy = 4;

/**
 * The permitted share of wrong hits near a stored question that the person called wrong for others: a quarter for each of
 * them, but never below the strictest that was measured, so that what is beyond doubt is served all the same.
 */
export function tightened(maxWrongHitRate: number, disputes: number, fit: Pick<Fit, 'bounds'>): number {
  return Math.min(maxWrongHitRate, Math.max(strictestBound(fit).wrongShare, maxWrongHitRate / stricterBy ** disputes));
}

/** May pairs that are the same beyond doubt by their words be served at this permitted share? */
export function mayServeTrivial(maxWrongHitRate: number, { trivial }: Calibration = calibration): boolean {
  return trivial.wrongShareUpper95 <= maxWrongHitRate;
}
