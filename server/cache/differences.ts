// In which parts a prompt and a stored question of the same words differ, by name.
// Owns: the words for it, and whose questions may be told of. Does not know: stores.
// Always true: `discreet` holds no name that only the stored question has, for whoever asks may not be who stored it.

import type { ContextMark, EntryFacts } from '../protocol/entry.ts';
import { invocationOf } from '../protocol/prompt.ts';
import { canonicalJson } from './promptFromRequest.ts';

/** One difference: now is the prompt, then is the stored question. */
export interface Difference {
  words: string;
  discreet: string;
}

export interface Compared {
  llmString: string;
  context: readonly ContextMark[];
}

/** At least one for any two that are not of one scope. */
export function differencesOf(now: Compared, then: Compared): Difference[] {
  const found = [...modelDifferences(now.llmString, then.llmString), ...contextDifferences(now.context, then.context)];
  return found.length > 0 ? found : [same('the same parts in another order')];
}

/** Parameters whose names begin so keep clients and projects apart (gateway/answerRoute.ts): neither hears of the other. */
const wall = 'semcache ';

/** Whether who asks this may be told that the other was asked. */
export function mayBeTold(now: Compared, then: Pick<EntryFacts, 'llmString'>): boolean {
  const wallsOf = (llmString: string): string =>
    canonicalJson(Object.entries(invocationOf(llmString)?.parameters ?? {}).filter(([name]) => name.startsWith(wall)));
  return wallsOf(now.llmString) === wallsOf(then.llmString);
}

function same(words: string): Difference {
  return { words, discreet: words };
}

function modelDifferences(now: string, then: string): Difference[] {
  if (now === then) return [];
  const [asked, stored] = [invocationOf(now), invocationOf(then)];
  const another = (name: string): Difference => ({ words: `another model (${name})`, discreet: 'another model' });
  if (asked === null || stored === null) return [another(stored?.model ?? then)];
  const found = asked.model === stored.model ? [] : [another(stored.model)];
  const names = [...new Set([...Object.keys(asked.parameters), ...Object.keys(stored.parameters)])];
  const changed = names.filter(name => canonicalJson(asked.parameters[name]) !== canonicalJson(stored.parameters[name]));
  return changed.length === 0 ? found : [...found, same(`other settings of the model (${changed.join(', ')})`)];
}

const partWords: Record<Exclude<ContextMark['kind'], 'turn' | 'system'>, string> = {
  selection: 'the selected code',
  file: 'the open file',
  diagnostics: 'the reported problems',
  terminal: 'the terminal\'s text',
  language: 'the language of the file',
  wrapper: 'what the tool adds to the question',
  code: 'the pasted code',
  trace: 'the pasted stack trace',
  data: 'the attachment',
  tools: 'the tools on offer',
};

function contextDifferences(now: readonly ContextMark[], then: readonly ContextMark[]): Difference[] {
  const kinds = [...new Set([...now, ...then].map(({ kind }) => kind))];
  return kinds.flatMap(kind => {
    const ofKind = (marks: readonly ContextMark[]): ContextMark[] => marks.filter(mark => mark.kind === kind);
    const [asked, stored] = withoutEqual(ofKind(now), ofKind(then));
    if (asked.length + stored.length === 0) return [];
    if (kind === 'turn') return turnDifferences(ofKind(now).length, ofKind(then).length);
    if (kind === 'system') return systemDifferences(asked.length, stored.length);
    return partDifferences(partWords[kind], asked, stored);
  });
}

/** Both without the parts that are in both. */
function withoutEqual(now: ContextMark[], then: ContextMark[]): [ContextMark[], ContextMark[]] {
  const left = [...then];
  const asked = now.filter(mark => {
    const at = left.findIndex(({ name, sha256 }) => name === mark.name && sha256 === mark.sha256);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
  return [asked, left];
}

function turnDifferences(now: number, then: number): Difference[] {
  return [same(now === then ? 'the earlier turns differ' : `${now} earlier ${now === 1 ? 'turn' : 'turns'} instead of ${then}`)];
}

function systemDifferences(now: number, then: number): Difference[] {
  if (then === 0) return [same('there was no such system message')];
  return [same(now === 0 ? 'a system message is missing' : 'the system message differs')];
}

function partDifferences(what: string, now: ContextMark[], then: ContextMark[]): Difference[] {
  const left = [...then];
  const changed: ContextMark[] = [];
  const others: ContextMark[] = [];
  for (const mark of now) {
    const at = left.findIndex(({ name }) => name === mark.name);
    if (at >= 0) left.splice(at, 1);
    (at >= 0 ? changed : others).push(mark);
  }
  return [
    ...changed.map(mark => same(`${what}${named(mark)} changed`)),
    ...others.map((mark, i) => {
      const other = left[i];
      if (other === undefined) return same(`${what}${named(mark)} was not there`);
      return { words: `${what} is another (${mark.name} instead of ${other.name})`, discreet: `${what} is another${named(mark)}` };
    }),
    ...left.slice(others.length).map(mark => ({ words: `${what}${named(mark)} is missing`, discreet: `${what} is missing` })),
  ];
}

/** Its name where it has one of its own. */
function named({ kind, name }: ContextMark): string {
  return name === kind ? '' : ` (${name})`;
}
