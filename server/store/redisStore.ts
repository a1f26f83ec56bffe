// Entries in Redis, shared by all who use it under the same namespace.
// Owns: the order of steps for each verb, and which namespaces are read and written.
// Does not know: how an entry lies in Redis (redisEntries.ts); how vectors are found (the levels); what to do when Redis
// fails (redisResilience.ts).
// Always true: an exact hit takes one round trip and a look-up by meaning one more; expiry is Redis's own EXPIRE, and
// compared once more when an entry is read; no command on these ways grows with the number of entries.

import type { Candidate, Entry, EntryFacts, EntryFilter, EntrySummary, FoundEntry, Ruling } from '../protocol/entry.ts';
import type { Counts, SavedTokens } from '../protocol/stats.ts';
import type { RedisConnection } from './redisConnection.ts';
import { RedisCounts } from './redisCounts.ts';
import { RedisEntries } from './redisEntries.ts';
import { checkedNamespace, foundFromHash, RedisLayout, tagOf, vectorFromHash } from './redisLayout.ts';
import { levelWords, type FoundHash, type RedisLevel } from './redisLevel.ts';
import { RedisRegistry, type Located } from './redisRegistry.ts';
import { RedisRulings } from './redisRulings.ts';
import { RedisSweep } from './redisSweep.ts';
import { namespaceFor, type RedisNamespaces } from './redisSharing.ts';
import type { CountsDelta, HitFacts, ListQuery, NearestQuery, Store, StoreOptions } from './store.ts';
import { fits, folded, isEverything, searchWords, summaryOf } from './summary.ts';
import { cosineDistance } from './vectors.ts';

export interface RedisStoreParts {
  connection: RedisConnection;
  layout: RedisLayout;
  level: RedisLevel;
  namespaces: RedisNamespaces;
}

/** Ids of which the scope is remembered, so that counting a hit needs no question first. */
const rememberedScopes = 10_000;
const readPage = 50;
/** Entries of one instruction and namespace that are read, to find the newest: of more, some are not seen. */
const readOfInstruction = 100;
/** Entries of which the size is measured, to estimate that of all. */
const sizeSamples = 12;

export class RedisStore implements Store {
  readonly kind = 'redis';

  readonly #connection: RedisConnection;
  readonly #level: RedisLevel;
  readonly #namespaces: RedisNamespaces;
  readonly #now: () => number;
  #maxEntries: number;
  /** The user's own first, then the team's. */
  readonly #registries: RedisRegistry[];
  readonly #entries: RedisEntries;
  readonly #rulings: RedisRulings;
  readonly #counts: RedisCounts;
  readonly #sweep: RedisSweep;
  readonly #tags = new Map<string, { tag: string; registry: RedisRegistry }>();

  constructor(parts: RedisStoreParts, options: StoreOptions) {
    this.#connection = parts.connection;
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
    this.#entries = new RedisEntries(parts);
    this.#sweep = new RedisSweep({ ...parts, registries: this.#registries, entries: this.#entries });
  }

  get description(): string {
    return `Redis (${levelWords[this.#level.name]}), ${this.#connection.address}`;
  }

