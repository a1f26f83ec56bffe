// How RedisVL's SemanticCache lays entries out, and langchain-redis on top of it: read and written.
//
//   index NAME over NAME (no separator: RedisVL refuses an index that has one), HASH, FLAT, COSINE, FLOAT32
//   key   NAME:SHA-256 of the prompt in hex, with entry_id, prompt, response, prompt_vector, inserted_at, updated_at
//         (seconds) and, where given, metadata (JSON)
//   langchain-redis: response is a JSON list of dumped generations, metadata holds llm_string
// Always true: an index that RedisVL could not use is refused, never written to.

import { createHash } from 'node:crypto';
import type { Generation } from '../protocol/answer.ts';
import { messageOf, SemcacheError } from '../protocol/errors.ts';
import type { RedisConnection, Reply } from '../store/redisConnection.ts';
import { isUnknownIndex } from '../store/redisErrors.ts';
import { fieldsOf, vectorBlob } from '../store/redisLayout.ts';
import { checkLength, vectorFromBytes } from '../store/vectors.ts';
import { hashesUnder } from './redisHashes.ts';
import { readGenerations } from './seedLayout.ts';

export interface RedisVlEntry {
  key: string;
  prompt: string;
  /** Of langchain-redis; null where the cache did not say the model. */
  llmString: string | null;
  generations: Generation[];
  vector: Float32Array;
  ttlMs: number | null;
}

/** Every entry of the cache `name` that can be read, in no order. */
export async function* redisVlEntries(connection: RedisConnection, name: string): AsyncIterable<RedisVlEntry> {
  for await (const { key, fields, ttlMs } of hashesUnder(connection, `${name}:`)) {
    const [prompt, response, blob] = [fields.get('prompt'), fields.get('response'), fields.get('prompt_vector')];
    if (prompt === undefined || response === undefined || blob === undefined) continue;
    const llmString = llmStringIn(fields.get('metadata'));
    const generations = (llmString === null ? null : readGenerations(String(response))) ?? [{ text: String(response) }];
    yield { key, prompt: String(prompt), llmString, generations, vector: vectorFromBytes(blob), ttlMs };
  }
}

/** Creates the index of the cache `name` as RedisVL would, or finds it fit. @throws store-damaged, vector-length-mismatch */
export async function prepareRedisVl(connection: RedisConnection, name: string, dimensions: number): Promise<void> {
  try {
    await connection.send(name, [
      'FT.CREATE', name, 'ON', 'HASH', 'PREFIX', '1', name, 'SCORE', '1.0', 'SCHEMA', 'prompt', 'TEXT', 'WEIGHT', '1',
      'response', 'TEXT', 'WEIGHT', '1', 'inserted_at', 'NUMERIC', 'updated_at', 'NUMERIC',
      'prompt_vector', 'VECTOR', 'FLAT', '6', 'TYPE', 'FLOAT32', 'DIM', String(dimensions), 'DISTANCE_METRIC', 'COSINE',
    ]);
    return;
  } catch (error) {
    if (isUnknownIndex(error) || !/already exists/i.test(messageOf(error))) throw error;
  }
  const info = fieldsOf(await connection.send(name, ['FT.INFO', name]));
  const attributes = (info.get('attributes') as unknown as Reply[][] | undefined) ?? [];
  const vector = attributes.map(words => words.map(word => String(word).toLowerCase())).find(words => words.includes('prompt_vector'));
  const after = (word: string): string | undefined => vector?.[vector.indexOf(word) + 1];
  if (after('distance_metric') !== 'cosine' || after('data_type') !== 'float32') {
    throw new SemcacheError(
      'store-damaged',
      `The search index "${name}" is not one of RedisVL's SemanticCache. It was left as it is, and nothing was written. Choose another --name.`,
    );
  }
  checkLength(dimensions, Number(after('dim')));
}

/** Stores one answer as RedisVL would; one a prompt. */
export async function writeRedisVl(
  connection: RedisConnection,
  name: string,
  entry: { prompt: string; response: string; vector: Float32Array; llmString: string; insertedAt: number; updatedAt: number; ttlMs: number },
): Promise<void> {
  const id = createHash('sha256').update(entry.prompt).digest('hex');
  const key = `${name}:${id}`;
  await Promise.all([
    connection.send(key, [
      'HSET', key, 'entry_id', id, 'prompt', entry.prompt, 'response', entry.response, 'prompt_vector', vectorBlob(entry.vector),
      'inserted_at', String(entry.insertedAt / 1000), 'updated_at', String(entry.updatedAt / 1000),
      'metadata', JSON.stringify({ llm_string: entry.llmString }),
    ]),
    connection.send(key, ['PEXPIRE', key, String(Math.max(1, Math.round(entry.ttlMs)))]),
  ]);
}

function llmStringIn(metadata: Buffer | undefined): string | null {
  if (metadata === undefined) return null;
  try {
    const { llm_string: llmString } = JSON.parse(String(metadata)) as { llm_string?: unknown };
    return typeof llmString === 'string' ? llmString : null;
  } catch {
    return null;
  }
}
