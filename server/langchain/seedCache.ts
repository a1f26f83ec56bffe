// The seed's three verbs on the seed's own layout, so that a Python LangChain and Semcache share entries.
// Owns: the commands, and where ours differ from LangChain's: a threshold of 0 means identical, an update replaces, a
// clear needs no earlier look-up, racing writers all store, nobody's index is dropped.
// Does not know: LangChain's classes; which model embeds.
// Always true: an index of another dimension or metric is refused, never written to; a hit changes nothing, no TTL either.

import type { Generation } from '../protocol/answer.ts';
import { messageOf, SemcacheError } from '../protocol/errors.ts';
import { connectRedis, type RedisConnection, type RedisTarget, type Reply, type Word } from '../store/redisConnection.ts';
import { isRefusedCommand, isSearchTimeout, isUnknownIndex, redisError } from '../store/redisErrors.ts';
import { fieldsOf, vectorBlob } from '../store/redisLayout.ts';
import { checkLength, cosineDistance, vectorFromBytes } from '../store/vectors.ts';
import { within } from '../store/within.ts';
import { hashesUnder } from './redisHashes.ts';
import { dumpedGenerations, readGenerations, seedKey, seedNames, type SeedNames } from './seedLayout.ts';

/** Text to vector; normalised or not. */
export type EmbedText = (text: string) => Promise<Float32Array | number[]>;

export interface SeedCacheOptions {
  target: RedisTarget;
  embed: EmbedText;
  /** Largest cosine distance that still counts, 0..2; smaller is stricter, 0 is identical vectors only. Default 0.2. */
  scoreThreshold?: number;
  /** Told what a person should know: a threshold that looks like a similarity. */
  warn?: (text: string) => void;
  /** Longest wait for one command. Default 2 seconds. */
  timeoutMs?: number;
}

/** One entry, as another program may have left it. */
export interface SeedEntry {
  key: string;
  prompt: string;
  llmString: string;
  generations: Generation[];
  vector: Float32Array;
  /** What is left of its time; null where it has no end. */
  ttlMs: number | null;
}

export interface SeedHit {
  prompt: string;
  generations: Generation[];
  /** Cosine distance, 0..2. */
  distance: number;
}

/** Rounding of float32 vectors that were normalised in another program. */
const rounding = 1e-6;
const connectTimeoutMs = 5000;
const whileAway = 'Nothing is served from it and nothing is stored in it meanwhile.';
const defaultTimeoutMs = 2000;
const page = 1000;
/** Entries of one prompt that an update looks at; LangChain adds one with every update. */
const mostDuplicates = 100;
/** How far apart two programs may put the same prompt: the same model under another runtime is off by 0.001. */
const samePromptWithin = 0.05;

export class SeedCache {
  readonly #options: SeedCacheOptions;
  readonly #scoreThreshold: number;
  #connection: Promise<RedisConnection> | null = null;
  /** Dimensions of the indexes that were found fit, by name. */
  readonly #known = new Map<string, number>();

