// Entries in Redis, shared by all who use it under the same namespace.
// Owns: the order of commands for each verb, and which namespaces are read and written.
// Does not know: how vectors are found (the levels); what to do when Redis fails (redisResilience.ts).
// Always true: an exact hit takes one round trip and a look-up by meaning one more; expiry is Redis's own EXPIRE, and
// compared once more when an entry is read; no command on these ways grows with the number of entries.

import type { Candidate, Entry, EntryFacts, EntryFilter, EntrySummary, Ruling } from '../protocol/entry.ts';
import { messageOf, SemcacheError } from '../protocol/errors.ts';
import type { Counts, SavedTokens } from '../protocol/stats.ts';
import type { RedisConnection, Reply, Word } from './redisConnection.ts';
import { RedisCounts } from './redisCounts.ts';
import {
  checkedNamespace, entryFromHash, fieldsOf, fingerprintTag, jsonOf, RedisLayout, tagOf, vectorBlob,
} from './redisLayout.ts';
import { factsOfInstruction } from './redisInstructions.ts';
import { levelWords, type FoundHash, type RedisLevel } from './redisLevel.ts';
import { RedisRegistry, type Located } from './redisRegistry.ts';
import { RedisRulings } from './redisRulings.ts';
import { hitScript, putScript, removeScript } from './redisScripts.ts';
import { RedisSweep } from './redisSweep.ts';
import { namespaceFor, type RedisNamespaces } from './redisSharing.ts';
import type { CountsDelta, HitFacts, ListQuery, NearestQuery, Store, StoreOptions } from './store.ts';
import { fits, folded, isEverything, searchWords, summaryOf } from './summary.ts';
import { checkLength, cosineDistance } from './vectors.ts';

export interface RedisStoreParts {
  connection: RedisConnection;
  layout: RedisLayout;
  level: RedisLevel;
  namespaces: RedisNamespaces;
}

/** Ids of which the scope is remembered, so that counting a hit needs no question first. */
const rememberedScopes = 10_000;
const readPage = 50;
/** Entries of which the size is measured, to estimate that of all. */
const sizeSamples = 12;

export class RedisStore implements Store {
  readonly kind = 'redis';

  readonly #connection: RedisConnection;
  readonly #layout: RedisLayout;
  readonly #level: RedisLevel;
  readonly #namespaces: RedisNamespaces;
  readonly #now: () => number;
  #maxEntries: number;
  /** The user's own first, then the team's. */
  readonly #registries: RedisRegistry[];
  readonly #rulings: RedisRulings;
  readonly #counts: RedisCounts;
  readonly #sweep: RedisSweep;
  readonly #tags = new Map<string, { tag: string; registry: RedisRegistry }>();
  /** Fingerprints that were met: where to look for what is left of an entry that has gone. */
  readonly #fps = new Set<string>();

