// Are two words the same but for typing slips?
// Always true: two words that people both write on purpose are never a slip of one another.

import { knownWord } from './vocabulary.ts';

/** One typing slip (two in long words), where at most one of the two is a word that people write on purpose. */
export function isSlip(a: string, b: string): boolean {
  const shorter = Math.min(a.length, b.length);
  if (shorter < 3 || Math.abs(a.length - b.length) > 2 || (knownWord(a) && knownWord(b))) return false;
  if (a[0] !== b[0] && !(a[0] === b[1] && a[1] === b[0])) return false;
  if (/\d/.test(a + b) || isNegatedForm(a, b)) return false;
  const sameEnds = shorter >= 6 && a.at(-1) === b.at(-1) && knownWord(a) !== knownWord(b);
  return slips(a, b) <= (shorter >= 8 || sameEnds ? 2 : 1);
}

/** "visible" and "invisible", "sync" and "async" are near in letters and far in meaning. */
function isNegatedForm(a: string, b: string): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return long.endsWith(short) && /^(a|un|in|im|ir|il|non|de|dis|re)$/.test(long.slice(0, long.length - short.length));
}

/** Damerau-Levenshtein distance (neighbouring letters swapped count once); 3 stands for "more than 2". */
function slips(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, before[j - 2]! + 1);
      row.push(cost);
    }
    if (Math.min(...row) > 2) return 3;
    before = last;
    last = row;
  }
  return last[b.length]!;
}
