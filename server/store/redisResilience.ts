// The store in Redis as prompts may rely on it: never slow, never failing, and nothing lost while Redis is away.
// Owns: the time a look-up may take, when Redis counts as away, trying again, and delivering what waited.
// Does not know: commands, levels.
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
import type { RedisSpool } from './redisSpool.ts';
import type { RedisStore } from './redisStore.ts';
import type { CountsDelta, HitFacts, ListQuery, NearestQuery, Store } from './store.ts';
import { within } from './within.ts';

export interface ResilienceOptions {
  /** Connects and finds the level. @throws SemcacheError store-unreachable */
  open: () => Promise<OpenedRedisStore>;
  spool: RedisSpool;
  /** Where Redis is, without secrets. */
  address: string;
  now: () => number;
  /** For both steps of one look-up together. */
  budgetMs: number;
}

/** A write that takes longer waits in the spool. */
const writeDeadlineMs = 1000;
/** What a person asked for (a list, clear) may take. */
const patientDeadlineMs = 30_000;
/** Look-ups in a row that failed before Redis counts as away. A lost connection counts at once. */
const failuresUntilAway = 3;
/** Between tries to come back; each twice the one before. */
const firstRetryMs = 100;
const lastRetryMs = 5000;
const deliveryPage = 100;

export class ResilientRedisStore implements Store {
  readonly kind = 'redis';

  readonly #options: ResilienceOptions;
  readonly #spool: RedisSpool;
  #opened: OpenedRedisStore | null = null;
  /** False while Redis answers, but slower than the budget: it is written to, and not asked. */
  #isFast = true;
  #failures = 0;
  #problem: SemcacheError | null = null;
  #writeProblem: SemcacheError | null = null;
  #retry: NodeJS.Timeout | null = null;
  #retryMs = firstRetryMs;
  #delivery: Promise<void> | null = null;
  readonly #writing = new Set<Promise<void>>();
  /** False once it is known that nothing waits. */
  #mayWait = true;
  #isClosed = false;
  #maxEntries: number | null = null;
  readonly #budget: LookupBudget;
  readonly #listeners = new Set<() => void>();
  readonly #firstTry: Promise<void>;
  #lastCounts: Counts & { since: number; saved: SavedTokens[] };
  #lastSize = { entries: 0, bytes: 0 };

  /** Begins to connect at once; prompts bypass the cache until that is done. */
  constructor(options: ResilienceOptions) {
    this.#options = options;
    this.#spool = options.spool;
    this.#budget = new LookupBudget(options.budgetMs);
    this.#lastCounts = { ...noCounts(), since: options.now(), saved: [] };
    this.#firstTry = this.#tryToOpen();
  }

  get description(): string {
    return this.#opened === null ? `Redis, ${this.#options.address}` : this.#opened.store.description;
  }

  /** What is wrong now and what to do; null when all is well. */
  get problem(): string | null {
    const problem = this.#problem ?? this.#writeProblem;
    if (problem === null) return null;
    const waiting = this.#isClosed ? 0 : this.#spool.answers;
    return waiting === 0 ? problem.message : `${problem.message} ${waiting} ${waiting === 1 ? 'answer waits' : 'answers wait'} to be delivered.`;
  }

