// Is this text in the language on which the verifier was validated (English)? Where it is not, the verifier has no say.

import type { Token } from './tokens.ts';
import { courtesy, functionWords } from './words.ts';

/** Small words of other languages that are no English words. */
const foreign = new Set(`der die das und nicht wie ein eine einen einem mit für ist auf wird kann ich den dem des zum zur im
  le les des une est pour avec comment dans sur pas du au aux je qui que faire
  el los las una para con cómo como del por qué esta este hacer puedo
  il lo gli della di un che non per come sono fare uma não com os`.split(/\s+/));

/** False for a letter of another script, and where small words of another language outweigh English ones. */
export function isValidatedLanguage(tokens: Token[]): boolean {
  const words = tokens.filter(t => t.kind === 'word' && !t.quoted);
  if (words.some(t => /(?!\p{Script=Latin})\p{L}/u.test(t.text))) return false;
  const foreignWords = words.filter(t => foreign.has(t.norm)).length;
  const english = words.filter(t => functionWords.has(t.norm) || courtesy.has(t.norm)).length;
  return foreignWords < 2 || english > 2 * foreignWords;
}