  /** Connects with the first verb. @throws bad-request for a threshold that is no distance */
  constructor(options: SeedCacheOptions) {
    this.#options = options;
    this.#scoreThreshold = options.scoreThreshold ?? 0.2;
    if (!(this.#scoreThreshold >= 0 && this.#scoreThreshold <= 2)) {
      throw new SemcacheError('bad-request', `scoreThreshold is a cosine distance from 0 to 2; ${this.#scoreThreshold} is none.`);
    }
    if (this.#scoreThreshold >= 0.5) {
      options.warn?.(
        `scoreThreshold ${this.#scoreThreshold} is a distance, not a similarity: smaller is stricter, and at ${this.#scoreThreshold} ` +
          `nearly every question is answered with another's answer. For a similarity of ${this.#scoreThreshold} write ${similarityAsDistance(this.#scoreThreshold)}.`,
      );
    }
  }

  /** The nearest stored answer within the threshold; null on a miss. @throws store-unreachable, store-damaged, vector-length-mismatch */
  async lookup(prompt: string, llmString: string): Promise<SeedHit | null> {
    const names = seedNames(llmString);
    const vector = await this.#embedded(prompt);
    const found = await this.#within(names, vector, this.#scoreThreshold, 1);
    const nearest = found[0];
    if (nearest === undefined || nearest.distance > this.#scoreThreshold + rounding) return null;
    const generations = readGenerations(nearest.returnVal);
    return generations === null ? null : { prompt: nearest.prompt, generations, distance: nearest.distance };
  }

  /** Stores generations for a prompt in place of all that it had. */
  async update(prompt: string, llmString: string, generations: readonly Generation[], given?: Float32Array): Promise<void> {
    const names = seedNames(llmString);
    const vector = given ?? (await this.#embedded(prompt));
    await this.#ensureIndex(names, vector.length);
    const key = seedKey(llmString, prompt);
    await this.#send([
      'HSET', key, 'prompt', prompt, 'content_vector', vectorBlob(vector), 'llm_string', llmString,
      'return_val', dumpedGenerations(generations),
    ]);
    const same = await this.#within(names, vector, samePromptWithin, mostDuplicates);
    const others = same.filter(one => one.prompt === prompt && one.key !== key).map(one => one.key);
    if (others.length > 0) await this.#send(['DEL', ...others]);
  }

  /** Removes every answer of this llm_string, whoever stored it. Resolves to how many there were. */
  async clear(llmString: string): Promise<number> {
    const { index, prefix } = seedNames(llmString);
    let removed = 0;
    for (;;) {
      const keys = await this.#keys(index);
      if (keys.length === 0) break;
      removed += Number(await this.#send(['DEL', ...keys]));
    }
    // Entries that no index covers: written while there was none, or left by one that was dropped without them.
    let cursor = '0';
    do {
      const [next, keys] = (await this.#send(['SCAN', cursor, 'MATCH', `${prefix}*`, 'COUNT', String(page)])) as [Buffer, Buffer[]];
      cursor = String(next);
      if (keys.length > 0) removed += Number(await this.#send(['DEL', ...keys]));
    } while (cursor !== '0');
    return removed;
  }

  /** Every entry of every llm_string that can be read, in no order. */
  async *entries(): AsyncIterable<SeedEntry> {
    const connection = await this.#open();
    for await (const { key, fields, ttlMs } of hashesUnder(connection, 'doc:cache:')) {
      const generations = readGenerations(String(fields.get('return_val') ?? ''));
      const vector = fields.get('content_vector');
      const [prompt, llmString] = [fields.get('prompt'), fields.get('llm_string')];
      if (generations === null || vector === undefined || prompt === undefined || llmString === undefined) continue;
      yield { key, prompt: String(prompt), llmString: String(llmString), generations, vector: vectorFromBytes(vector), ttlMs };
    }
  }

  /** Ends the time of what update() stored last for this prompt. */
  async expire(prompt: string, llmString: string, ttlMs: number): Promise<void> {
    await this.#send(['PEXPIRE', seedKey(llmString, prompt), String(Math.max(1, Math.round(ttlMs)))]);
  }

  close(): void {
    void this.#connection?.then(connection => connection.close(), () => undefined);
    this.#connection = null;
  }

  async #within(
    { index }: SeedNames,
    vector: Float32Array,
    radius: number,
    limit: number,
  ): Promise<{ key: string; prompt: string; returnVal: string; distance: number }[]> {
    let reply: Reply;
    try {
      await this.#checkIndex(index, vector.length);
      reply = await this.#send([
        'FT.SEARCH', index, '@content_vector:[VECTOR_RANGE $radius $vector]=>{$YIELD_DISTANCE_AS: distance}',
        'SORTBY', 'distance', 'ASC', 'LIMIT', '0', String(limit),
        'PARAMS', '4', 'radius', String(radius + rounding), 'vector', vectorBlob(vector), 'DIALECT', '2',
      ]);
    } catch (error) {
      if (isUnknownIndex(error)) this.#known.delete(index);
      if (isUnknownIndex(error) || isSearchTimeout(error)) return [];
      throw error;
    }
    const words = reply as Reply[];
    const found = [];
    for (let at = 1; at + 1 < words.length; at += 2) {
      const fields = fieldsOf(words[at + 1]!);
      const blob = fields.get('content_vector');
      const returnVal = fields.get('return_val');
      if (blob === undefined || returnVal === undefined) continue;
      const stored = normalised(vectorFromBytes(blob));
      found.push({
        key: String(words[at]),
        prompt: String(fields.get('prompt') ?? ''),
        returnVal: String(returnVal),
        distance: cosineDistance(vector, stored),
      });
    }
    return found;
  }

  async #keys(index: string): Promise<string[]> {
    try {
      const reply = (await this.#send(['FT.SEARCH', index, '*', 'NOCONTENT', 'LIMIT', '0', String(page)])) as Reply[];
      return reply.slice(1).map(String);
    } catch (error) {
      if (isUnknownIndex(error)) return [];
      throw error;
    }
  }

  /** Creating is atomic in Redis: of several writers that race, one makes it and the others find it made. */
  async #ensureIndex({ index, prefix }: SeedNames, dimensions: number): Promise<void> {
    try {
      await this.#checkIndex(index, dimensions);
      return;
    } catch (error) {
      if (!isUnknownIndex(error)) throw error;
    }
    try {
      await this.#send([
        'FT.CREATE', index, 'ON', 'HASH', 'PREFIX', '1', prefix, 'SCORE', '1.0', 'SCHEMA', 'prompt', 'TEXT', 'WEIGHT', '1',
        'content_vector', 'VECTOR', 'FLAT', '6', 'TYPE', 'FLOAT32', 'DIM', String(dimensions), 'DISTANCE_METRIC', 'COSINE',
      ]);
    } catch (error) {
      if (!/already exists/i.test(messageOf(error))) throw error;
    }
    this.#known.delete(index);
    await this.#checkIndex(index, dimensions);
  }

  /** @throws the engine's error where there is no such index; store-damaged, vector-length-mismatch */
  async #checkIndex(index: string, dimensions: number): Promise<void> {
    if (this.#known.get(index) === dimensions) return;
    const info = fieldsOf(await this.#send(['FT.INFO', index]));
    const attributes = (info.get('attributes') as unknown as Reply[][] | undefined) ?? [];
    const vector = attributes.map(words => words.map(word => String(word).toLowerCase())).find(words => words.includes('content_vector'));
    const after = (word: string): string | undefined => vector?.[vector.indexOf(word) + 1];
    if (after('distance_metric') !== 'cosine' || after('data_type') !== 'float32') {
      throw new SemcacheError(
        'store-damaged',
        `The search index "${index}" is not one of LangChain's semantic cache (COSINE over FLOAT32 in content_vector; found ` +
          `${after('distance_metric') ?? 'no such field'}). It was left as it is. Drop it with FT.DROPINDEX if nobody needs it.`,
      );
    }
    checkLength(dimensions, Number(after('dim')));
    this.#known.set(index, dimensions);
  }

  async #embedded(text: string): Promise<Float32Array> {
    return normalised(Float32Array.from(await this.#options.embed(text)));
  }

  async #send(words: Word[]): Promise<Reply> {
    const connection = await this.#open();
    try {
      return await within(this.#options.timeoutMs ?? defaultTimeoutMs, connection.send(String(words[1]), words));
    } catch (error) {
      if (isUnknownIndex(error) || isSearchTimeout(error) || /already exists/i.test(messageOf(error))) throw error;
      if (isRefusedCommand(error) && /^FT\./.test(String(words[0]))) throw noQueryEngine(connection.address, error);
      throw redisError(error, connection.address, whileAway);
    }
  }

  #open(): Promise<RedisConnection> {
    if (this.#connection !== null) return this.#connection;
    const opening = connectRedis(this.#options.target, connectTimeoutMs, whileAway);
    this.#connection = opening;
    const forget = (): void => {
      if (this.#connection === opening) this.#connection = null;
      this.#known.clear();
    };
    opening.then(connection => connection.onLost(forget), forget);
    return opening;
  }
}

function noQueryEngine(address: string, cause: unknown): SemcacheError {
  return new SemcacheError(
    'store-unreachable',
    `The Redis at ${address} has no query engine (FT.* commands) for this user, and LangChain's layout needs it. ` +
      'Use Redis 8, Redis Stack or Redis Cloud, or the layout "semcache", which works on every Redis.',
    cause,
  );
}

function normalised(vector: Float32Array): Float32Array {
  let sum = 0;
  for (const value of vector) sum += value * value;
  const norm = Math.sqrt(sum);
  return norm === 0 || Math.abs(norm - 1) < 1e-7 ? vector : vector.map(value => value / norm);
}

function similarityAsDistance(similarity: number): string {
  return String(Math.round((1 - similarity) * 1000) / 1000);
}