  constructor(parts: RedisStoreParts, options: StoreOptions) {
    this.#connection = parts.connection;
    this.#layout = parts.layout;
    this.#level = parts.level;
    this.#namespaces = parts.namespaces;
    this.#now = options.now;
    this.#maxEntries = options.maxEntries;
    const { own, team } = parts.namespaces;
    this.#registries = [own, ...(team === undefined ? [] : [team.name])].map(
      name => new RedisRegistry(checkedNamespace(name), parts.connection, parts.layout),
    );
    this.#rulings = new RedisRulings(own, parts.connection, parts.layout);
    this.#counts = new RedisCounts(own, parts.connection, parts.layout, options.now);
    this.#sweep = new RedisSweep({ ...parts, registries: this.#registries, fps: this.#fps });
  }

  get description(): string {
    return `Redis (${levelWords[this.#level.name]}), ${this.#connection.address}`;
  }

  async get(id: string, scope?: string): Promise<Entry | null> {
    const found = await Promise.all(this.#registries.map(registry => this.#getIn(registry, id, scope)));
    return found.find(entry => entry !== null) ?? null;
  }

  async nearest(query: NearestQuery): Promise<Candidate[]> {
    const fp = this.#fpOf(query.fingerprint);
    const registries = new Map(this.#registries.map(registry => [tagOf(registry.namespace, query.scope), registry]));
    const hasDisputes = this.#rulings.hasDisputes();
    hasDisputes.catch(() => undefined);
    for (let count = query.k; ; count *= 4) {
      const found = await this.#level.nearest({ tags: [...registries.keys()], fp, vector: query.vector, count });
      const entries = this.#liveOf(await this.#confirmed(found, registries), registries, query);
      // Of those found some were over; the places they took may belong to others.
      if (entries.length < query.k && entries.length < found.length && found.length >= count && count < 1000) continue;
      const candidates = entries
        .map(entry => ({ entry, distance: cosineDistance(query.vector, entry.vector!) }))
        .sort((a, b) => a.distance - b.distance)
        .slice(0, query.k);
      const disputed = await hasDisputes;
      return Promise.all(
        candidates.map(async candidate => {
          const disputes = disputed ? await this.#rulings.disputesOf(candidate.entry.instructionKey) : [];
          return { ...candidate, tombstoned: disputes.includes(query.instructionKey), disputes };
        }),
      );
    }
  }

  withInstruction(instructionKey: string, limit: number): Promise<EntryFacts[]> {
    return factsOfInstruction(this.#registries, this.#connection, this.#layout, { instructionKey, limit, now: this.#now() });
  }

  async put(entry: Entry): Promise<void> {
    await this.#put(entry, false);
  }

  /** As put(), unless Redis has the same entry with an update as new: how waiting answers are delivered. */
  async putIfNewer(entry: Entry): Promise<void> {
    await this.#put(entry, true);
  }

  async recordHit(id: string, { at }: HitFacts): Promise<void> {
    const known = await this.#find(id);
    if (known === null) return;
    await Promise.all([
      this.#connection.run(hitScript, [this.#layout.entry(known.tag, id), this.#layout.use(known.tag, id)], [String(at), String(this.#now())]),
      known.registry.use(id, this.#now()),
    ]);
  }

  async clear(filter: EntryFilter): Promise<number> {
    let removed = 0;
    for (const registry of this.#registries) {
      const isTeam = registry !== this.#registries[0];
      if (filter.ids !== undefined) {
        removed += await this.#clearPage(registry, await registry.locate(filter.ids), filter, false);
        continue;
      }
      for await (const page of registry.all()) removed += await this.#clearPage(registry, page, filter, isTeam);
    }
    if (isEverything(filter)) await this.#rulings.clear();
    return removed;
  }

  async list({ filter, search, offset, limit }: ListQuery): Promise<{ total: number; entries: EntrySummary[] }> {
    await this.#removeDue();
    const words = searchWords(search);
    if (Object.keys(filter).length === 0 && words.length === 0 && this.#registries.length === 1) {
      const [registry] = this.#registries as [RedisRegistry];
      const entries = await this.#read(registry, await registry.newest(offset, limit));
      return { total: await registry.liveCount(this.#now()), entries: entries.map(summaryOf) };
    }
    const found: Entry[] = [];
    for await (const entry of this.entries()) {
      if (!fits(entry, filter) || !words.every(word => folded(entry.instruction).includes(word))) continue;
      found.push({ ...entry, vector: null });
    }
    found.sort((a, b) => b.updatedAt - a.updatedAt);
    return { total: found.length, entries: found.slice(offset, offset + limit).map(summaryOf) };
  }

  async *entries(): AsyncIterable<Entry> {
    for (const registry of this.#registries) {
      const seen = new Set<string>();
      for await (const page of registry.all()) {
        const unseen = page.filter(({ id }) => !seen.has(id));
        for (const { id } of unseen) seen.add(id);
        yield* await this.#read(registry, unseen);
      }
    }
  }

  addRuling(ruling: Ruling): Promise<void> {
    return this.#rulings.add(ruling);
  }

  rulings(): Promise<Ruling[]> {
    return this.#rulings.all();
  }

  aliasesOf(instructionKey: string): Promise<string[]> {
    return this.#rulings.aliasesOf(instructionKey);
  }

  addCounts(delta: CountsDelta): Promise<void> {
    return this.#counts.add(delta);
  }

  counts(): Promise<Counts & { since: number; saved: SavedTokens[] }> {
    return this.#counts.read();
  }

  resetCounts(): Promise<void> {
    return this.#counts.reset();
  }

  /** Bytes are estimated from some entries, for Redis knows only the size of one key at a time. */
  async size(): Promise<{ entries: number; bytes: number }> {
    await this.#removeDue();
    const counts = await Promise.all(this.#registries.map(registry => registry.liveCount(this.#now())));
    const samples = (await Promise.all(this.#registries.map(registry => registry.newest(0, sizeSamples)))).flat();
    const sizes = await Promise.all(samples.map(({ id, tag }) => this.#sizeOf(this.#layout.entry(tag, id))));
    const known = sizes.filter(size => size > 0);
    const entries = counts.reduce((sum, count) => sum + count, 0);
    const mean = known.length === 0 ? 0 : known.reduce((sum, size) => sum + size, 0) / known.length;
    return { entries, bytes: Math.round(entries * mean) };
  }

  async setMaxEntries(maxEntries: number): Promise<void> {
    this.#maxEntries = maxEntries;
    await this.#removeDue();
    const [own] = this.#registries as [RedisRegistry];
    await this.#removeAll(own, await own.beyond(maxEntries));
  }

  async close(): Promise<void> {
    await this.#sweep.stop();
    this.#connection.close();
  }

  async #put(entry: Entry, ifNewer: boolean): Promise<void> {
    const fp = entry.fingerprint === null || entry.vector === null ? '' : this.#fpOf(entry.fingerprint);
    if (fp !== '') await this.#level.prepare(fp, entry.vector!.length);
    const namespace = namespaceFor(entry, this.#namespaces);
    const registry = this.#registries.find(one => one.namespace === namespace)!;
    const tag = tagOf(namespace, entry.scope);
    const located = { id: entry.id, tag };
    const now = this.#now();
    const bound = registry === this.#registries[0] ? this.#maxEntries : Number.MAX_SAFE_INTEGER;

    const [entered, written] = await Promise.allSettled([
      registry.enter(located, { instructionKey: entry.instructionKey, updatedAt: entry.updatedAt, expiresAt: entry.expiresAt, bound, now }),
      this.#connection.run(putScript, this.#putKeys(tag, entry.id, fp), this.#putValues(entry, { fp, tag, namespace, now, ifNewer })),
    ]);
    if (written.status === 'rejected') {
      await registry.leave([entry.id]).catch(() => undefined);
      throw refusedLength(written.reason, entry.vector?.length ?? 0);
    }
    if (entered.status === 'rejected') throw entered.reason;
    this.#remember(entry.id, tag, registry);
    for (const { id, tag: itsTag } of entered.value) await this.#remove(id, itsTag);
    this.#sweep.step(tag, fp);
  }

  #putKeys(tag: string, id: string, fp: string): string[] {
    const finders = fp === '' ? [] : this.#finders(tag).filter(key => key !== '').map(key => key + fp);
    return [this.#layout.entry(tag, id), this.#layout.use(tag, id), ...finders];
  }

  #putValues(
    entry: Entry,
    { fp, tag, namespace, now, ifNewer }: { fp: string; tag: string; namespace: string; now: number; ifNewer: boolean },
  ): Word[] {
    const { storedBy } = this.#namespaces;
    const { meta, generations } = jsonOf(storedBy === undefined || entry.storedBy !== undefined ? entry : { ...entry, storedBy });
    return [
      String(now), entry.id, String(entry.expiresAt), String(entry.updatedAt), String(entry.createdAt), String(entry.hits),
      entry.lastHitAt === null ? '' : String(entry.lastHitAt), meta, generations, namespace, tag, this.#writer,
      fp, fp === '' ? '' : vectorBlob(entry.vector!), String(entry.vector?.length ?? 0),
      ...this.#finders(tag), ifNewer ? '1' : '',
    ];
  }

  /** Keys of members and of the vector set, up to the fingerprint; '' for the latter where the level keeps none. */
  #finders(tag: string): [members: string, vectors: string] {
    return [this.#layout.members(tag, ''), this.#level.keepsVectorSets ? this.#layout.vectors(tag, '') : ''];
  }

  /** Whose entries `clear()` removes from a team's namespace; says nothing of the person to others. */
  get #writer(): string {
    return tagOf(this.#namespaces.own, 'writer');
  }

  async #getIn(registry: RedisRegistry, id: string, scope: string | undefined): Promise<Entry | null> {
    const tag = scope === undefined ? await registry.tagOf(id) : tagOf(registry.namespace, scope);
    if (tag === null) return null;
    const entry = entryFromHash(...(await this.#readOne(tag, id)));
    if (entry === null || entry.expiresAt <= this.#now()) return null;
    this.#remember(id, tag, registry);
    return entry;
  }

  /**
   * A search can name an entry that Redis expired or evicted: what is left of it is removed. Asked for by its own key
   * first, since a Cluster that moves its slot has it on either master.
   */
  async #confirmed(found: FoundHash[], registries: Map<string, RedisRegistry>): Promise<FoundHash[]> {
    if (found.every(({ fields }) => fields.size > 0)) return found;
    return Promise.all(
      found.map(async one => {
        if (one.fields.size > 0) return one;
        const [fields, use] = await this.#readOne(one.tag, one.id);
        if (fields.size === 0) {
          const gone = [this.#remove(one.id, one.tag), registries.get(one.tag)?.leave([one.id])];
          void Promise.all(gone).catch(() => undefined);
        }
        return { ...one, fields, use };
      }),
    );
  }

  /** Those of a search that are entries of this scope and fingerprint, and live. */
  #liveOf(found: FoundHash[], registries: Map<string, RedisRegistry>, query: NearestQuery): Entry[] {
    const now = this.#now();
    const live: Entry[] = [];
    for (const { tag, id, fields, use } of found) {
      const entry = entryFromHash(fields, use);
      const registry = registries.get(tag);
      if (entry === null || registry === undefined || entry.vector === null || entry.expiresAt <= now) continue;
      if (entry.scope !== query.scope || entry.fingerprint !== query.fingerprint) continue;
      this.#remember(id, tag, registry);
      live.push(entry);
    }
    return live;
  }

  async #find(id: string): Promise<{ tag: string; registry: RedisRegistry } | null> {
    const known = this.#tags.get(id);
    if (known !== undefined) return known;
    const tags = await Promise.all(this.#registries.map(registry => registry.tagOf(id)));
    const at = tags.findIndex(tag => tag !== null);
    return at === -1 ? null : { tag: tags[at]!, registry: this.#registries[at]! };
  }

  #remember(id: string, tag: string, registry: RedisRegistry): void {
    this.#tags.delete(id);
    this.#tags.set(id, { tag, registry });
    if (this.#tags.size > rememberedScopes) this.#tags.delete(this.#tags.keys().next().value!);
  }

  #fpOf(fingerprint: string): string {
    const fp = fingerprintTag(fingerprint);
    this.#fps.add(fp);
    return fp;
  }

  /** Live entries of these places; ids that are gone leave the lists. */
  async #read(registry: RedisRegistry, places: Located[]): Promise<Entry[]> {
    const now = this.#now();
    const found: Entry[] = [];
    const gone: string[] = [];
    for (let at = 0; at < places.length; at += readPage) {
      const page = places.slice(at, at + readPage);
      const hashes = await Promise.all(page.map(({ id, tag }) => this.#readOne(tag, id)));
      hashes.forEach((hash, item) => {
        const entry = entryFromHash(...hash);
        if (entry === null) gone.push(page[item]!.id);
        else if (entry.expiresAt > now) found.push(entry);
      });
    }
    if (gone.length > 0) await registry.leave(gone).catch(() => undefined);
    return found;
  }

  /** An entry's hash and its use, in one round trip; empty where it is not there. */
  async #readOne(tag: string, id: string): Promise<[fields: Map<string, Buffer>, use: Reply]> {
    const [key, use] = [this.#layout.entry(tag, id), this.#layout.use(tag, id)];
    const [hash, uses] = await Promise.all([
      this.#connection.send(key, ['HGETALL', key]),
      this.#connection.send(use, ['HMGET', use, 'hits', 'lastHit']),
    ]);
    return [fieldsOf(hash), uses];
  }

  async #clearPage(registry: RedisRegistry, page: Located[], filter: EntryFilter, onlyMine: boolean): Promise<number> {
    const keys = page.map(({ id, tag }) => this.#layout.entry(tag, id));
    const facts = await Promise.all(keys.map(key => this.#connection.send(key, ['HMGET', key, 'meta', 'expires', 'by'])));
    const now = this.#now();
    const going: Located[] = [];
    let live = 0;
    facts.forEach((fact, at) => {
      const [meta, expires, by] = fact as (Buffer | null)[];
      if (meta === null || meta === undefined) {
        going.push(page[at]!);
        return;
      }
      if (!fits(JSON.parse(String(meta)) as Entry, filter) || (onlyMine && String(by) !== this.#writer)) return;
      going.push(page[at]!);
      if (Number(expires) > now) live += 1;
    });
    await this.#removeAll(registry, going);
    return live;
  }

  async #removeDue(): Promise<void> {
    for (const registry of this.#registries) {
      for (let due = await registry.due(this.#now()); due.length > 0; due = await registry.due(this.#now())) await this.#removeAll(registry, due);
    }
  }

  async #removeAll(registry: RedisRegistry, places: Located[]): Promise<void> {
    await Promise.all(places.map(({ id, tag }) => this.#remove(id, tag)));
    await registry.leave(places.map(({ id }) => id));
  }

  async #remove(id: string, tag: string): Promise<void> {
    this.#tags.delete(id);
    await this.#connection.run(removeScript, [this.#layout.entry(tag, id), this.#layout.use(tag, id)], [id, ...this.#finders(tag), ...this.#fps]);
  }

  async #sizeOf(key: string): Promise<number> {
    try {
      return Number((await this.#connection.send(key, ['MEMORY', 'USAGE', key, 'SAMPLES', '0'])) ?? 0);
    } catch {
      return 0;
    }
  }
}

/** @returns vector-length-mismatch where the script or the vector set said so, else the error as it was */
function refusedLength(error: unknown, length: number): unknown {
  const wanted = /SEMCACHE-LENGTH (\d+)/.exec(messageOf(error))?.[1];
  if (wanted === undefined) return error;
  try {
    checkLength(length, Number(wanted));
    return error;
  } catch (mismatch) {
    return mismatch instanceof SemcacheError ? mismatch : error;
  }
}
