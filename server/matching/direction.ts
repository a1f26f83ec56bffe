// Who does what to whom: "from A to B" against "from B to A".

import type { Alignment } from './alignment.ts';
import type { Token } from './tokens.ts';
import { classOf, opposites } from './words.ts';

/** The thing before it leads to the thing after it: "A to B". */
const onward = new Set(['to', 'into', 'onto', 'before', 'over', 'than', '->', '=>', '→']);
/** The thing before it comes from the thing after it: "A from B". */
const backward = new Set(['from', 'after', 'instead', 'below', 'under']);
/** Joins two things of equal standing: their order says nothing. */
const level = new Set(['and', 'or', 'vs', 'versus', 'between', ',']);

/** Why the roles are exchanged between the two texts; null when they are not known to be. */
export function reversedRoles(alignment: Alignment): string | null {
  const partner = new Map(alignment.pairs.map(p => [p.b, p.a]));
  const edgesA = edgesOf(alignment.a);
  for (const [from, to] of edgesOf(alignment.b)) {
    const [x, y] = [partner.get(from), partner.get(to)];
    if (x === undefined || y === undefined || isRepeated(alignment.a, x) || isRepeated(alignment.a, y)) continue;
    const back = edgesA.some(([f, t]) => f === y && t === x);
    const same = edgesA.some(([f, t]) => f === x && t === y);
    if (back && !same) {
      return `The other way round: "${alignment.a[y]!.text}" and "${alignment.a[x]!.text}" have changed places.`;
    }
  }
  const few = alignment.leftA.length + alignment.leftB.length <= 2 && alignment.share >= 0.6;
  if (few && crossings(alignment, directed) > 0) return 'The other way round: what stands before and what after has changed places.';
  return exchanged(alignment);
}

/**
 * Things that stand on the other side of a word like "to", "before" or "but" in the one text than in the other, as the
 * number of exchanges; 0 where no such word stands once in each.
 */
export function crossings({ a, b, pairs }: Alignment, around: readonly string[] = [...directed, ...joining]): number {
  let most = 0;
  for (const pivot of around) {
    const [inA, inB] = [placesOf(a, pivot), placesOf(b, pivot)];
    if (inA.length !== 1 || inB.length !== 1) continue;
    const [sidesA, sidesB] = [sidesOf(a, inA[0]!), sidesOf(b, inB[0]!)];
    const moved = pairs.filter(p => !isRepeated(a, p.a) && sidesA.has(p.a) && sidesB.has(p.b) && sidesA.get(p.a) !== sidesB.get(p.b));
    const onwards = moved.filter(p => p.a < inA[0]!).length;
    most = Math.max(most, Math.min(onwards, moved.length - onwards));
  }
  return most;
}

/** Words whose two sides play different parts … */
const directed = ['to', 'into', 'onto', 'from', 'before', 'after', 'than', 'instead', 'over', 'when', 'while', '->', '=>'];
/** … and words that only often have such sides. */
const joining = ['but', 'if', 'then', 'not', 'by', 'with', 'for', 'in', 'of', 'without'];

/** Which side of the pivot the words of its clause stand on. */
function sidesOf(tokens: Token[], pivot: number): Map<number, 'before' | 'after'> {
  const sides = new Map<number, 'before' | 'after'>();
  for (let i = pivot - 1; i >= 0 && tokens[i]!.norm !== ','; i--) sides.set(i, 'before');
  for (let i = pivot + 1; i < tokens.length && tokens[i]!.norm !== ','; i++) sides.set(i, 'after');
  return sides;
}

function placesOf(tokens: Token[], norm: string): number[] {
  return tokens.flatMap((t, i) => (t.norm === norm ? [i] : []));
}

/** [from, to] places: the things that a preposition joins. */
function edgesOf(tokens: Token[]): [number, number][] {
  const edges: [number, number][] = [];
  tokens.forEach((token, i) => {
    const forward = onward.has(token.norm);
    if (!forward && !backward.has(token.norm)) return;
    const before = nearest(tokens, i, -1);
    const after = nearest(tokens, i, 1);
    if (before === -1 || after === -1) return;
    edges.push(forward ? [before, after] : [after, before]);
  });
  return edges;
}

/** A word that stands twice cannot be told from its twin. */
function isRepeated(tokens: Token[], place: number): boolean {
  return tokens.filter(t => t.norm === tokens[place]!.norm).length > 1;
}

/** Next content token within four places in that direction, stopping at a comma or another preposition. */
function nearest(tokens: Token[], from: number, step: 1 | -1): number {
  for (let i = from + step, seen = 0; i >= 0 && i < tokens.length && seen < 4; i += step, seen++) {
    const token = tokens[i]!;
    if (token.role === 'content') return i;
    if (token.norm === ',' || onward.has(token.norm) || backward.has(token.norm)) return -1;
  }
  return -1;
}

/** Equal texts but for two content tokens that stand in each other's place. */
function exchanged(alignment: Alignment): string | null {
  const { a, b, pairs, leftA, leftB } = alignment;
  if (leftA.length + leftB.length > 0 || pairs.length < 3) return null;
  const order = pairs.map(p => p.b);
  const sorted = [...order].sort((x, y) => x - y);
  const moved = order.flatMap((place, i) => (place === sorted[i] ? [] : [i]));
  if (moved.length !== 2) return null;
  const [first, second] = [pairs[moved[0]!]!, pairs[moved[1]!]!];
  if (!ofOneKind(a[first.a]!, a[second.a]!)) return null;
  const between = (tokens: Token[], from: number, to: number) => tokens.slice(Math.min(from, to) + 1, Math.max(from, to));
  const words = [...between(a, first.a, second.a), ...between(b, first.b, second.b)];
  if (words.length === 0 || words.some(t => level.has(t.norm))) return null;
  return `"${a[first.a]!.text}" and "${a[second.a]!.text}" have changed places.`;
}

/** Two names, two numbers, two members of one class: such things can stand in for each other, a verb and its object cannot. */
function ofOneKind(x: Token, y: Token): boolean {
  if (x.kind !== y.kind) return false;
  return x.kind !== 'word' || (classOf.has(x.norm) && classOf.get(x.norm) === classOf.get(y.norm)) || opposites.get(x.norm)?.has(y.norm) === true;
}
