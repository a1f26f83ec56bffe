// Two texts as the verifier reads them. training/pairInput.py does exactly the same; test/fixtures/quality/pairInput.json holds
// both to it.
// Owns: leaving out the sentences that both texts share, shortening, and how each word piece occurs in the other text.

/** Both texts together, with the three special tokens. */
const maxTokens = 192;
/** A text of more words than this is compared without the sentences that both share. */
const focusWords = 40;

/** The sentences in which the texts differ, when one of them is long; what all sentences share tells nothing. */
export function focused(a: string, b: string): [string, string] {
  if (Math.max(wordCount(a), wordCount(b)) <= focusWords) return [a, b];
  const [inA, inB] = [sentencesOf(a), sentencesOf(b)];
  const [keysA, keysB] = [new Set(inA.map(keyOf)), new Set(inB.map(keyOf))];
  const ownA = inA.filter(s => !keysB.has(keyOf(s)));
  const ownB = inB.filter(s => !keysA.has(keyOf(s)));
  if (ownA.length > 0 && ownB.length > 0) return [ownA.join(' '), ownB.join(' ')];
  // One text adds to the other: a shared sentence stands in for the missing side.
  const shared = inA.find(s => keysB.has(keyOf(s)));
  return shared === undefined ? [a, b] : [[shared, ...ownA].join(' '), [shared, ...ownB].join(' ')];
}

/**
 * Shapes: word pieces of either text without special tokens -> equally long ids and types with them; a type is the text (0, 1)
 * + 2 * occurrence: 0 the piece does not occur in the other text, 1 it does, 2 with one of its neighbours, 3 with both.
 */
export function pairInput(a: number[], b: number[], special: { begin: number; end: number }): { ids: number[]; types: number[] } {
  const [left, right] = shortened(a, b);
  const [typesA, typesB] = [occurrences(left, right, 0), occurrences(right, left, 1)];
  return {
    ids: [special.begin, ...left, special.end, ...right, special.end],
    types: [0, ...typesA, 0, ...typesB, 1],
  };
}

/** Longest first, as the tokenizer in training does. */
function shortened(a: number[], b: number[]): [number[], number[]] {
  const room = maxTokens - 3;
  if (a.length + b.length <= room) return [a, b];
  const half = Math.floor(room / 2);
  const short = Math.min(a.length, b.length);
  const shortKept = Math.min(short, half);
  const longKept = room - shortKept;
  return a.length <= b.length ? [a.slice(0, shortKept), b.slice(0, longKept)] : [a.slice(0, longKept), b.slice(0, shortKept)];
}

function occurrences(pieces: number[], others: number[], side: 0 | 1): number[] {
  const seen = new Set(others);
  const neighbours = new Set(others.slice(1).map((piece, i) => `${others[i]} ${piece}`));
  return pieces.map((piece, i) => {
    if (!seen.has(piece)) return side;
    const before = i > 0 && neighbours.has(`${pieces[i - 1]} ${piece}`);
    const after = i + 1 < pieces.length && neighbours.has(`${piece} ${pieces[i + 1]}`);
    return side + 2 * (1 + Number(before) + Number(after));
  });
}

function wordCount(text: string): number {
  return text.split(/\s+/).filter(word => word !== '').length;
}

function sentencesOf(text: string): string[] {
  return text.split(/(?<=[.!?:;])\s+|\n+/).filter(s => s.trim() !== '');
}

/** Letters, digits and underscores only, in lower case: what Python's \w matches. */
function keyOf(sentence: string): string {
  return sentence.toLowerCase().replace(/[^\p{L}\p{N}_]+/gu, ' ').trim();
}
