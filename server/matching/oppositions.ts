// Words of which one excludes the other, found where both are left over.

import { stem, type Alignment } from './alignment.ts';
import type { Token } from './tokens.ts';
import { classOf, opposites, spelling, toolClasses } from './words.ts';

/** The first pair of opposites that stands unmatched in the same place, one on either side. */
export function oppositeOf(alignment: Alignment): [string, string] | null {
  const { a, b, leftA, leftB } = alignment;
  const few = leftA.length + leftB.length <= 4 && alignment.share >= 0.6;
  for (const i of unmatchedPlaces(a, leftA, b)) {
    for (const j of unmatchedPlaces(b, leftB, a)) {
      if (!exclude(a[i]!.norm, b[j]!.norm)) continue;
      if (few || sharesNeighbour(alignment, i, j)) return [a[i]!.text, b[j]!.text];
    }
  }
  return null;
}

/** Left-over content words, and shaping words ("on", "before") that the other text lacks. */
function unmatchedPlaces(tokens: Token[], left: Token[], others: Token[]): number[] {
  const elsewhere = new Set(others.map(t => t.norm));
  return tokens.flatMap((t, i) => (left.includes(t) ? t.kind === 'word' : t.role === 'function' && opposites.has(t.norm) && !elsewhere.has(t.norm)) ? [i] : []);
}

/** The content token before or after the one is paired with that before or after the other. */
function sharesNeighbour({ a, b, pairs }: Alignment, i: number, j: number): boolean {
  const beside = (tokens: Token[], from: number, step: 1 | -1) => {
    for (let k = from + step; k >= 0 && k < tokens.length; k += step) if (tokens[k]!.role === 'content') return k;
    return -1;
  };
  const paired = (x: number, y: number) => pairs.some(p => p.a === x && p.b === y);
  return paired(beside(a, i, -1), beside(b, j, -1)) || paired(beside(a, i, 1), beside(b, j, 1));
}

/** Two names of one class of tools or languages, one on either side. */
export function otherNames({ leftA, leftB }: Alignment): [string, string] | null {
  for (const x of leftA) {
    const class_ = toolClassOf(x);
    if (class_ === undefined) continue;
    const y = leftB.find(token => toolClassOf(token) === class_);
    if (y) return [x.text, y.text];
  }
  return null;
}

function toolClassOf(token: Token): string | undefined {
  const name = classOf.get(base(token.norm));
  return name !== undefined && toolClasses.has(name) ? name : undefined;
}

function exclude(a: string, b: string): boolean {
  if (a === b) return false;
  for (const x of formsOf(a)) {
    const against = opposites.get(x);
    if (against) for (const y of formsOf(b)) if (against.has(y)) return true;
  }
  const class_ = classOf.get(base(a));
  return class_ !== undefined && !toolClasses.has(class_) && class_ === classOf.get(base(b)) && base(a) !== base(b);
}

function base(word: string): string {
  const lower = word.toLowerCase();
  return spelling.get(lower) ?? lower;
}

function formsOf(word: string): string[] {
  const lower = word.toLowerCase();
  return [...new Set([lower, base(lower), byStem.get(stem(lower)) ?? lower])];
}

const byStem: ReadonlyMap<string, string> = new Map([...opposites.keys()].map(word => [stem(word), word]));
