// Do the words of two instructions pair up one to one?
// Owns: what counts as the same word (equal, stem, typing slip, other spelling) and what is left over on either side.
// Does not know: whether that is enough (decide.ts) or what a left-over word means (guards.ts).
// Always true: symmetric in what it pairs; microseconds to a few milliseconds for texts of a thousand words; no model.

import { isSlip } from './slips.ts';
import { classOf, negations, shapingPrepositions, spelling } from './words.ts';
import { tokensOf, type Token } from './tokens.ts';
import { knownWord } from './vocabulary.ts';

export type PairedBy = 'same' | 'stem' | 'slip' | 'spelling';

export interface Alignment {
  asked: string;
  stored: string;
  /** What was asked is a, what is stored is b. */
  a: Token[];
  b: Token[];
  /** Indices into a and b of content tokens that pair up, in the order of a. */
  pairs: { a: number; b: number; by: PairedBy }[];
  /** Content tokens without a partner. */
  leftA: Token[];
  leftB: Token[];
  /** Pairs of pairs whose order differs, as a share of all pairs of pairs; 0 same order, 1 reversed. */
  inversions: number;
  /** Content tokens that pair up, as a share of all content tokens of both sides; 1 when there are none. */
  share: number;
}

export function align(asked: string, stored: string): Alignment {
  const [left, right] = withCommonJoins(tokensOf(asked), tokensOf(stored));
  const pairs = pairUp(left, right);
  const pairedA = new Set(pairs.map(p => p.a));
  const pairedB = new Set(pairs.map(p => p.b));
  const contentA = left.filter(isContent).length;
  const contentB = right.filter(isContent).length;
  return {
    asked,
    stored,
    a: left,
    b: right,
    pairs,
    leftA: left.filter((t, i) => isContent(t) && !pairedA.has(i)),
    leftB: right.filter((t, i) => isContent(t) && !pairedB.has(i)),
    inversions: inversionShare(pairs.map(p => p.b)),
    share: contentA + contentB === 0 ? 1 : (2 * pairs.length) / (contentA + contentB),
  };
}

/**
 * The same question beyond doubt: all words pair up in order, the small words that shape it agree, and whatever was
 * mistyped can only be that one word. True for typing slips, courtesy, spelling and abbreviations; false says nothing.
 */
export function isTriviallySame({ asked, stored, a, b, pairs, leftA, leftB, inversions }: Alignment): boolean {
  if (leftA.length + leftB.length > 0 || inversions > 0 || pairs.length < 2) return false;
  if (shapeOf(a) !== shapeOf(b) || codeOf(asked) !== codeOf(stored)) return false;
  return pairs.every(pair => isSurePair(a[pair.a]!, b[pair.b]!, pair.by));
}

/** The prepositions, negations and joining words of a text, in alphabetical order. */
function shapeOf(tokens: Token[]): string {
  return tokens.filter(t => t.role === 'function' && (shapingPrepositions.has(t.norm) || negations.has(t.norm))).map(t => t.norm).sort().join(' ');
}