  onProblem(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Resolves when the first try to connect is over. @throws SemcacheError store-unreachable where it failed */
  async ready(): Promise<void> {
    await this.#firstTry;
    if (this.#problem !== null) throw this.#problem;
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
    const removed = await this.#patiently(store => store.clear(filter));
    return removed + this.#spool.clear(filter);
  }

  list(query: ListQuery): Promise<{ total: number; entries: EntrySummary[] }> {
    return this.#patiently(store => store.list(query));
  }

  async *entries(): AsyncIterable<Entry> {
    await this.#firstTry;
    if (this.#opened === null) throw this.#away();
    try {
      yield* this.#opened.store.entries();
    } catch (error) {
      throw this.#failed(error);
    }
  }

  async addRuling(ruling: Ruling): Promise<void> {
    await this.#write(store => store.addRuling(ruling), () => this.#spool.addRuling(ruling));
  }

  async rulings(): Promise<Ruling[]> {
    return this.#spool.withWaiting(await this.#patiently(store => store.rulings()));
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
    await this.#opened?.store.setMaxEntries(maxEntries);
  }

  /** Delivers what waits, as far as Redis is there, and lets go of both. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    await Promise.allSettled([this.#firstTry, ...this.#writing]);
    await this.#delivery;
    const opened = this.#opened;
    this.#opened = null;
    await opened?.store.close();
    this.#spool.close();
  }

  async #ask<T>(question: (store: RedisStore) => Promise<T>, budgetMs: number): Promise<T> {
    if (this.#opened === null || !this.#isFast) throw this.#away();
    const opened = this.#opened;
    try {
      const answer = await within(budgetMs, question(opened.store));
      this.#failures = 0;
      return answer;
    } catch (error) {
      throw this.#failed(error, opened);
    }
  }

  /** As #ask(), for what is asked beside a step of a look-up: that step tells how Redis fares. */
  async #askBeside<T>(question: (store: RedisStore) => Promise<T>): Promise<T> {
    if (this.#opened === null || !this.#isFast) throw this.#away();
    try {
      return await within(this.#options.budgetMs, question(this.#opened.store));
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
    await this.#firstTry;
    const opened = this.#opened;
    if (opened === null) {
      this.#keep(keep);
      return;
    }
    try {
      await within(writeDeadlineMs, write(opened.store));
      if (this.#mayWait) this.#deliver();
    } catch (error) {
      if (error instanceof SemcacheError && error.code !== 'store-unreachable') throw error;
      this.#keep(keep);
      if (isWriteRefusal(error)) this.#cannotWrite(error);
      else this.#failed(error, opened);
      this.#retrySoon();
    }
  }

  #keep(keep: () => void): void {
    keep();
    this.#mayWait = true;
  }

  async #patiently<T>(work: (store: RedisStore) => Promise<T>): Promise<T> {
    await this.#firstTry;
    const opened = this.#opened;
    if (opened === null) throw this.#away();
    try {
      return await within(patientDeadlineMs, work(opened.store));
    } catch (error) {
      throw isWriteRefusal(error) ? redisError(error, this.#options.address) : this.#failed(error, opened);
    }
  }

  /** The error to throw on; after some in a row, Redis counts as away. */
  #failed(error: unknown, opened: OpenedRedisStore | null = this.#opened): SemcacheError {
    const failure = redisError(error, this.#options.address);
    if (failure.code !== 'store-unreachable' || opened !== this.#opened) return failure;
    this.#failures += 1;
    if (this.#failures >= failuresUntilAway) this.#leave(failure);
    return failure;
  }

  /** Lets go of the connection and begins to try again. */
  #leave(problem: SemcacheError): void {
    const opened = this.#opened;
    this.#opened = null;
    this.#failures = 0;
    opened?.connection.close();
    this.#tell(problem);
    this.#retrySoon();
  }

  async #tryToOpen(): Promise<void> {
    let opened: OpenedRedisStore | null = null;
    try {
      opened = await this.#options.open();
      if (this.#isClosed) {
        opened.connection.close();
        return;
      }
      const problem = await this.#measured(opened);
      this.#take(opened);
      this.#judge(problem);
      this.#deliver();
    } catch (error) {
      opened?.connection.close();
      this.#tell(redisError(error, this.#options.address));
      this.#retrySoon();
    }
  }

  #take(opened: OpenedRedisStore): void {
    opened.connection.onLost(error => {
      if (this.#opened === opened) this.#leave(redisError(error, this.#options.address));
    });
    this.#opened = opened;
    this.#failures = 0;
    if (this.#maxEntries !== null) opened.store.setMaxEntries(this.#maxEntries).catch(() => undefined);
  }

  /** Asks something small: a Redis that takes longer than the budget is not asked by prompts. Null when it is fast. */
  async #measured(opened: OpenedRedisStore): Promise<SemcacheError | null> {
    const { budgetMs, address } = this.#options;
    const begun = performance.now();
    await within(writeDeadlineMs, opened.store.get('probe', 'probe'));
    const took = performance.now() - begun;
    if (took <= budgetMs) return null;
    return new SemcacheError(
      'store-unreachable',
      `The Redis at ${address} takes ${Math.round(took)} ms for an answer, and a prompt waits ${budgetMs} ms at most. ` +
        'Prompts go straight to the model until it is faster; new answers are still stored. ' +
        'Check the network, or raise semcache.redis.budgetMs.',
    );
  }

  #judge(problem: SemcacheError | null): void {
    this.#isFast = problem === null;
    if (this.#isFast) this.#retryMs = firstRetryMs;
    else this.#retrySoon();
    this.#tell(problem);
  }

  #retrySoon(): void {
    if (this.#isClosed || this.#retry !== null) return;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      void this.#comeBack();
    }, this.#retryMs);
    this.#retry.unref();
    this.#retryMs = Math.min(this.#retryMs * 2, lastRetryMs);
  }

  async #comeBack(): Promise<void> {
    const opened = this.#opened;
    if (opened === null) return this.#tryToOpen();
    try {
      if (this.#problem !== null) this.#judge(await this.#measured(opened));
      this.#deliver();
    } catch (error) {
      this.#leave(redisError(error, this.#options.address));
    }
  }

  #deliver(): void {
    if (this.#delivery !== null || this.#isClosed) return;
    this.#delivery = this.#deliverAll()
      .then(() => this.#canWrite())
      .catch((error: unknown) => {
        this.#mayWait = true;
        if (isWriteRefusal(error)) this.#cannotWrite(error);
        else this.#failed(error);
        this.#retrySoon();
      })
      .finally(() => {
        this.#delivery = null;
      });
  }

  async #deliverAll(): Promise<void> {
    const store = this.#opened?.store;
    if (store === undefined) return;
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

  #cannotWrite(error: unknown): void {
    this.#writeProblem = redisError(error, this.#options.address);
    this.#tell(this.#problem);
  }

  #canWrite(): void {
    if (this.#writeProblem === null) return;
    this.#writeProblem = null;
    this.#retryMs = firstRetryMs;
    this.#tell(this.#problem);
  }

  #away(): SemcacheError {
    return this.#problem ?? new SemcacheError('store-unreachable', `The Redis at ${this.#options.address} is being connected to.`);
  }

  #tell(problem: SemcacheError | null): void {
    this.#problem = problem;
    for (const listener of this.#listeners) listener();
  }
}
