// Finding without any help of Redis (6.2, 7, Valkey): the scope's vectors are kept in this process and searched here.
// Owns: the copies of vectors and how they follow Redis. Does not know: what an entry's hash means.
// Always true: what was written by any daemon before a lookup is found by it, since each lookup asks for what is newer
// than its copy in the same round trip that fetches the result; memory is bounded by `maxVectors`.

import { fieldsNamed, foundFields, vectorField } from './redisLayout.ts';
import type { FoundHash, LevelParts, LevelQuery, RedisLevel } from './redisLevel.ts';
import { checkLength, vectorFromBytes } from './vectors.ts';
import { VectorSpace } from './vectorSpace.ts';

/** Vectors kept in this process over all scopes: 100 MB at 384 numbers each. */
const maxVectors = 50_000;
const loadPage = 1000;

/** One scope and fingerprint, as this process knows it. */
interface Copy {
  space: VectorSpace | null;
  /** Microsecond of the newest member that was read. */
  version: string;
  lastRow: number;
  rows: Map<string, { row: number; version: string }>;
  byRow: Map<number, { id: string; vector: Float32Array }>;
  /** Of what is being read: look-ups at the same time read it once. */
  reading: Promise<void>;
}

export class RedisPlain implements RedisLevel {
  readonly name = 'plain';
  readonly keepsVectorSets = false;

  readonly #parts: LevelParts;
  readonly #maxVectors: number;
  /** Least recently searched first. */
  readonly #copies = new Map<string, Copy>();
  #vectors = 0;

  constructor(parts: LevelParts, limits: { maxVectors?: number } = {}) {
    this.#parts = parts;
    this.#maxVectors = limits.maxVectors ?? maxVectors;
  }

  async prepare(): Promise<void> {}

  async nearest(query: LevelQuery): Promise<FoundHash[]> {
    const found = await Promise.all(query.tags.map(tag => this.#nearestIn(tag, query)));
    return found.flat();
  }

  async #nearestIn(tag: string, query: LevelQuery): Promise<FoundHash[]> {
    const copy = this.#copyOf(tag, query.fp);
    const names = foundFields(query.fp);
    for (;;) {
      const ids = nearestIds(copy, query);
      const [news, ...fields] = await Promise.all([this.#newer(tag, query.fp, copy), ...ids.map(id => this.#fields(tag, id, names))]);
      const found = ids.map((id, at) => ({ tag, id, fields: fields[at]! }));
      const gone = found.filter(({ fields }) => fields.size === 0);
      gone.forEach(({ id }) => this.#forget(copy, id));
      if (news.length === 0 && gone.length === 0) return found;
      copy.reading = copy.reading.catch(() => undefined).then(() => this.#read(tag, query.fp, copy, news));
      await copy.reading;
    }
  }

  /** Members written since the copy was made, with the moments of their writing. */
  async #newer(tag: string, fp: string, copy: Copy): Promise<{ id: string; version: string }[]> {
    const key = this.#parts.layout.members(tag, fp);
    const reply = (await this.#parts.connection.send(key, ['ZRANGEBYSCORE', key, copy.version, '+inf', 'WITHSCORES'])) as Buffer[];
    const news: { id: string; version: string }[] = [];
    for (let at = 0; at + 1 < reply.length; at += 2) {
      const id = String(reply[at]);
      const version = String(reply[at + 1]);
      if (copy.rows.get(id)?.version !== version) news.push({ id, version });
    }
    return news;
  }

  async #read(tag: string, fp: string, copy: Copy, told: { id: string; version: string }[]): Promise<void> {
    const { connection, layout } = this.#parts;
    const news = told.filter(({ id, version }) => copy.rows.get(id)?.version !== version);
    for (let at = 0; at < news.length; at += loadPage) {
      const page = news.slice(at, at + loadPage);
      const blobs = await Promise.all(
        page.map(({ id }) => connection.send(layout.entry(tag, id), ['HGET', layout.entry(tag, id), vectorField(fp)])),
      );
      page.forEach(({ id, version }, item) => {
        this.#forget(copy, id);
        const blob = blobs[item] as Buffer | null;
        if (blob !== null) this.#remember(copy, id, version, vectorFromBytes(blob));
        else copy.rows.set(id, { row: 0, version });
        copy.version = version;
      });
    }
    this.#shrink(copy);
  }

  #remember(copy: Copy, id: string, version: string, vector: Float32Array): void {
    copy.space ??= new VectorSpace(vector.length);
    if (vector.length !== copy.space.dimensions) return;
    copy.lastRow += 1;
    copy.space.add({ row: copy.lastRow, expiresAt: Infinity, vector });
    copy.rows.set(id, { row: copy.lastRow, version });
    copy.byRow.set(copy.lastRow, { id, vector });
    this.#vectors += 1;
  }

  #forget(copy: Copy, id: string): void {
    const known = copy.rows.get(id);
    if (known === undefined || !copy.byRow.delete(known.row)) return;
    copy.space?.remove(known.row);
    this.#vectors -= 1;
  }

  /** Copies of scopes that were not searched for longest go; of a scope that is itself too large, the oldest vectors. */
  #shrink(current: Copy): void {
    for (const [key, copy] of this.#copies) {
      if (this.#vectors <= this.#maxVectors) return;
      if (copy === current) continue;
      this.#copies.delete(key);
      this.#vectors -= copy.byRow.size;
    }
    for (const { id } of current.byRow.values()) {
      if (this.#vectors <= this.#maxVectors) return;
      this.#forget(current, id);
    }
  }

  #copyOf(tag: string, fp: string): Copy {
    const key = `${tag}:${fp}`;
    const copy = this.#copies.get(key) ?? { space: null, version: '0', lastRow: 0, rows: new Map(), byRow: new Map(), reading: Promise.resolve() };
    this.#copies.delete(key);
    this.#copies.set(key, copy);
    return copy;
  }

  async #fields(tag: string, id: string, names: readonly string[]): Promise<Map<string, Buffer>> {
    const key = this.#parts.layout.entry(tag, id);
    return fieldsNamed(names, await this.#parts.connection.send(key, ['HMGET', key, ...names]));
  }
}

function nearestIds(copy: Copy, { vector, count }: LevelQuery): string[] {
  if (copy.space === null || copy.byRow.size === 0) return [];
  checkLength(vector.length, copy.space.dimensions);
  const found = copy.space.nearest(vector, count, 0, row => copy.byRow.get(row)?.vector ?? null);
  return found.map(({ row }) => copy.byRow.get(row)!.id);
}
