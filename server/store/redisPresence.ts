// Whether Redis is there: one open store at a time, let go of when it fails, and looked for again until it is back.
// Owns: when Redis counts as away or too slow, trying again, and what is wrong now. Does not know: what is asked and written.
// Always true: a look-up is never sent to a Redis that is away or slower than the budget; there is a next try while
// anything is wrong.

import { SemcacheError } from '../protocol/errors.ts';
import type { OpenedRedisStore } from './openRedisStore.ts';
import { redisError } from './redisErrors.ts';
import { within } from './within.ts';

export interface PresenceOptions {
  /** Connects and finds the level. @throws SemcacheError store-unreachable */
  open: () => Promise<OpenedRedisStore>;
  /** Where Redis is, without secrets. */
  address: string;
  /** What a look-up may take. */
  budgetMs: number;
}

/** For the small question that tells how fast Redis is. */
const measureDeadlineMs = 1000;
/** Look-ups in a row that failed before Redis counts as away. A lost connection counts at once. */
const failuresUntilAway = 3;
/** Between tries to come back; each twice the one before. */
const firstRetryMs = 100;
const lastRetryMs = 5000;

export class RedisPresence {
  readonly #options: PresenceOptions;
  /** Called with each store that was opened, and again whenever it may take what it refused. */
  readonly #there: (opened: OpenedRedisStore) => void;
  readonly #firstTry: Promise<void>;
  #opened: OpenedRedisStore | null = null;
  /** False while Redis answers, but slower than the budget: it is written to, and not asked. */
  #isFast = true;
  #failures = 0;
  #problem: SemcacheError | null = null;
  #writeProblem: SemcacheError | null = null;
  #retry: NodeJS.Timeout | null = null;
  #retryMs = firstRetryMs;
  #isClosed = false;
  readonly #listeners = new Set<() => void>();

  /** Begins to connect at once. */
  constructor(options: PresenceOptions, there: (opened: OpenedRedisStore) => void) {
    this.#options = options;
    this.#there = there;
    this.#firstTry = this.#tryToOpen();
  }

  /** Resolves when the first try to connect is over. @throws SemcacheError store-unreachable where it failed, or Redis is slow */
  async ready(): Promise<void> {
    await this.#firstTry;
    if (this.#problem !== null) throw this.#problem;
  }

  /** Null while Redis is away. */
  get opened(): OpenedRedisStore | null {
    return this.#opened;
  }

  /** The same once the first try to connect is over. */
  async afterFirstTry(): Promise<OpenedRedisStore | null> {
    await this.#firstTry;
    return this.#opened;
  }

  /** @throws SemcacheError store-unreachable while Redis is away or slow */
  forLookup(): OpenedRedisStore {
    if (this.#opened === null || !this.#isFast) throw this.away();
    return this.#opened;
  }

  /** That Redis cannot be reached; where it can, that it cannot be written to; null when all is well. */
  get problem(): SemcacheError | null {
    return this.#problem ?? this.#writeProblem;
  }

  /** Why there is nothing to ask. */
  away(): SemcacheError {
    return this.#problem ?? new SemcacheError('store-unreachable', `The Redis at ${this.#options.address} is being connected to.`);
  }

  /** Called whenever `problem` changes. */
  onProblem(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** A look-up was answered in time. */
  answered(): void {
    this.#failures = 0;
  }

  /** What was asked of this store failed: the error to throw on. After some in a row, Redis counts as away. */
  failed(error: unknown, opened: OpenedRedisStore): SemcacheError {
    const failure = redisError(error, this.#options.address);
    if (failure.code !== 'store-unreachable' || opened !== this.#opened) return failure;
    this.#failures += 1;
    if (this.#failures >= failuresUntilAway) this.#leave(failure);
    return failure;
  }

  /** Redis answers and refuses what is written; it is offered again. */
  cannotWrite(error: unknown): void {
    this.#writeProblem = redisError(error, this.#options.address);
    this.#tell(this.#problem);
  }

  canWrite(): void {
    if (this.#writeProblem === null) return;
    this.#writeProblem = null;
    this.#retryMs = firstRetryMs;
    this.#tell(this.#problem);
  }

  /** Looks again in a while: for Redis, or whether it takes what it refused. */
  retrySoon(): void {
    if (this.#isClosed || this.#retry !== null) return;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      void this.#comeBack();
    }, this.#retryMs);
    this.#retry.unref();
    this.#retryMs = Math.min(this.#retryMs * 2, lastRetryMs);
  }

  /** Ends the tries; what is open stays so until release(). */
  async stop(): Promise<void> {
    this.#isClosed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    await this.#firstTry;
  }

  /** Lets go of what is open. */
  async release(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    await opened?.store.close();
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
      this.#there(opened);
    } catch (error) {
      opened?.connection.close();
      this.#tell(redisError(error, this.#options.address));
      this.retrySoon();
    }
  }

  #take(opened: OpenedRedisStore): void {
    opened.connection.onLost(error => {
      if (this.#opened === opened) this.#leave(redisError(error, this.#options.address));
    });
    this.#opened = opened;
    this.#failures = 0;
  }

  /** Asks something small: a Redis that takes longer than the budget is not asked by prompts. Null when it is fast. */
  async #measured(opened: OpenedRedisStore): Promise<SemcacheError | null> {
    const { budgetMs, address } = this.#options;
    const begun = performance.now();
    await within(measureDeadlineMs, opened.store.get('probe', 'probe'));
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
    else this.retrySoon();
    this.#tell(problem);
  }

  async #comeBack(): Promise<void> {
    const opened = this.#opened;
    if (opened === null) return this.#tryToOpen();
    try {
      if (this.#problem !== null) this.#judge(await this.#measured(opened));
      this.#there(opened);
    } catch (error) {
      this.#leave(redisError(error, this.#options.address));
    }
  }

  /** Lets go of the connection and begins to try again. */
  #leave(problem: SemcacheError): void {
    const opened = this.#opened;
    this.#opened = null;
    this.#failures = 0;
    opened?.connection.close();
    this.#tell(problem);
    this.retrySoon();
  }

  #tell(problem: SemcacheError | null): void {
    this.#problem = problem;
    for (const listener of this.#listeners) listener();
  }
}
