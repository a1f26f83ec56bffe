// The store in Redis as prompts may rely on it: never slow, never failing, and nothing lost while Redis is away.
// Owns: the time a look-up may take, and keeping and delivering what Redis could not be given.
// Does not know: commands, levels; when Redis counts as away (redisPresence.ts).
// Always true: a look-up ends within its budget, or twice that where it follows an alias, with a result or with
// store-unreachable (which becomes a bypass); an answer that put() took is in Redis or in the spool, and delivering it
// twice stores it once.

import type { Candidate, Entry, EntryFacts, EntryFilter, EntrySummary, Ruling } from '../protocol/entry.ts';
import { SemcacheError } from '../protocol/errors.ts';
import type { Counts, SavedTokens } from '../protocol/stats.ts';
import { noCounts } from './noCounts.ts';
import { LookupBudget } from './lookupBudget.ts';
import type { OpenedRedisStore } from './openRedisStore.ts';
import { isWriteRefusal, redisError } from './redisErrors.ts';
import { RedisPresence, type PresenceOptions } from './redisPresence.ts';
import type { RedisSpool } from './redisSpool.ts';
import type { RedisStore } from './redisStore.ts';
import type { CountsDelta, HitFacts, ListQuery, NearestQuery, Store } from './store.ts';
import { within } from './within.ts';

export interface ResilienceOptions extends PresenceOptions {
  spool: RedisSpool;
  now: () => number;
}

/** A write that takes longer waits in the spool. */
const writeDeadlineMs = 1000;
/** What a person asked for (a list, clear) may take. */
const patientDeadlineMs = 30_000;
const deliveryPage = 100;

export class ResilientRedisStore implements Store {
  readonly kind = 'redis';

  readonly #options: ResilienceOptions;
  readonly #spool: RedisSpool;
  readonly #presence: RedisPresence;
  #delivery: Promise<void> | null = null;
  readonly #writing = new Set<Promise<void>>();
  /** False once it is known that nothing waits. */
  #mayWait = true;
  #isClosed = false;
  #maxEntries: number | null = null;
  readonly #budget: LookupBudget;
  #lastCounts: Counts & { since: number; saved: SavedTokens[] };
  #lastSize = { entries: 0, bytes: 0 };

  /** Begins to connect at once; prompts bypass the cache until that is done. */
  constructor(options: ResilienceOptions) {
    this.#options = options;
    this.#spool = options.spool;
    this.#budget = new LookupBudget(options.budgetMs);
    this.#lastCounts = { ...noCounts(), since: options.now(), saved: [] };
    this.#presence = new RedisPresence({ ...options, open: () => this.#open() }, opened => this.#deliver(opened));
  }

  get description(): string {
    return this.#presence.opened?.store.description ?? `Redis, ${this.#options.address}`;
  }

  /** What is wrong now and what to do; null when all is well. */
  get problem(): string | null {
    const { problem } = this.#presence;
    if (problem === null) return null;
    const waiting = this.#isClosed ? 0 : this.#spool.answers;
    return waiting === 0 ? problem.message : `${problem.message} ${waiting} ${waiting === 1 ? 'answer waits' : 'answers wait'} to be delivered.`;
  }

  onProblem(listener: () => void): void {
    this.#presence.onProblem(listener);
  }

  /** Resolves when the first try to connect is over. @throws SemcacheError store-unreachable where it failed */
  async ready(): Promise<void> {
    await this.#presence.ready();
  }

  async get(id: string, scope?: string): Promise<Entry | null> {
    const begun = performance.now();
    try {
      return await this.#ask(store => store.get(id, scope), this.#options.budgetMs);
    } finally {
      if (scope !== undefined) this.#budget.spend(scope, performance.now() - begun);
    }
  }

  async nearest(query: NearestQuery): Promise<Candidate[]> {
    return this.#ask(store => store.nearest(query), this.#budget.takeLeft(query.scope));
  }

