// What a person said of two questions, and which answers follow from it.
// Owns: which pairs a ruling can speak of, and how an alias finds its entry.
// Does not know: how candidates that a ruling keeps apart are refused (matching).

import type { Entry } from '../protocol/entry.ts';
import { SemcacheError } from '../protocol/errors.ts';
import type { Prompt } from '../protocol/prompt.ts';
import type { Store } from '../store/store.ts';
import { entryIdOf, type PromptKeys } from './scope.ts';

/** Aliases of one instruction that are looked after; the latest ones. */
const followedAliases = 8;

export const aliasWords = 'You said that these two ask the same.';

/**
 * The newest entry in the prompt's scope that the person said may answer it.
 * @param aliases keys of the instructions that were called the same as the prompt's
 */
export async function aliasedEntry(
  store: Store,
  { scope }: PromptKeys,
  aliases: readonly string[],
  fits: (entry: Entry) => boolean,
): Promise<Entry | null> {
  const found = await Promise.all(aliases.slice(0, followedAliases).map(key => store.get(entryIdOf(scope, key), scope)));
  const fitting = found.filter((entry): entry is Entry => entry !== null && fits(entry));
  return fitting.sort((a, b) => b.updatedAt - a.updatedAt)[0] ?? null;
}

/** Keeps the person's word on the instructions of an entry and of a prompt. */
export async function rule(store: Store, entry: Entry, { instructionKey }: PromptKeys, said: { same: boolean; at: number }): Promise<void> {
  const [a, b] = [instructionKey, entry.instructionKey].sort() as [string, string];
  await store.addRuling({ a, b, same: said.same, createdAt: said.at });
}

/** @throws SemcacheError bad-request for a prompt that is answered by an identical one only */
export function checkAliasable({ exactOnly }: Prompt): void {
  if (exactOnly === undefined) return;
  throw new SemcacheError(
    'bad-request',
    `Nothing can be called the same question as this one, for only an identical prompt may be served (${exactOnly}). Nothing was changed.`,
  );
}
