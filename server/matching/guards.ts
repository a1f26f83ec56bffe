// Rules that refuse a stored answer because the two questions differ in something that changes the answer.
// Owns: the table of guards, each with a name and a reason in the person's words.
// Does not know: models, distances, how likely the pair is otherwise.
// Always true: a guard may only refuse; silence of all guards is no reason to serve.

import type { GuardVerdict } from '../protocol/explanation.ts';
import { stem, type Alignment } from './alignment.ts';
import { reversedRoles } from './direction.ts';
import { otherNames, oppositeOf } from './oppositions.ts';
import type { Token, TokenKind } from './tokens.ts';
import { negations, quantifiers, quotingWords, referents } from './words.ts';

export interface GuardInput {
  alignment: Alignment;
  /** Nothing beside the words: no code, no earlier turn. */
  bare: boolean;
}

interface Guard {
  name: string;
  /** Why the pair is refused; null to stay silent. */
  refuses(input: GuardInput): string | null;
}

/** Every guard's refusal, in the order of the table; empty when none refuses. */
export function guardVerdicts(input: GuardInput): GuardVerdict[] {
  return guards.flatMap(guard => {
    const reason = guard.refuses(input);
    return reason === null ? [] : [{ guard: guard.name, reason }];
  });
}

export const guards: readonly Guard[] = [
  { name: 'number', refuses: input => swapped(input, 'number', 'number') },
  { name: 'flag', refuses: input => swapped(input, 'flag', 'flag') ?? lone(input, 'flag', 'flag') },
  { name: 'path', refuses: input => swapped(input, 'path', 'path') },
  { name: 'address', refuses: input => swapped(input, 'url', 'address') ?? lone(input, 'url', 'address') },
  { name: 'identifier', refuses: identifier },
  { name: 'symbol', refuses: symbols },
  { name: 'negation', refuses: negation },
  { name: 'opposite', refuses: opposite },
  { name: 'name', refuses: names },
  { name: 'quantifier', refuses: quantifier },
  { name: 'direction', refuses: ({ alignment }) => reversedRoles(alignment) },
  { name: 'only difference', refuses: onlyDifference },
  { name: 'quotation', refuses: quotation },
  { name: 'referent', refuses: referent },
];

const leftOf = (tokens: Token[], kind: TokenKind) => tokens.filter(t => t.kind === kind);
const said = (tokens: Token[]) => tokens.map(t => `"${t.text}"`).join(', ');
const against = (what: string, a: Token[], b: Token[]) => `Another ${what}: ${said(a)} here, ${said(b)} in the stored question.`;

/** Each side has one of a kind that the other lacks. */
function swapped({ alignment }: GuardInput, kind: TokenKind, what: string): string | null {
  const a = leftOf(alignment.leftA, kind);
  const b = leftOf(alignment.leftB, kind);
  return a.length > 0 && b.length > 0 && alignment.share >= 0.3 ? against(what, a, b) : null;
}

/** One side has one and the texts are otherwise much the same. */
function lone({ alignment }: GuardInput, kind: TokenKind, what: string): string | null {
  const left = [...leftOf(alignment.leftA, kind), ...leftOf(alignment.leftB, kind)];
  return left.length > 0 && alignment.share >= 0.6 ? `Only one of the questions names the ${what} ${said(left)}.` : null;
}

function identifier({ alignment }: GuardInput): string | null {
  const named = (tokens: Token[]) => tokens.filter(t => t.kind === 'literal' || (t.quoted && t.kind !== 'symbol'));
  const a = named(alignment.leftA);
  const b = named(alignment.leftB);
  return a.length > 0 && b.length > 0 && alignment.share >= 0.4 ? against('name', a, b) : null;
}

/** Operators and the like, where the words say the same. */
function symbols({ alignment }: GuardInput): string | null {
  const a = leftOf(alignment.leftA, 'symbol');
  const b = leftOf(alignment.leftB, 'symbol');
  return a.length > 0 && b.length > 0 && alignment.share >= 0.6 ? against('symbol', a, b) : null;
}