/** Whatever of a text is not plain words: expressions, single letters, numbers; as written, in order. */
function codeOf(text: string): string {
  const chunks = text.split(/\s+/).map(chunk => chunk.replace(/[.,;:?!]+$/, '').replace(/^(["'`]+)([^"'`\d]*)\1$/, '$2'));
  return chunks.filter(chunk => (/[^\p{L}'\u2019-]/u.test(chunk) && !spelling.has(chunk.toLowerCase())) || /^[b-zA-HJ-Z]$/.test(chunk)).join(' ');
}

/** A slip that is long enough, and whose right spelling is known. */
function isSurePair(a: Token, b: Token, by: PairedBy): boolean {
  return by !== 'slip' || (Math.min(a.norm.length, b.norm.length) >= 4 && knownWord(a.norm) !== knownWord(b.norm));
}

/** Acronyms, names of tools and short unknown words are often one letter apart: LRU and LFU, npm and pnpm, uuids and ulids. */
function areTwoNames(a: Token, b: Token): boolean {
  const isAcronym = ({ text }: Token) => text.length <= 5 && /^\p{Lu}+$/u.test(text);
  if (isAcronym(a) || isAcronym(b) || (classOf.has(a.norm) && classOf.has(b.norm))) return true;
  const known = ({ norm }: Token) => knownWord(norm) || classOf.has(norm);
  return Math.min(a.norm.length, b.norm.length) <= 5 && !known(a) && !known(b);
}

function isContent(token: Token): boolean {
  return token.role === 'content';
}

/** "data frame" here and "dataframe" there: the two words become one where the other text has the one. */
function withCommonJoins(a: Token[], b: Token[]): [Token[], Token[]] {
  const wordsOf = (tokens: Token[]) => new Set(tokens.filter(t => t.kind === 'word').map(t => t.norm));
  return [joinLike(a, wordsOf(b)), joinLike(b, wordsOf(a))];
}

function joinLike(tokens: Token[], others: Set<string>): Token[] {
  const joined: Token[] = [];
  for (const token of tokens) {
    const before = joined.at(-1);
    if (before?.kind === 'word' && token.kind === 'word' && before.norm.length > 1 && others.has(before.norm + token.norm)) {
      joined[joined.length - 1] = { ...before, text: `${before.text} ${token.text}`, norm: before.norm + token.norm, role: 'content' };
    } else {
      joined.push(token);
    }
  }
  return joined;
}

/** Surest first: equal tokens, then other spellings, then stems, then typing slips; among equals the nearest in place. */
function pairUp(a: Token[], b: Token[]): Alignment['pairs'] {
  const pairs: Alignment['pairs'] = [];
  const freeA = contentPlaces(a);
  const freeB = contentPlaces(b);
  const stretch = b.length / Math.max(1, a.length);
  for (const [by, alike] of sameness) {
    for (const i of freeA) {
      let best = -1;
      for (const j of freeB) {
        if (alike(a[i]!, b[j]!) && (best < 0 || Math.abs(j - i * stretch) < Math.abs(best - i * stretch))) best = j;
      }
      if (best < 0) continue;
      pairs.push({ a: i, b: best, by });
      freeA.delete(i);
      freeB.delete(best);
    }
  }
  return pairs.sort((x, y) => x.a - y.a);
}

function contentPlaces(tokens: Token[]): Set<number> {
  return new Set(tokens.flatMap((token, i) => (isContent(token) ? [i] : [])));
}

const sameness: readonly (readonly [PairedBy, (a: Token, b: Token) => boolean])[] = [
  ['same', (a, b) => (a.norm === b.norm || (a.quoted !== b.quoted && a.text === b.text)) && (a.kind === b.kind || a.kind === 'literal' || b.kind === 'literal' || a.quoted || b.quoted)],
  ['spelling', (a, b) => isTextual(a) && isTextual(b) && spelled(a.norm) === spelled(b.norm)],
  ['stem', (a, b) => a.kind === 'word' && b.kind === 'word' && !(a.quoted && b.quoted) && root(a.norm) === root(b.norm)],
  ['slip', (a, b) => (isTextual(a) && isTextual(b) || isQuotedSlip(a, b)) && (a.kind === 'literal' || b.kind === 'literal' ? isSlipInName(a.norm, b.norm) : !areTwoNames(a, b) && isSlip(a.norm, b.norm))],
];

/** A word, or a name from code that may have been typed without its capitals, underscores or dots. */
function isTextual(token: Token): boolean {
  return token.kind === 'word' || (token.kind === 'literal' && !token.quoted);
}

/** `unkown` for `unknown`: quoted, one plain word, and only one of the two is a word. */
function isQuotedSlip(a: Token, b: Token): boolean {
  return /^[a-z]{4,}$/.test(a.norm) && /^[a-z]{4,}$/.test(b.norm) && knownWord(a.norm) !== knownWord(b.norm) && isSlip(a.norm, b.norm);
}

/** "vars" and "variables": endings off, the other spelling, endings off. */
function root(word: string): string {
  return stem(spelled(stem(spelled(word))));
}

function spelled(norm: string): string {
  const lower = norm.toLowerCase().replace(/(?<=\p{L})[._-](?=\p{L})/gu, '');
  return spelling.get(lower) ?? lower;
}

/** Word without its usual endings; crude on purpose: both sides get the same treatment. */
export function stem(word: string): string {
  if (word.length < 4 || !/^[a-z]+$/.test(word)) return word;
  const bare = word.replace(/(?<=..)(ies|ied)$/, 'y').replace(/(?<=...)(ings?|edly|ed|es|s)$/, '').replace(/(?<=...)ly$/, '');
  return bare.replace(/([bdfgmnprt])\1$/, '$1').replace(/(?<=...)e$/, '');
}

/** The same name but for a slip in one of its parts: "OperationalErorr". Parts that are all known words are another name. */
function isSlipInName(a: string, b: string): boolean {
  const [partsA, partsB] = [namePartsOf(a), namePartsOf(b)];
  if (/^\p{L}{6,}$/u.test(a) && /^\p{L}{6,}$/u.test(b) && isSlip(a.toLowerCase(), b.toLowerCase())) return true;
  if (partsA.length !== partsB.length) return false;
  return partsA.every((part, i) => part === partsB[i] || (part.length > 3 && isSlip(part, partsB[i]!)));
}

function namePartsOf(name: string): string[] {
  return name.replace(/(\p{Ll})(?=\p{Lu})/gu, '$1 ').toLowerCase().split(/[^\p{L}\d]+/u);
}

function inversionShare(places: number[]): number {
  let inverted = 0;
  for (let i = 0; i < places.length; i++) {
    for (let j = i + 1; j < places.length; j++) if (places[j]! < places[i]!) inverted += 1;
  }
  return places.length < 2 ? 0 : inverted / ((places.length * (places.length - 1)) / 2);
}
