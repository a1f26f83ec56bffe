// Does a question say itself in which programming language its answer is to be?
// Owns: the places where a language's name says that. Does not know: which file is open, or what follows from it.
// Always true: a name that may be a word of its own ("go to the line"), or be what the question is about ("run a python
// script"), says nothing: where it is not plain, the answer is no.

import { tokensOf, type Token } from './tokens.ts';
import { classOf, spelling } from './words.ts';

/** Names that are words, or letters, of their own. */
const ambiguous: ReadonlySet<string> = new Set('go c r swift dart fish julia objective'.split(' '));
const introducing: ReadonlySet<string> = new Set(['in', 'using']);

/** "reverse a list in Python", "using Go", "python: reverse a list", "python reverse list". */
export function namesLanguage(instruction: string): boolean {
  const tokens = tokensOf(instruction).filter(token => token.role !== 'courtesy');
  return tokens.some((token, at) => {
    if (!isLanguage(token)) return false;
    if (introducing.has(tokens[at - 1]?.norm ?? '')) return endsName(tokens[at + 1]);
    return !ambiguous.has(token.norm.toLowerCase()) && at === 0;
  });
}

/** Nothing that would make the name part of another: "in python scripts". C++, C# and Python 3 are languages themselves. */
function endsName(next: Token | undefined): boolean {
  return next === undefined || next.role !== 'content' || next.kind === 'number' || (next.kind === 'symbol' && /^(?:[,:]|\+\+|#)$/.test(next.norm));
}

function isLanguage({ kind, norm, quoted }: Token): boolean {
  const name = norm.toLowerCase();
  return kind === 'word' && !quoted && classOf.get(spelling.get(name) ?? name) === 'language';
}
