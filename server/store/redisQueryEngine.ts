// Finding by the query engine (FT.*): one index a fingerprint, filtered by the scope's tag.
// Owns: creating the index, recreating it, choosing FLAT or HNSW by size. Does not know: what an entry's hash means.
// Always true: an index of other dimensions or another metric is refused, never written to or searched.

import { SemcacheError, messageOf } from '../protocol/errors.ts';
import { isSearchTimeout, isUnknownIndex } from './redisErrors.ts';
import { fieldsOf, vectorBlob, vectorField } from './redisLayout.ts';
import type { FoundHash, LevelParts, LevelQuery, RedisLevel } from './redisLevel.ts';
import type { Reply, Word } from './redisConnection.ts';
import { checkLength } from './vectors.ts';

type IndexKind = 'flat' | 'hnsw';

/**
 * Answers in one scope from which FLAT (0.1 ms a thousand) costs Redis more than HNSW. Measured on 2 cores with 384
 * numbers a vector (bench/redis.ts).
 */
const flatUpTo = 4000;
const hnsw = { links: 16, buildEffort: 128, searchEffort: 64 };
const promotionCheckEveryMs = 1000;
/** Redis gives a search up after this long; its part so far counts as the result. */
const searchTimeoutMs = 200;

interface LiveIndex {
  kind: IndexKind;
  dimensions: number;
}

export class RedisQueryEngine implements RedisLevel {
  readonly name = 'query-engine';
  readonly keepsVectorSets = false;

  readonly #parts: LevelParts;
  readonly #indexes = new Map<string, Promise<LiveIndex | null>>();
  readonly #promoting = new Map<string, number>();
  readonly #flatUpTo: number;

  constructor(parts: LevelParts, limits: { flatUpTo?: number } = {}) {
    this.#parts = parts;
    this.#flatUpTo = limits.flatUpTo ?? flatUpTo;
  }

  async prepare(fp: string, dimensions: number): Promise<void> {
    let index = await this.#index(fp);
    if (index === null) {
      await this.#create(fp, 'flat', dimensions);
      this.#indexes.delete(fp);
      index = await this.#index(fp);
    }
    if (index !== null) checkLength(dimensions, index.dimensions);
  }

