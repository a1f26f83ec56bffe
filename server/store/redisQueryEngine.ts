// Finding by the query engine (FT.*): one index a fingerprint, filtered by the scope's tag.
// Owns: creating the index, recreating it, choosing FLAT or HNSW by size. Does not know: what an entry's hash means.
// Always true: an index of other dimensions or another metric is refused, never written to or searched.

import { SemcacheError, messageOf } from '../protocol/errors.ts';
import { isSearchTimeout, isUnknownIndex } from './redisErrors.ts';
import { fieldsOf, foundFields, vectorBlob, vectorField } from './redisLayout.ts';
import type { FoundHash, LevelParts, LevelQuery, RedisLevel } from './redisLevel.ts';
import type { Reply, Word } from './redisConnection.ts';
import { checkLength } from './vectors.ts';

type IndexKind = 'flat' | 'hnsw';
type IndexPart = 'small' | 'large' | 'all';

/**
 * Answers in one scope from which FLAT (0.1 ms a thousand) costs Redis more than HNSW. Measured on 2 cores with 384
 * numbers a vector (bench/redis.ts).
 */
const flatUpTo = 4000;
/**
 * Of 100,000 vectors in one scope (bench/search.ts), 1,600 questions: recall@1 0.994. A searchEffort of 32 finds 0.002 more and
 * costs Redis a tenth more, one of 16 finds 0.011 less; a buildEffort of 128 finds 0.02 less.
 */
export const hnsw = { links: 16, buildEffort: 200, searchEffort: 24 };
/** Entries of a scope are counted, and its index looked after, beside a look-up and at most this often. */
const sizeCheckEveryMs = 1000;
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
  /** Entries of a scope, by tag, and the moment to count them again. */
  readonly #sizes = new Map<string, { size: number; nextLook: number }>();
  /** Entries of an index, by fp. */
  readonly #documents = new Map<string, number>();
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
      const searching = this.#search(query, index);
      for (const tag of query.tags) this.#countSoon(tag, fp, index);
      return await searching;
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
    const part = this.#partOf(query, index);
    const reply = await this.#send(this.#searchWords(query, index, part));
    const found = foundIn(reply, this.#parts.layout.entryPrefix);
    if (part !== 'all' || found.every(({ tag }) => query.tags.includes(tag))) return found;
    // Other scopes have come since the index was counted: it is counted again soon.
    this.#documents.set(query.fp, this.#sizeOf(query.tags) + 1);
    this.#nextLook.delete(query.fp);
    return this.#search(query, index);
  }

  #searchWords({ tags, fp, vector, count }: LevelQuery, { kind }: LiveIndex, part: IndexPart): Word[] {
    const filter = part === 'all' ? '*' : `(@scope:{${tags.join('|')}})`;
    const effort = kind === 'hnsw' ? ` EF_RUNTIME ${Math.max(hnsw.searchEffort, count * 2)}` : '';
    const options = part === 'large' ? ` HYBRID_POLICY BATCHES${effort}` : effort;
    const fields = foundFields(fp);
    return [
      'FT.SEARCH', this.#parts.layout.index(fp, kind), `${filter}=>[KNN ${count} @vector $vector${options} AS distance]`,
      'RETURN', String(fields.length), ...fields, 'PARAMS', '2', 'vector', vectorBlob(vector), 'SORTBY', 'distance', 'LIMIT', '0', String(count),
      'TIMEOUT', String(searchTimeoutMs), 'DIALECT', '2',
    ];
  }

  /**
   * How much of a graph the scopes are. Left to itself, the engine compares every vector of a scope even where it is most of the
   * index (1.6 ms of 20,000, where the graph takes 0.2). Of a scope that is a small part, that is the faster way; of one that is
   * all there is, asking of each vector whether it belongs to it costs a tenth of the search.
   */
  #partOf({ tags, fp }: LevelQuery, { kind }: LiveIndex): IndexPart {
    const size = this.#sizeOf(tags);
    const documents = this.#documents.get(fp) ?? Infinity;
    if (kind === 'flat' || size <= this.#flatUpTo) return 'small';
    if (size >= documents) return 'all';
    return size * largePart >= documents ? 'large' : 'small';
  }

  #sizeOf(tags: readonly string[]): number {
    return tags.reduce((sum, tag) => sum + (this.#sizes.get(tag)?.size ?? 0), 0);
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

  /** Beside a look-up, and not with each: counts the scope's entries. */
  #countSoon(tag: string, fp: string, index: LiveIndex): void {
    const known = this.#sizes.get(tag);
    const now = performance.now();
    if (known !== undefined && now < known.nextLook) return;
    this.#sizes.delete(tag);
    this.#sizes.set(tag, { size: known?.size ?? 0, nextLook: now + sizeCheckEveryMs });
    if (this.#sizes.size > rememberedSizes) this.#sizes.delete(this.#sizes.keys().next().value!);
    this.#count(tag, fp, index).catch(() => undefined);
  }

  async #count(tag: string, fp: string, index: LiveIndex): Promise<void> {
    const key = this.#parts.layout.members(tag, fp);
    const size = Number(await this.#parts.connection.send(key, ['ZCARD', key]));
    const known = this.#sizes.get(tag);
    if (known !== undefined) known.size = size;
    if (size > this.#flatUpTo) this.#lookAfterSoon(fp, index);
  }

  /** Counts the index's documents now and then, and gives a large scope the index it needs. */
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

/** Keys and fields of a search reply, in its order. */
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
