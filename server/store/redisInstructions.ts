// The entries of one instruction in any scope, found by the namespaces' lists of instructions: no level has to index them.
// Does not know: vectors, answers.

import type { EntryFacts } from '../protocol/entry.ts';
import type { RedisConnection } from './redisConnection.ts';
import { factFields, factsFromHash, type RedisLayout } from './redisLayout.ts';
import type { Located, RedisRegistry } from './redisRegistry.ts';

/** Entries of one instruction and namespace that are read, to find the newest: of more, some are not seen. */
const readEntries = 100;

/** Newest update first. Two round trips. */
export async function factsOfInstruction(
  registries: readonly RedisRegistry[],
  connection: RedisConnection,
  layout: RedisLayout,
  { instructionKey, limit, now }: { instructionKey: string; limit: number; now: number },
): Promise<EntryFacts[]> {
  const located = await Promise.all(registries.map(registry => registry.withInstruction(instructionKey, readEntries)));
  const found = await Promise.all(located.flat().map(one => factsOf(one, connection, layout)));
  return found
    .filter(facts => facts !== null)
    .filter(facts => facts.instructionKey === instructionKey && facts.expiresAt > now)
    .sort((a, b) => b.updatedAt - a.updatedAt)
    .slice(0, limit);
}

async function factsOf({ id, tag }: Located, connection: RedisConnection, layout: RedisLayout): Promise<EntryFacts | null> {
  const [key, use] = [layout.entry(tag, id), layout.use(tag, id)];
  const [values, uses] = await Promise.all([
    connection.send(key, ['HMGET', key, ...factFields]),
    connection.send(use, ['HMGET', use, 'hits', 'lastHit']),
  ]);
  const fields = new Map<string, Buffer>();
  (values as (Buffer | null)[]).forEach((value, at) => value !== null && fields.set(factFields[at]!, value));
  return factsFromHash(fields, uses);
}
