// Why a prompt was answered as it was: what was judged, and where else the same question is stored.
// Owns: how many stored questions are told of, and their order. Does not know: the words of a verdict (matching).
// Always true: explaining changes nothing that is stored or counted.

import type { Decision } from '../protocol/decision.ts';
import type { ContextMark, EntryFacts } from '../protocol/entry.ts';
import type { CandidateExplanation, Elsewhere, Explanation } from '../protocol/explanation.ts';
import type { CacheSettings } from '../protocol/settings.ts';
import type { Store } from '../store/store.ts';
import { differencesOf, mayBeTold, type Difference } from './differences.ts';
import type { PromptKeys } from './scope.ts';

/** Stored questions of the same words that are compared; those that differ least are told of. */
const comparedEntries = 50;
const toldEntries = 5;
/** Differences that one line names. */
const namedDifferences = 3;

/** A prompt as far as it has to be known for explaining it later: without its texts. */
export interface Asked {
  instruction: string;
  llmString: string;
  keys: PromptKeys;
}

export interface Judged {
  decision: Decision;
  /** Absent where no candidate was looked at. */
  candidates?: readonly CandidateExplanation[] | undefined;
  settings: Pick<CacheSettings, 'matching' | 'maxWrongHitRate'>;
}

export async function explain(store: Store, asked: Asked, { decision, candidates, settings }: Judged): Promise<Explanation> {
  return {
    instruction: asked.instruction,
    context: asked.keys.marks.map(({ kind, name }) => ({ kind, name })),
    llmString: asked.llmString,
    decision,
    candidates: candidates?.map(told) ?? candidatesIn(decision),
    elsewhere: (await sameQuestionElsewhere(store, asked)).map(({ entry, differences }) => ({
      entryId: entry.id,
      instruction: entry.instruction,
      updatedAt: entry.updatedAt,
      differs: differences.map(({ words }) => words),
    })) satisfies Elsewhere[],
    matching: settings.matching,
    maxWrongHitRate: settings.maxWrongHitRate,
  };
}

/** One line that says where the same question is stored and what kept it away; null where it is not. */
export async function elsewhereWords(store: Store, asked: Asked): Promise<string | null> {
  const [nearest] = await sameQuestionElsewhere(store, asked);
  if (nearest === undefined) return null;
  const named = nearest.differences.slice(0, namedDifferences).map(({ discreet }) => discreet);
  const more = nearest.differences.length - named.length;
  return `The same question was asked before; what differs: ${named.join(', ')}${more > 0 ? `, and ${more} more` : ''}.`;
}

/** Those that differ least first, among these the newest. */
async function sameQuestionElsewhere(store: Store, { llmString, keys }: Asked): Promise<{ entry: EntryFacts; differences: Difference[] }[]> {
  const now = { llmString, context: keys.marks satisfies ContextMark[] };
  const found = await store.withInstruction(keys.instructionKey, comparedEntries);
  return found
    .filter(entry => entry.scope !== keys.scope && mayBeTold(now, entry))
    .map(entry => ({ entry, differences: differencesOf(now, entry) }))
    .sort((a, b) => a.differences.length - b.differences.length || b.entry.updatedAt - a.entry.updatedAt)
    .slice(0, toldEntries);
}

/** Without what only analyses read, and without a bound that nothing could reach. */
function told({ features: _features, bound, ...rest }: CandidateExplanation): CandidateExplanation {
  return bound === undefined || bound > 1 ? rest : { ...rest, bound };
}

/** A hit that needed no candidates: an identical prompt, or what the person called the same. */
function candidatesIn(decision: Decision): CandidateExplanation[] {
  if (decision.status !== 'hit' && decision.status !== 'stale') return [];
  const { entryId, instruction, distance, why } = decision;
  return [{ entryId, instruction, distance, outcome: 'accepted', why }];
}