  withInstruction(instructionKey: string, limit: number): Promise<EntryFacts[]> {
    return this.#askBeside(store => store.withInstruction(instructionKey, limit));
  }

  async put(entry: Entry): Promise<void> {
    await this.#write(store => store.put(entry), () => this.#spool.add(entry));
  }

  async recordHit(id: string, facts: HitFacts): Promise<void> {
    await this.#write(store => store.recordHit(id, facts), () => undefined);
  }

  async clear(filter: EntryFilter): Promise<number> {
    await this.#delivered();
    const removed = await this.#patiently(store => store.clear(filter));
    return removed + this.#spool.clear(filter);
  }

  list(query: ListQuery): Promise<{ total: number; entries: EntrySummary[] }> {
    return this.#patiently(store => store.list(query));
  }

  async *entries(): AsyncIterable<Entry> {
    const opened = await this.#afterFirstTry();
    try {
      yield* opened.store.entries();
    } catch (error) {
      throw this.#presence.failed(error, opened);
    }
  }

  async addRuling(ruling: Ruling): Promise<void> {
    await this.#write(store => store.addRuling(ruling), () => this.#spool.addRuling(ruling));
  }

  async rulings(): Promise<Ruling[]> {
    // What waits is read first: what is delivered meanwhile is then in both, not in neither.
    const waiting = this.#spool.rulings();
    return latestOfEach([...(await this.#patiently(store => store.rulings())), ...waiting]);
  }

  aliasesOf(instructionKey: string): Promise<string[]> {
    return this.#askBeside(store => store.aliasesOf(instructionKey));
  }

  async addCounts(delta: CountsDelta): Promise<void> {
    await this.#write(store => store.addCounts(delta), () => this.#spool.addCounts(delta));
  }

  /** As far as they are known while Redis is away. */
  async counts(): Promise<Counts & { since: number; saved: SavedTokens[] }> {
    this.#lastCounts = await this.#patiently(store => store.counts()).catch(() => this.#lastCounts);
    return this.#lastCounts;
  }

  async resetCounts(): Promise<void> {
    await this.#delivered();
    this.#spool.takeCounts();
    await this.#patiently(store => store.resetCounts());
  }

  /** As far as it is known while Redis is away. */
  async size(): Promise<{ entries: number; bytes: number }> {
    this.#lastSize = await this.#patiently(store => store.size()).catch(() => this.#lastSize);
    return this.#lastSize;
  }

  async setMaxEntries(maxEntries: number): Promise<void> {
    this.#maxEntries = maxEntries;
    await this.#presence.opened?.store.setMaxEntries(maxEntries);
  }

  /** Delivers what waits, as far as Redis is there, and lets go of both. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#presence.stop();
    await Promise.allSettled(this.#writing);
    await this.#delivery;
    await this.#presence.release();
    this.#spool.close();
  }

  async #ask<T>(question: (store: RedisStore) => Promise<T>, budgetMs: number): Promise<T> {
    const opened = this.#presence.forLookup();
    try {
      const answer = await within(budgetMs, question(opened.store));
      this.#presence.answered();
      return answer;
    } catch (error) {
      throw this.#presence.failed(error, opened);
    }
  }

  /** As #ask(), for what is asked beside a step of a look-up: that step tells how Redis fares. */
  async #askBeside<T>(question: (store: RedisStore) => Promise<T>): Promise<T> {
    const { store } = this.#presence.forLookup();
    try {
      return await within(this.#options.budgetMs, question(store));
    } catch (error) {
      throw redisError(error, this.#options.address);
    }
  }

  /** Writes, or keeps for later. Resolves when it is in one of the two. @throws what is wrong with the entry itself */
  #write(write: (store: RedisStore) => Promise<void>, keep: () => void): Promise<void> {
    const writing = this.#writeOrKeep(write, keep);
    this.#writing.add(writing);
    const forget = (): unknown => this.#writing.delete(writing);
    writing.then(forget, forget);
    return writing;
  }

  async #writeOrKeep(write: (store: RedisStore) => Promise<void>, keep: () => void): Promise<void> {
    const opened = await this.#presence.afterFirstTry();
    if (opened === null) {
      this.#keep(keep);
      return;
    }
    try {
      await within(writeDeadlineMs, write(opened.store));
      if (this.#mayWait) this.#deliver(opened);
    } catch (error) {
      if (error instanceof SemcacheError && error.code !== 'store-unreachable') throw error;
      this.#keep(keep);
      this.#refused(error, opened);
    }
  }

  #keep(keep: () => void): void {
    keep();
    this.#mayWait = true;
  }

  async #patiently<T>(work: (store: RedisStore) => Promise<T>): Promise<T> {
    const opened = await this.#afterFirstTry();
    try {
      return await within(patientDeadlineMs, work(opened.store));
    } catch (error) {
      throw isWriteRefusal(error) ? redisError(error, this.#options.address) : this.#presence.failed(error, opened);
    }
  }

  /** @throws SemcacheError store-unreachable while Redis is away */
  async #afterFirstTry(): Promise<OpenedRedisStore> {
    const opened = await this.#presence.afterFirstTry();
    if (opened === null) throw this.#presence.away();
    return opened;
  }

  /** A write did not get there. */
  #refused(error: unknown, opened: OpenedRedisStore): void {
    if (isWriteRefusal(error)) this.#presence.cannotWrite(error);
    else this.#presence.failed(error, opened);
    this.#presence.retrySoon();
  }

