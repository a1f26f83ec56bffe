// Is this text in the language on which the verifier was validated (English)? Where it is not, the verifier has no say.

import type { Token } from './tokens.ts';
import { courtesy, functionWords } from './words.ts';

/** Small words of German, French, Spanish, Italian, Portuguese and Dutch that English prompts do not use: one tells. */
const foreign = listed(`
  aber als auch auf aus bei beim bis dass denn diese dieser dieses doch durch ein eine einem einen einer eines für gegen gibt haben ich ihr ist kein
  keine keinen können mache machen macht mein meine meinem meiner mich muss müssen nach nicht noch nur ob ohne schon sein sich sind soll sollte statt
  über und unter vom von warum wegen weil welche welcher welches wenn werden wie wieder wird wurde zu zum zur zwei zwischen
  afin alors aucun aussi aux avec ça ceci cela celle celui ces cet cette chaque dans depuis deux dois donc elle est être faire fait faut ils leur lorsque
  mais même mes mettre moi notre nous où parce peut peux pourquoi puis quand quel quelle quelles quels sont suis tous tout toute toutes très une vers veux
  vous
  algún aquí así como cómo cuál cuáles cuando cuándo desde dónde ella ellos esta está esto estos hace hacer hacia hasta los más muy nada para pero
  porque puede puedo qué quiero según sí sobre sólo también tengo todas una usar
  alla anche che cosa cui dai dal dalla dei delle dove gli nei nel nella ogni più poi posso quale quando quello questa questo senza sono sulla tra tutti
  tutto viene voglio
  até cada ela ele esse foi isso meu minha muito não nem nos onde pela pelo pode qual são sem só tem uma você
  aan deze dit een geeft geen graag heb heeft het hoe ik maak maar mijn moet naar niet nog omdat ook tussen uit van veel voor waar waarom welke wordt zijn
  zonder`);
/** Others, which English prompts use for something else: it takes two. */
const ambiguous = listed(`
  alle das dem den der des die im man mit oder was
  au comment de du en est et il je la le les mon ne ou par pas pour que qui sa sans se sur un
  al con del el entre las lo mi por sin solo su todo todos y
  com dat di io kan na uno met op te wat wil`);

/** False for a letter of another script, and where small words of another language outweigh English ones. */
export function isValidatedLanguage(tokens: Token[]): boolean {
  const words = tokens.filter(t => t.kind === 'word' && !t.quoted);
  if (words.some(t => /(?!\p{Script=Latin})\p{L}/u.test(t.text))) return false;
  const among = (list: ReadonlySet<string>) => words.filter(t => list.has(t.norm)).length;
  const evidence = 2 * among(foreign) + new Set(words.map(t => t.norm).filter(word => ambiguous.has(word))).size;
  return evidence < 2 || among(functionWords) + among(courtesy) > 2 * evidence;
}

function listed(words: string): ReadonlySet<string> {
  return new Set(words.trim().split(/\s+/));
}