/** What one text negates stands in the other without its "not". */
function negation({ alignment }: GuardInput): string | null {
  if (alignment.share < 0.5) return null;
  const turned = new Map(alignment.pairs.map(p => [p.b, p.a]));
  const plain = new Map(alignment.pairs.map(p => [p.a, p.b]));
  const word = unnegated(alignment.a, alignment.b, plain) ?? unnegated(alignment.b, alignment.a, turned);
  return word === null ? null : `"Not" (or "without", "never" …) before "${word}" in one of the questions only.`;
}

/** The first word that is negated in `tokens` while its partner in `others` is not. */
function unnegated(tokens: Token[], others: Token[], partner: Map<number, number>): string | null {
  const negated = negatedPlaces(others);
  for (const place of negatedPlaces(tokens)) {
    const other = partner.get(place);
    if (other !== undefined && !negated.has(other) && isSingle(tokens, place) && isSingle(others, other)) return tokens[place]!.text;
  }
  return null;
}

/** A word that stands twice may be negated the one time only. */
function isSingle(tokens: Token[], place: number): boolean {
  return tokens.filter(t => stem(t.norm) === stem(tokens[place]!.norm)).length === 1;
}

/** Places of the content tokens that follow a negation within three tokens, the nearest of each. */
function negatedPlaces(tokens: Token[]): Set<number> {
  const places = new Set<number>();
  tokens.forEach((token, i) => {
    if (!negations.has(token.norm)) return;
    for (let j = i + 1; j <= i + 3 && j < tokens.length; j++) {
      if (tokens[j]!.role !== 'content' || negations.has(tokens[j]!.norm)) continue;
      places.add(j);
      break;
    }
  });
  return places;
}

function opposite({ alignment }: GuardInput): string | null {
  const pair = oppositeOf(alignment);
  return pair ? `Opposites: "${pair[0]}" here, "${pair[1]}" in the stored question.` : null;
}

function names({ alignment }: GuardInput): string | null {
  const pair = otherNames(alignment);
  return pair ? `"${pair[0]}" here, "${pair[1]}" in the stored question.` : null;
}

function quantifier({ alignment }: GuardInput): string | null {
  const left = [...alignment.leftA, ...alignment.leftB].filter(t => quantifiers.has(t.norm));
  const others = alignment.leftA.length + alignment.leftB.length - left.length;
  return left.length > 0 && others === 0 ? `Only one of the questions says ${said(left)}.` : null;
}

/** Otherwise equal texts of which one has a number, name, path or symbol more. */
function onlyDifference({ alignment }: GuardInput): string | null {
  const left = [...alignment.leftA, ...alignment.leftB].filter(t => t.kind !== 'symbol' || !/^[-.,:;()"]+$/.test(t.norm));
  const words = left.filter(t => t.kind === 'word' && !t.quoted);
  return left.length > words.length && words.length <= 1 && alignment.share >= 0.6 ? `Only one of the questions has ${said(left)}.` : null;
}

/** A text about the other text: to translate, correct or discuss it. */
function quotation({ alignment }: GuardInput): string | null {
  const { asked, stored } = alignment;
  const askedIsLonger = asked.length > stored.length;
  const [long, added, missing] = askedIsLonger ? [asked, alignment.leftA, alignment.leftB] : [stored, alignment.leftB, alignment.leftA];
  const quotes = missing.length === 0 && /["'`\u201c:]/.test(long) && added.some(t => quotingWords.has(t.norm));
  return quotes ? 'One question quotes the other instead of asking it.' : null;
}

/** "do it again", "the second one": nothing here says what is meant. */
function referent({ alignment, bare }: GuardInput): string | null {
  if (!bare) return null;
  const vague = (tokens: Token[]) => tokens.some(t => referents.has(t.norm)) && tokens.filter(t => t.role === 'content' && !referents.has(t.norm)).length <= 2;
  return vague(alignment.a) || vague(alignment.b) ? 'The question points at something that it does not contain.' : null;
}
