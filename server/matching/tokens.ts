// An instruction as tokens: words, numbers with their units, names from code, flags, paths, addresses, symbols.
// Owns: what counts as one token and what is compared of it. Does not know: pairs of texts.
// Always true: linear in the length of the text; outside quotes every sentence mark is ',' and brackets are dropped.

import { isSlip } from './slips.ts';
import { knownWord } from './vocabulary.ts';
import { courtesy, framingWords, functionWords, joinedWords, negations, numberWords, units } from './words.ts';

export type TokenKind = 'word' | 'number' | 'literal' | 'flag' | 'path' | 'url' | 'symbol';

export interface Token {
  kind: TokenKind;
  /** As it was written. */
  text: string;
  /** What is compared: a word in lower case, a number with its unit in one spelling, everything else as written. */
  norm: string;
  /** Inside backticks or quotation marks that hold a name or an expression; a quoted sentence is read as words. */
  quoted: boolean;
  /** 'courtesy' never changes the question, 'function' shapes it, 'content' is what it is about. */
  role: 'content' | 'function' | 'courtesy';
}

export function tokensOf(instruction: string): Token[] {
  const tokens: Token[] = [];
  for (const span of spansOf(instruction.normalize('NFKC').replace(/[\u2018\u2019]/g, "'").replace(/[\u201c\u201d]/g, '"'))) {
    addTokens(span.text, span.quoted, tokens);
  }
  return withoutFraming(withJoinedWords(withUnits(tokens)));
}

/** Words of a quotation that is still a name or an expression rather than a sentence. */
const longestQuotedName = 3;

/** "write a regex for …", "explain what …", "check if …": the first word says no more than the rest does. */
function withoutFraming(tokens: Token[]): Token[] {
  const first = tokens.findIndex(t => t.role === 'content');
  const token = tokens[first];
  if (!token || token.quoted || !framingWords.has(token.norm)) return tokens;
  const next = tokens.slice(first + 1, first + 4).map(t => t.norm);
  const frames = token.norm === 'explain' ? next.some(w => /^(what|whats|how|why|difference)$/.test(w))
    : token.norm === 'check' ? next.some(w => /^(if|whether|is|that)$/.test(w))
    : tokens.slice(first + 1).some(t => t.role === 'content');
  return frames ? tokens.with(first, { ...token, role: 'courtesy' }) : tokens;
}

interface Span {
  text: string;
  quoted: boolean;
}

/** Quoted stretches apart from the rest. A quote that never closes, and an apostrophe inside a word, quote nothing. */
function spansOf(text: string): Span[] {
  const spans: Span[] = [];
  let end = 0;
  for (const match of text.matchAll(/`+([^`]+)`+|"([^"\n]{1,400})"|(?<![\p{L}\d])'([^'\n]{1,80})'(?![\p{L}\d])/gu)) {
    spans.push({ text: text.slice(end, match.index), quoted: false });
    spans.push({ text: match[1] ?? match[2] ?? match[3] ?? '', quoted: true });
    end = match.index + match[0].length;
  }
  spans.push({ text: text.slice(end), quoted: false });
  return spans;
}

const pattern = new RegExp(
  [
    String.raw`(?<url>https?:\/\/[^\s)>\]]+)`,
    String.raw`(?<flag>(?<![\p{L}\d_)\]-])--?[A-Za-z][\w-]*)`,
    String.raw`(?<path>(?:~|\.{1,2}|[A-Za-z]:)?(?:[\\/][\w.*@-]+)+[\\/]?|[\w@-]+(?:\/[\w.*@-]*\w)+\/?|[\w@-]{2,}\/(?=\s|$)|(?<![\w.])\.[a-z]\w{1,12}\b)`,
    String.raw`(?<number>\bv?\d+(?:[.,]\d+)*(?:\.x)?(?![\w]))`,
    String.raw`(?<measure>(?<![\w.])\d+(?:[.,]\d+)*(?:k|m|ms|s|sec|min|h|[kKmMgGtT][bB]|am|pm|px|em|rem|x|th|st|nd|rd)\b)`,
    String.raw`(?<name>[A-Za-z_$][\w$]*(?:(?:\.|::|->)[A-Za-z_]\w*)+(?:\(\))?|[A-Za-z_]\w*\(\)|\$[A-Za-z_]\w*)`,
    String.raw`(?<versioned>\b\p{L}{2,}\d+(?:\.\d+)+\b)`,
    String.raw`(?<word>[\p{L}\d_]+(?:'[\p{L}]+)*)`,
    String.raw`(?<symbol>[=<>!+*%&|^~?:.$#@\\/-]+|\[\]|\{\}|[\[\](){};,"])`,
  ].join('|'),
  'gu',
);

function addTokens(text: string, quoted: boolean, tokens: Token[]): void {
  const asCode = quoted && text.split(/\s+/).length <= longestQuotedName; // a longer quotation is a sentence: an error message, say
  const add = (kind: TokenKind, written: string, norm: string, role: Token['role'] = 'content') =>
    void tokens.push({ kind, text: written, norm, quoted: asCode, role });
  for (const match of text.matchAll(pattern)) {
    const groups = match.groups!;
    const written = match[0];
    if (groups.url !== undefined) add('url', written, written.replace(/[.,;]+$/, ''));
    else if (groups.flag !== undefined) add('flag', written, written);
    else if (groups.path !== undefined) add('path', written, written.replace(/[.,]+$/, ''));
    else if (groups.number !== undefined) add('number', written, numberOf(written));
    else if (groups.measure !== undefined) addMeasure(written, add);
    else if (groups.name !== undefined) add('literal', written, written.replace(/\(\)$/, ''));
    else if (groups.versioned !== undefined) addVersioned(written, add);
    else if (groups.word !== undefined) addWord(written, asCode, add);
    else if (asCode || !isPunctuation(written)) add('symbol', written, written);
    else if (/[,;:.?!]/.test(written)) add('symbol', written, ',', 'function');
  }
}

