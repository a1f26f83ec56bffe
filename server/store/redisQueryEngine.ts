// Finding by the query engine (FT.*): one index a fingerprint, filtered by the scope's tag.
// Owns: creating the index, recreating it, choosing FLAT or HNSW by size. Does not know: what an entry's hash means.
// Always true: an index of other dimensions or another metric is refused, never written to or searched.

import { SemcacheError, messageOf } from '../protocol/errors.ts';
import { isSearchTimeout, isUnknownIndex } from './redisErrors.ts';
import { fieldsOf, vectorBlob, vectorField } from './redisLayout.ts';
import type { FoundHash, LevelParts, LevelQuery, RedisLevel } from './redisLevel.ts';
import type { Reply, Word } from './redisConnection.ts';
import { searchWithUseScript } from './redisScripts.ts';
import { checkLength } from './vectors.ts';

type IndexKind = 'flat' | 'hnsw';

/**
 * Answers in one scope from which FLAT (0.1 ms a thousand) costs Redis more than HNSW. Measured on 2 cores with 384
 * numbers a vector (bench/redis.ts).
 */
const flatUpTo = 4000;
/**
 * Of 100,000 vectors (bench/search.ts): recall@1 1.000 at 0.30 ms of Redis; with a buildEffort of 128 it was 0.98.
 */
const hnsw = { links: 16, buildEffort: 200, searchEffort: 40 };
const promotionCheckEveryMs = 1000;
const countEveryMs = 60_000;
/** A scope with at least this part (one in …) of an index is searched by its graph. */
const largePart = 10;
const rememberedSizes = 10_000;
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
  /** Moment of the next look after an index, by fp. */
  readonly #nextLook = new Map<string, number>();
  /** Entries of a scope, by tag, as of its last search. */
  readonly #sizes = new Map<string, number>();
  /** Entries of an index, by fp. */
  readonly #documents = new Map<string, number>();
  /** False once the server has refused it: Redis Enterprise does. Then a look-up takes one round trip more. */
  #searchesInScripts = true;
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
      if (Math.max(...sizes) > this.#flatUpTo) this.#lookAfterSoon(fp, index);
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

  async #search(query: LevelQuery, index: LiveIndex): Promise<FoundHash[]> {
    const { connection, layout } = this.#parts;
    const words = this.#searchWords(query, index);
    if (this.#searchesInScripts) {
      try {
        const [found, uses] = (await connection.run(searchWithUseScript, [], [layout.entryPrefix, layout.usePrefix, ...words])) as [Reply, Reply[]];
        return foundIn(found, uses, layout.entryPrefix);
      } catch (error) {
        if (!isRefusedInScripts(error)) throw error;
        this.#searchesInScripts = false;
      }
    }
    const found = foundIn(await this.#send(['FT.SEARCH', ...words]), [], layout.entryPrefix);
    const uses = await Promise.all(
      found.map(({ tag, id }) => connection.send(layout.use(tag, id), ['HMGET', layout.use(tag, id), 'hits', 'lastHit'])),
    );
    return found.map((one, at) => ({ ...one, use: uses[at]! }));
  }

  #searchWords({ tags, fp, vector, count }: LevelQuery, { kind }: LiveIndex): Word[] {
    const options = kind === 'hnsw' ? this.#hnswOptions(tags, fp, count) : '';
    return [
      this.#parts.layout.index(fp, kind), `(@scope:{${tags.join('|')}})=>[KNN ${count} @vector $vector${options} AS distance]`,
      'PARAMS', '2', 'vector', vectorBlob(vector), 'SORTBY', 'distance', 'LIMIT', '0', String(count),
      'TIMEOUT', String(searchTimeoutMs), 'DIALECT', '2',
    ];
  }

  /**
   * Left to itself, the engine compares every vector of the scope even where it is most of the index (1.6 ms of 20,000,
   * where the graph takes 0.2). Of a scope that is a small part of the index, comparing every vector is the faster way.
   */
  #hnswOptions(tags: readonly string[], fp: string, count: number): string {
    const size = Math.max(...tags.map(tag => this.#sizes.get(tag) ?? 0));
    const isLargePart = size > this.#flatUpTo && size * largePart >= (this.#documents.get(fp) ?? Infinity);
    const effort = ` EF_RUNTIME ${Math.max(hnsw.searchEffort, count * 2)}`;
    return isLargePart ? ` HYBRID_POLICY BATCHES${effort}` : effort;
  }

  async #sizeOf(tag: string, fp: string): Promise<number> {
    const key = this.#parts.layout.members(tag, fp);
    const size = Number(await this.#parts.connection.send(key, ['ZCARD', key]));
    this.#sizes.delete(tag);
    this.#sizes.set(tag, size);
    if (this.#sizes.size > rememberedSizes) this.#sizes.delete(this.#sizes.keys().next().value!);
    return size;
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
    this.#documents.set(fp, Number(info.get('num_docs') ?? 0));
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

  /** Beside the look-ups: counts the index's documents now and then, and gives a large scope the index it needs. */
  #lookAfterSoon(fp: string, { kind, dimensions }: LiveIndex): void {
    const now = performance.now();
    if (now < (this.#nextLook.get(fp) ?? 0)) return;
    this.#nextLook.set(fp, now + (kind === 'flat' ? promotionCheckEveryMs : countEveryMs));
    const work = kind === 'flat' ? this.#promote(fp, dimensions) : this.#info(fp, kind);
    work.catch(() => undefined);
  }

  /** Builds HNSW beside FLAT, in the background, then drops FLAT. */
  async #promote(fp: string, dimensions: number): Promise<void> {
    const large = await this.#info(fp, 'hnsw');
    if (large === null) return this.#create(fp, 'hnsw', dimensions);
    if (!large.isComplete) return;
    this.#indexes.set(fp, Promise.resolve({ kind: 'hnsw', dimensions }));
    this.#nextLook.delete(fp);
    await this.#send(['FT.DROPINDEX', this.#parts.layout.index(fp, 'flat')]).catch(error => {
      if (!isUnknownIndex(error)) throw error;
    });
  }

  #send(words: Word[]): Promise<Reply> {
    return this.#parts.connection.send(String(words[1]), words);
  }
}

/** Scripts may not search on this server. */
function isRefusedInScripts(error: unknown): boolean {
  return /not allowed from script|script attempted to access/i.test(messageOf(error));
}

/** Keys, hashes and uses of a search reply, in its order. */
function foundIn(reply: Reply, uses: Reply[], entryPrefix: string): FoundHash[] {
  if (!Array.isArray(reply)) return [];
  const found: FoundHash[] = [];
  for (let at = 1; at + 1 < reply.length; at += 2) {
    const [tag, id] = partsOf(String(reply[at]).slice(entryPrefix.length));
    found.push({ tag, id, fields: fieldsOf(reply[at + 1]!), use: uses[found.length] ?? null });
  }
  return found;
}

/** "{TAG}:ID" */
function partsOf(rest: string): [tag: string, id: string] {
  const end = rest.indexOf('}:');
  return [rest.slice(1, end), rest.slice(end + 2)];
}
