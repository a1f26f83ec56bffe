// What a left-over word says about a pair: learned word by word from the training families (training/differences.py).
// Always true: 0 for a word that was not learned; below 0 speaks for another question, above 0 for the same one.

import learned from './differences.generated.json' with { type: 'json' };
import { stem, type Alignment } from './alignment.ts';
import type { Token } from './tokens.ts';

const weights: ReadonlyMap<string, number> = new Map(Object.entries(learned.weights));

export function differenceScore(alignment: Alignment): { sum: number; worst: number } {
  const found = differenceKeys(alignment).map(key => weights.get(key) ?? 0);
  return { sum: found.reduce((sum, w) => sum + w, 0), worst: Math.min(0, ...found) };
}

/** The words in which the texts differ: each left-over word, and each two that face one another. */
export function differenceKeys({ a, b, leftA, leftB }: Alignment): string[] {
  const keys = [...leftA, ...leftB, ...shapingApart(a, b)].map(keyOf);
  if (leftA.length * leftB.length <= 9) {
    for (const x of leftA) for (const y of leftB) keys.push([keyOf(x), keyOf(y)].sort().join('~'));
  }
  return keys;
}

function keyOf(token: Token): string {
  return token.kind === 'word' ? stem(token.norm) : `<${token.kind}>`;
}

/** Words that shape a question and stand in one of the texts only. */
function shapingApart(a: Token[], b: Token[]): Token[] {
  const [inA, inB] = [a, b].map(tokens => new Set(tokens.filter(t => t.role === 'function').map(t => t.norm))) as [Set<string>, Set<string>];
  return [...a.filter(t => t.role === 'function' && !inB.has(t.norm)), ...b.filter(t => t.role === 'function' && !inA.has(t.norm))];
}