  async get(id: string, scope?: string): Promise<Entry | null> {
    const found = await Promise.all(this.#registries.map(registry => this.#getIn(registry, id, scope)));
    return found.find(entry => entry !== null) ?? null;
  }

  async nearest(query: NearestQuery): Promise<Candidate[]> {
    const fp = this.#entries.fpOf(query.fingerprint);
    const registries = new Map(this.#registries.map(registry => [tagOf(registry.namespace, query.scope), registry]));
    const telling = this.#rulings.told();
    telling.catch(() => undefined);
    for (let count = query.k; ; count *= 4) {
      const found = await this.#level.nearest({ tags: [...registries.keys()], fp, vector: query.vector, count });
      const live = this.#liveOf(await this.#confirmed(found, registries, fp), registries, query, fp);
      // Of those found some were over; the places they took may belong to others.
      if (live.length < query.k && live.length < found.length && found.length >= count && count < 1000) continue;
      const { apart } = await telling;
      return live
        .sort((a, b) => a.distance - b.distance)
        .slice(0, query.k)
        .map(({ entry, distance }) => {
          const disputes = [...(apart.get(entry.instructionKey) ?? [])];
          return { entry, distance, tombstoned: disputes.includes(query.instructionKey), disputes };
        });
    }
  }

  async withInstruction(instructionKey: string, limit: number): Promise<EntryFacts[]> {
    const now = this.#now();
    const located = await Promise.all(this.#registries.map(registry => registry.withInstruction(instructionKey, readOfInstruction)));
    const found = await Promise.all(located.flat().map(one => this.#entries.facts(one)));
    return found
      .filter(facts => facts !== null)
      .filter(facts => facts.instructionKey === instructionKey && facts.expiresAt > now)
      .sort((a, b) => b.updatedAt - a.updatedAt)
      .slice(0, limit);
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
    const now = this.#now();
    await Promise.all([this.#entries.countHit({ id, tag: known.tag }, { at, now }), known.registry.use(id, now)]);
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

  async aliasesOf(instructionKey: string): Promise<string[]> {
    const { alike } = await this.#rulings.told();
    return [...(alike.get(instructionKey) ?? [])];
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
    const sizes = await Promise.all(samples.map(one => this.#entries.sizeOf(one)));
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
    const fp = await this.#entries.prepare(entry);
    const { storedBy } = this.#namespaces;
    const namespace = namespaceFor(entry, this.#namespaces);
    const registry = this.#registries.find(one => one.namespace === namespace)!;
    const located = { id: entry.id, tag: tagOf(namespace, entry.scope) };
    const now = this.#now();
    const bound = registry === this.#registries[0] ? this.#maxEntries : Number.MAX_SAFE_INTEGER;

    const signed = storedBy === undefined || entry.storedBy !== undefined ? entry : { ...entry, storedBy };
    const [entered, written] = await Promise.allSettled([
      registry.enter(located, { instructionKey: entry.instructionKey, updatedAt: entry.updatedAt, expiresAt: entry.expiresAt, bound, now }),
      this.#entries.write(signed, fp, { tag: located.tag, namespace, writer: this.#writer, now, ifNewer }),
    ]);
    if (written.status === 'rejected') {
      await registry.leave([entry.id]).catch(() => undefined);
      throw written.reason;
    }
    if (entered.status === 'rejected') throw entered.reason;
    this.#remember(entry.id, located.tag, registry);
    for (const one of entered.value) await this.#remove(one);
    this.#sweep.step(located.tag, fp);
  }

  /** Whose entries `clear()` removes from a team's namespace. */
  get #writer(): string {
    return tagOf(this.#namespaces.own, 'writer');
  }

  async #getIn(registry: RedisRegistry, id: string, scope: string | undefined): Promise<Entry | null> {
    const tag = scope === undefined ? await registry.tagOf(id) : tagOf(registry.namespace, scope);
    if (tag === null) return null;
    const entry = await this.#entries.read({ id, tag });
    if (entry === null || entry.expiresAt <= this.#now()) return null;
    this.#remember(id, tag, registry);
    return entry;
  }

  /**
   * A search can name an entry that Redis expired or evicted: what is left of it is removed. Asked for by its own key
   * first, since a Cluster that moves its slot has it on either master.
   */
  async #confirmed(found: FoundHash[], registries: Map<string, RedisRegistry>, fp: string): Promise<FoundHash[]> {
    if (found.every(({ fields }) => fields.size > 0)) return found;
    return Promise.all(
      found.map(async one => {
        if (one.fields.size > 0) return one;
        const fields = await this.#entries.found(one, fp);
        if (fields.size === 0) {
          const gone = [this.#remove(one), registries.get(one.tag)?.leave([one.id])];
          void Promise.all(gone).catch(() => undefined);
        }
        return { ...one, fields };
      }),
    );
  }

  /** Those of a search that are entries of this scope and fingerprint, and live, with their true distances. */
  #liveOf(found: FoundHash[], registries: Map<string, RedisRegistry>, query: NearestQuery, fp: string): { entry: FoundEntry; distance: number }[] {
    const now = this.#now();
    const live: { entry: FoundEntry; distance: number }[] = [];
    for (const { tag, id, fields } of found) {
      const entry = foundFromHash(fields);
      const vector = vectorFromHash(fields, fp);
      const registry = registries.get(tag);
      if (entry === null || registry === undefined || vector === null || entry.expiresAt <= now) continue;
      if (entry.scope !== query.scope || entry.fingerprint !== query.fingerprint) continue;
      this.#remember(id, tag, registry);
      live.push({ entry, distance: cosineDistance(query.vector, vector) });
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

  /** Live entries of these places; ids that are gone leave the lists. */
  async #read(registry: RedisRegistry, places: Located[]): Promise<Entry[]> {
    const now = this.#now();
    const found: Entry[] = [];
    const gone: string[] = [];
    for (let at = 0; at < places.length; at += readPage) {
      const page = places.slice(at, at + readPage);
      const entries = await Promise.all(page.map(one => this.#entries.read(one)));
      entries.forEach((entry, item) => {
        if (entry === null) gone.push(page[item]!.id);
        else if (entry.expiresAt > now) found.push(entry);
      });
    }
    if (gone.length > 0) await registry.leave(gone).catch(() => undefined);
    return found;
  }

  async #clearPage(registry: RedisRegistry, page: Located[], filter: EntryFilter, onlyMine: boolean): Promise<number> {
    const facts = await Promise.all(page.map(one => this.#entries.fields(one, ['meta', 'expires', 'by'])));
    const now = this.#now();
    const going: Located[] = [];
    let live = 0;
    facts.forEach((fact, at) => {
      const meta = fact.get('meta');
      if (meta === undefined) {
        going.push(page[at]!);
        return;
      }
      if (!fits(JSON.parse(String(meta)) as Entry, filter) || (onlyMine && String(fact.get('by')) !== this.#writer)) return;
      going.push(page[at]!);
      if (Number(fact.get('expires')) > now) live += 1;
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
    await Promise.all(places.map(one => this.#remove(one)));
    await registry.leave(places.map(({ id }) => id));
  }

  async #remove(located: Located): Promise<void> {
    this.#tags.delete(located.id);
    await this.#entries.remove(located);
  }
}
