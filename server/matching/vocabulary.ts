// Is this a word that people write on purpose? The list is made by training/vocabulary.py.

import vocabulary from './vocabulary.generated.json' with { type: 'json' };

const words = new Set(vocabulary.words.split(' '));

/** @param word in lower case */
export function knownWord(word: string): boolean {
  return words.has(word) || (word.endsWith('s') && words.has(word.slice(0, -1)));
}