  async #open(): Promise<OpenedRedisStore> {
    const opened = await this.#options.open();
    if (this.#maxEntries !== null) opened.store.setMaxEntries(this.#maxEntries).catch(() => undefined);
    return opened;
  }

  #deliver(opened: OpenedRedisStore): void {
    if (this.#delivery !== null || this.#isClosed) return;
    this.#delivery = this.#deliverAll(opened.store)
      .then(() => this.#presence.canWrite())
      .catch((error: unknown) => {
        this.#mayWait = true;
        this.#refused(error, opened);
      })
      .finally(() => {
        this.#delivery = null;
      });
  }

  /** Resolves when no delivery is under way: what it still holds would come after it was removed. */
  async #delivered(): Promise<void> {
    await this.#presence.afterFirstTry();
    await this.#delivery;
  }

  async #deliverAll(store: RedisStore): Promise<void> {
    this.#mayWait = false;
    for (;;) {
      const page = this.#spool.waiting(this.#options.now(), deliveryPage);
      for (const entry of page) {
        await within(writeDeadlineMs, store.putIfNewer(entry)).catch((error: unknown) => {
          // What Redis refuses for good (vectors of another model under this fingerprint) would wait for ever.
          if (!(error instanceof SemcacheError) || error.code === 'store-unreachable') throw error;
        });
        this.#spool.delivered(entry);
      }
      if (page.length < deliveryPage) break;
    }
    for (const ruling of this.#spool.rulings()) {
      await within(writeDeadlineMs, store.addRuling(ruling));
      this.#spool.rulingDelivered(ruling);
    }
    const counts = this.#spool.takeCounts();
    while (counts.length > 0) {
      try {
        await within(writeDeadlineMs, store.addCounts(counts[0]!));
        counts.shift();
      } catch (error) {
        counts.forEach(delta => this.#spool.addCounts(delta));
        throw error;
      }
    }
  }
}

/** Of each pair the later ruling. */
function latestOfEach(rulings: readonly Ruling[]): Ruling[] {
  const latest = new Map<string, Ruling>();
  for (const ruling of rulings) {
    const pair = JSON.stringify([ruling.a, ruling.b]);
    const earlier = latest.get(pair);
    if (earlier === undefined || earlier.createdAt <= ruling.createdAt) latest.set(pair, ruling);
  }
  return [...latest.values()];
}