  async nearest(query: LevelQuery): Promise<FoundHash[]> {
    const { fp, vector } = query;
    const index = await this.#index(fp);
    if (index === null) return [];
    checkLength(vector.length, index.dimensions);
    try {
      const [found, ...sizes] = await Promise.all([this.#search(query, index), ...query.tags.map(tag => this.#sizeOf(tag, fp))]);
      if (index.kind === 'flat' && Math.max(...sizes) > this.#flatUpTo) this.#promoteSoon(fp, index.dimensions);
      return found;
    } catch (error) {
      if (isSearchTimeout(error)) return [];
      if (!isUnknownIndex(error)) throw error;
      return this.#afterLoss(query);
    }
  }

  /** Someone dropped the index, or another daemon promoted it: searched once more in what is there now. */
  async #afterLoss(query: LevelQuery): Promise<FoundHash[]> {
    this.#indexes.delete(query.fp);
    await this.prepare(query.fp, query.vector.length);
    const index = await this.#index(query.fp);
    try {
      return index === null ? [] : await this.#search(query, index);
    } catch (error) {
      if (isSearchTimeout(error) || isUnknownIndex(error)) return [];
      throw error;
    }
  }

  async #search({ tags, fp, vector, count }: LevelQuery, { kind }: LiveIndex): Promise<FoundHash[]> {
    const { layout } = this.#parts;
    const effort = kind === 'hnsw' ? ` EF_RUNTIME ${Math.max(hnsw.searchEffort, count * 2)}` : '';
    const reply = await this.#send([
      'FT.SEARCH', layout.index(fp, kind), `(@scope:{${tags.join('|')}})=>[KNN ${count} @vector $vector${effort} AS distance]`,
      'PARAMS', '2', 'vector', vectorBlob(vector), 'SORTBY', 'distance', 'LIMIT', '0', String(count),
      'TIMEOUT', String(searchTimeoutMs), 'DIALECT', '2',
    ]);
    return foundIn(reply, layout.entryPrefix);
  }

  async #sizeOf(tag: string, fp: string): Promise<number> {
    const key = this.#parts.layout.members(tag, fp);
    return Number(await this.#parts.connection.send(key, ['ZCARD', key]));
  }

  /** The index to use now; null where there is none yet. */
  #index(fp: string): Promise<LiveIndex | null> {
    let known = this.#indexes.get(fp);
    if (known === undefined) {
      known = this.#lookUp(fp);
      this.#indexes.set(fp, known);
      known.then(
        found => found === null && this.#indexes.delete(fp),
        () => this.#indexes.delete(fp),
      );
    }
    return known;
  }

  async #lookUp(fp: string): Promise<LiveIndex | null> {
    const [large, flat] = await Promise.all([this.#info(fp, 'hnsw'), this.#info(fp, 'flat')]);
    if (large !== null && (large.isComplete || flat === null)) return { kind: 'hnsw', dimensions: large.dimensions };
    return flat === null ? null : { kind: 'flat', dimensions: flat.dimensions };
  }

  async #info(fp: string, kind: IndexKind): Promise<{ dimensions: number; isComplete: boolean } | null> {
    const name = this.#parts.layout.index(fp, kind);
    let info: Map<string, Buffer>;
    try {
      info = fieldsOf(await this.#send(['FT.INFO', name]));
    } catch (error) {
      if (isUnknownIndex(error)) return null;
      throw error;
    }
    const attributes = (info.get('attributes') as unknown as Reply[][] | undefined) ?? [];
    const vector = attributes.map(words => words.map(word => String(word).toLowerCase())).find(words => words.includes('vector'));
    const after = (word: string): string | undefined => (vector === undefined ? undefined : vector[vector.indexOf(word) + 1]);
    const metric = after('distance_metric');
    const dimensions = Number(after('dim'));
    if (vector === undefined || metric !== 'cosine' || after('data_type') !== 'float32' || !(dimensions > 0)) {
      throw new SemcacheError(
        'store-damaged',
        `The search index "${name}" in Redis is not the one that Semcache makes (COSINE over FLOAT32; found ${metric ?? 'no vectors'}` +
          `${vector === undefined ? '' : `, ${after('data_type')}`}). It was left as it is and nothing is written under it. ` +
          `Drop it with FT.DROPINDEX, or set another semcache.redis.prefix.`,
      );
    }
    return { dimensions, isComplete: Number(info.get('percent_indexed') ?? 1) >= 1 };
  }

  /** Atomic on Redis's side: of several daemons that race, one creates it and the others find it made. */
  async #create(fp: string, kind: IndexKind, dimensions: number): Promise<void> {
    const { layout } = this.#parts;
    const options = ['TYPE', 'FLOAT32', 'DIM', String(dimensions), 'DISTANCE_METRIC', 'COSINE'];
    if (kind === 'hnsw') options.push('M', String(hnsw.links), 'EF_CONSTRUCTION', String(hnsw.buildEffort));
    try {
      await this.#send([
        'FT.CREATE', layout.index(fp, kind), 'ON', 'HASH', 'PREFIX', '1', layout.entryPrefix, 'SCHEMA', 'scope', 'TAG',
        vectorField(fp), 'AS', 'vector', 'VECTOR', kind.toUpperCase(), String(options.length), ...options,
      ]);
    } catch (error) {
      if (!/already exists/i.test(messageOf(error))) throw error;
    }
  }

  /** Builds HNSW beside FLAT, in the background and at most one step a second, then drops FLAT. Lookups go on meanwhile. */
  #promoteSoon(fp: string, dimensions: number): void {
    const now = performance.now();
    if (now < (this.#promoting.get(fp) ?? 0)) return;
    this.#promoting.set(fp, now + promotionCheckEveryMs);
    void this.#promote(fp, dimensions).catch(() => undefined);
  }

  async #promote(fp: string, dimensions: number): Promise<void> {
    const large = await this.#info(fp, 'hnsw');
    if (large === null) return this.#create(fp, 'hnsw', dimensions);
    if (!large.isComplete) return;
    this.#indexes.set(fp, Promise.resolve({ kind: 'hnsw', dimensions }));
    await this.#send(['FT.DROPINDEX', this.#parts.layout.index(fp, 'flat')]).catch(error => {
      if (!isUnknownIndex(error)) throw error;
    });
  }

  #send(words: Word[]): Promise<Reply> {
    return this.#parts.connection.send(String(words[1]), words);
  }
}

/** Keys and hashes of a search reply, in its order. */
function foundIn(reply: Reply, entryPrefix: string): FoundHash[] {
  if (!Array.isArray(reply)) return [];
  const found: FoundHash[] = [];
  for (let at = 1; at + 1 < reply.length; at += 2) {
    const [tag, id] = partsOf(String(reply[at]).slice(entryPrefix.length));
    found.push({ tag, id, fields: fieldsOf(reply[at + 1]!) });
  }
  return found;
}

/** "{TAG}:ID" */
function partsOf(rest: string): [tag: string, id: string] {
  const end = rest.indexOf('}:');
  return [rest.slice(1, end), rest.slice(end + 2)];
}