type Add = (kind: TokenKind, written: string, norm: string, role?: Token['role']) => void;

/** "py3.11": the name and its number. */
function addVersioned(written: string, add: Add): void {
  const [, name = '', number = ''] = /^(\p{L}+)(.*)$/u.exec(written) ?? [];
  add('word', name, name.toLowerCase(), roleOf(name.toLowerCase()));
  add('number', number, number);
}

function addMeasure(written: string, add: Add): void {
  const [, digits = '', unit = ''] = /^([\d.,]+)(\w+)$/.exec(written.toLowerCase()) ?? [];
  if (/^(st|nd|rd|th)$/.test(unit)) return add('number', written, `${digits}.`);
  if (unit === 'k') return add('number', written, `${numberOf(digits)}000`);
  add('number', written, numberOf(digits) + ((units.get(unit) ?? unit)));
}

/** Sentence punctuation; a text's own symbols are `=>`, `!=`, `*`, `#` and the like. */
function isPunctuation(written: string): boolean {
  return /^[.,;:!?()"\-/[\]{}+&]+$/.test(written) && !/^(\?\?|\?\.|::|\/\/|\{\}|\[\]|--|\+\+)$/.test(written);
}

function addWord(written: string, quoted: boolean, add: Add): void {
  if (quoted || isName(written)) return add('literal', written, written);
  const lower = written.toLowerCase();
  const spelledOut = numberWords.get(lower);
  if (spelledOut !== undefined) return add('number', written, spelledOut);
  // "python3", "ipv6", "utf8": the name and its number, as in "python 3".
  const numbered = /^(\p{L}{2,})(\d+)$/u.exec(lower);
  if (numbered) {
    add('word', written, numbered[1]!, roleOf(numbered[1]!));
    return add('number', written, numbered[2]!);
  }
  const negated = /^(do|does|did|is|are|was|were|ca|can|could|would|should|wo|has|have|had|must|need|ai)n'?t$/.exec(lower);
  if (negated) return add('word', written, 'not', 'function');
  if (lower === 'cannot') return add('word', written, 'not', 'function');
  const meant = asMeant(lower.replace(/'(s|m|re|ve|d|ll)$/, '').replace(/'/g, ''));
  const bare = /^(do|does|did|is|are|was|were|ca|could|would|should|wo|has|have|had)nt$/.test(meant) ? 'not' : meant;
  add('word', written, bare, roleOf(bare));
}

/** A word that only code has: an underscore, capitals inside, letters after digits. */
function isName(written: string): boolean {
  return /_/.test(written) || /\p{Ll}\p{Lu}/u.test(written) || /\d\p{L}/u.test(written) || /^\p{Lu}{2,}\p{Ll}{2,}/u.test(written);
}

/** A slip in a word that shapes the question ("teh", "wihtout") is set right, since such words are not aligned. */
function asMeant(word: string): string {
  if (word.length < 3 || word.length > 8 || knownWord(word)) return word;
  const letters = [...word].sort().join('');
  for (const right of shapingWords) {
    // Of short words only exchanged letters: "lst" is a list and no "let".
    if (isSlip(word, right) && (word.length > 4 || [...right].sort().join('') === letters)) return right;
  }
  return word;
}

const shapingWords: readonly string[] = [...new Set([...functionWords, ...negations])].filter(word => word.length > 2);

function roleOf(word: string): Token['role'] {
  return courtesy.has(word) ? 'courtesy' : functionWords.has(word) ? 'function' : 'content';
}

/** Without thousands separators and a leading v: "20,000" and "20000", "v18" and "18" are the same number. */
function numberOf(written: string): string {
  return written.replace(/^v/, '').replace(/^0+(?=\d+$)/, '').replace(/,(?=\d{3}(\D|$))/g, '');
}

/** "500 ms", "500 milliseconds" and "500ms" become one token. */
function withUnits(tokens: Token[]): Token[] {
  const joined: Token[] = [];
  for (const token of tokens) {
    const before = joined.at(-1);
    const unit = token.kind === 'word' && !token.quoted ? unitOf(token.norm) : token.norm === '%' ? '%' : undefined;
    if (before?.kind === 'number' && unit !== undefined && /\d$/.test(before.norm)) {
      before.norm += unit;
      before.text += ` ${token.text}`;
    } else {
      joined.push({ ...token });
    }
  }
  return joined;
}

function unitOf(word: string): string | undefined {
  if (units.has(word) || word.length < 5 || knownWord(word)) return units.get(word);
  for (const [unit, spelling] of units) if (unit.length > 4 && isSlip(word, unit)) return spelling; // "monhts"
  return undefined;
}

/** "regular expression" and "regex", "pull request" and "pr": one spelling. */
function withJoinedWords(tokens: Token[]): Token[] {
  const joined: Token[] = [];
  for (const token of tokens) {
    const before = joined.at(-1);
    const one = before?.kind === 'word' && token.kind === 'word' ? joinedWords.get(`${before.norm} ${token.norm}`) : undefined;
    if (before && one !== undefined) {
      joined[joined.length - 1] = { ...before, text: `${before.text} ${token.text}`, norm: one, role: 'content' };
    } else {
      joined.push(token);
    }
  }
  return joined;
}
