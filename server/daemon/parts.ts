// What answers prompts: store, embedder, cache and counters, opened together and closed together.
// Owns: when each is opened, what is told of its state, and the verbs with their counting.
// Does not know: sessions, sockets, the command line's wording; which stores and models there are (openParts.ts).
// Always true: what cannot be opened becomes a problem in health(), and prompts a bypass; nothing here throws for it.

import { isDeepStrictEqual } from 'node:util';
import { createAnswerPrompt } from '../cache/answerPrompt.ts';
import { Counters } from '../cache/counters.ts';
import { promptFromText } from '../cache/promptFromRequest.ts';
import { SemanticCache } from '../cache/semanticCache.ts';
import type { Embedder, OpenedEmbedder } from '../embedding/embedder.ts';
import type { AnswerPrompt } from '../protocol/answer.ts';
import type { Entry, EntryFilter } from '../protocol/entry.ts';
import { messageOf } from '../protocol/errors.ts';
import type { Explanation } from '../protocol/explanation.ts';
import type { Health, LookupParams, LookupResult, UpdateParams } from '../protocol/messages.ts';
import type { ModelRequest } from '../protocol/prompt.ts';
import type { CacheSettings } from '../protocol/settings.ts';
import type { ChosenStore } from '../store/openChosenStore.ts';
import type { Store } from '../store/store.ts';
import { lateEmbedder, lateStore, type LateStore } from './lateParts.ts';
import { loggable, type Log } from './log.ts';

/** What all sessions share: the last configuration decides. */
export interface SharedSettings {
  maxEntries: number;
  embeddingDeadlineMs: number;
  /** Empty: the local model. */
  embeddingEndpoint: string;
  embeddingModel: string;
  embeddingApiKey?: string;
  /** Absent: the file of the data folder. */
  store?: ChosenStore;
}

export interface Openers {
  /** `onNotice` is told, for people, what happened to a store that was not fit to be opened. */
  store(settings: SharedSettings, onNotice: (text: string) => void): Promise<Store>;
  /** `onNotice` is told, for people, when the embedder works less well than it should. */
  embedder(settings: SharedSettings, onNotice: (text: string) => void): Promise<OpenedEmbedder>;
}

export interface PartsOptions {
  open: Openers;
  shared: SharedSettings;
  now: () => number;
  log: Log;
}

/** An embedder and all that holds its vectors. Replaced as a whole, so that a prompt never mixes two embedders. */
interface Engine {
  embedder: Embedder;
  setDeadlineMs: (deadlineMs: number) => void;
  cache: SemanticCache;
  answerPrompt: AnswerPrompt;
}

export class Parts {
  readonly store: LateStore;
  readonly counters: Counters;
  readonly #options: PartsOptions;
  readonly #healthListeners = new Set<() => void>();
  #shared: SharedSettings;
  #engine: Engine;
  #embedding: Health['embedding'] = 'loading';
  #embeddingProblem: string | null = null;
  #storeProblem: string | null = null;
  readonly #notices = { store: null as string | null, embedding: null as string | null };

  /** Opens the store; the embedder is opened by its first use, or by warm(). */
  constructor(options: PartsOptions) {
    this.#options = options;
    this.#shared = options.shared;
    const opening = this.#openStore();
    this.store = lateStore(opening);
    this.#follow(opening);
    this.counters = new Counters({ store: this.store, onFailure: error => this.#failed(error) });
    this.#engine = this.#newEngine();
  }

  /** Loads the models now; without it the first prompt that needs one would wait. What fails is told by health(). */
  warm(): void {
    const { embedder } = this.#engine;
    embedder.embed(['warm']).then(() => embedder.verify?.([['warm', 'warm']])).catch(() => undefined);
  }

  /** That of the embedder in use now. */
  get answerPrompt(): AnswerPrompt {
    return this.#engine.answerPrompt;
  }

  /** The seed's lookup, counted like any prompt. */
  async lookup({ prompt, llmString }: LookupParams, settings: CacheSettings): Promise<LookupResult> {
    const { cache } = this.#engine;
    const { decision, entry } = await cache.find(promptFromText(prompt, llmString), settings);
    const usage = entry?.usage ?? null;
    this.counters.count(
      decision,
      entry === null || usage === null
        ? undefined
        : { model: entry.model, promptTokens: usage.promptTokens, completionTokens: usage.completionTokens },
    );
    if (entry !== null) cache.recordHit(entry.id);
    return { decision, generations: entry?.generations ?? null };
  }

  async update({ prompt, llmString, generations }: UpdateParams, settings: CacheSettings): Promise<Entry> {
    const entry = await this.#engine.cache.update(prompt, llmString, generations, settings);
    this.counters.entriesChanged();
    return entry;
  }

  async clear(filter: EntryFilter): Promise<number> {
    const removed = await this.#engine.cache.clear(filter);
    this.counters.entriesChanged();
    return removed;
  }

  async edit(id: string, text: string): Promise<void> {
    await this.#engine.cache.edit(id, text);
    this.counters.entriesChanged();
  }

  async wrongAnswer(id: string, request: ModelRequest): Promise<void> {
    await this.#engine.cache.wrongAnswer(id, request);
    this.counters.countWrongHit();
  }

  /** The same for an answer that was only offered: nothing wrong was served. */
  async notTheSame(id: string, request: ModelRequest): Promise<void> {
    await this.#engine.cache.notTheSame(id, request);
  }

  /** Why this would be answered as it would; nothing is counted or changed. */
  async explain({ prompt: text, llmString }: LookupParams, settings: CacheSettings): Promise<Explanation> {
    const { cache } = this.#engine;
    const prompt = promptFromText(text, llmString);
    const { decision, keys, verdict } = await cache.find(prompt, settings);
    return cache.explainer(prompt, keys, { decision, settings }, verdict)();
  }

  async sameQuestion(id: string, request: ModelRequest): Promise<void> {
    await this.#engine.cache.sameQuestion(id, request);
  }

  /** Takes over what all sessions share. Another embedder begins anew; asks in progress keep theirs. */
  configure(shared: SharedSettings): void {
    const earlier = this.#shared;
    const sameStore = isDeepStrictEqual(shared.store, earlier.store);
    this.#shared = sameStore ? { ...shared, store: earlier.store } : shared;
    this.#engine.setDeadlineMs(shared.embeddingDeadlineMs);
    if (shared.maxEntries !== earlier.maxEntries) {
      this.store.setMaxEntries(shared.maxEntries).catch(error => this.#failed(error));
    }
    if (!sameStore) {
      const opening = this.#openStore();
      void this.store.exchange(opening).then(() => this.counters.entriesChanged());
      this.#follow(opening);
    }
    const same =
      shared.embeddingEndpoint === earlier.embeddingEndpoint &&
      shared.embeddingModel === earlier.embeddingModel &&
      shared.embeddingApiKey === earlier.embeddingApiKey;
    if (same) return;
    const { embedder } = this.#engine;
    this.#engine = this.#newEngine();
    this.warm();
    void embedder.close();
  }

  health(): Health {
    return {
      embedding: this.#embedding,
      store: this.#storeProblem === null && !this.store.problem ? 'ready' : 'failed',
      storeText: this.store.description,
      problems: [this.#storeProblem, this.store.problem ?? null, this.#notices.store, this.#embeddingProblem, this.#notices.embedding].filter(problem => problem !== null),
    };
  }

  /** Called whenever a state or problem of health() changes. */
  onHealth(listener: () => void): void {
    this.#healthListeners.add(listener);
  }

  /** The embedder in use, for those who look at it rather than ask it. */
  get embedder(): Embedder {
    return this.#engine.embedder;
  }

  /** Null while a service makes the vectors: the local model is not loaded then. */
  get localEmbedder(): Embedder | null {
    return this.#shared.embeddingEndpoint === '' ? this.#engine.embedder : null;
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.store.close(), this.#engine.embedder.close()]);
  }

  #newEngine(): Engine {
    const { open, now } = this.#options;
    const { store, counters } = this;
    this.#embedding = 'loading';
    this.#embeddingProblem = null;
    this.#notices.embedding = null;
    let opened: OpenedEmbedder | null = null;
    const embedder = lateEmbedder(async () => {
      try {
        const there = await open.embedder(this.#shared, text => this.#noticed('embedding', text));
        there.ready.then(
          () => this.#embedderIs(embedder, 'ready', `Embedding is ready: ${there.fingerprint}.`),
          (error: unknown) => this.#embedderFailed(embedder, error),
        );
        return (opened = there);
      } catch (error) {
        this.#embedderFailed(embedder, error);
        throw error;
      }
    });
    const cache = new SemanticCache({ store, embedder, now });
    return {
      embedder,
      cache,
      answerPrompt: createAnswerPrompt({ cache, counters, now, onFailure: error => this.#failed(error) }),
      setDeadlineMs: deadlineMs => opened?.setDeadlineMs(deadlineMs),
    };
  }

  #embedderIs(embedder: Embedder, state: Health['embedding'], line: string, problem: string | null = null): void {
    if (embedder !== this.#engine.embedder) return;
    this.#embedding = state;
    this.#embeddingProblem = problem;
    this.#options.log[problem === null ? 'info' : 'error'](line);
    this.#tellHealth();
  }

  #embedderFailed(embedder: Embedder, error: unknown): void {
    this.#embedderIs(embedder, 'failed', loggable(error), messageOf(error));
  }

  #openStore(): Promise<Store> {
    const chosen = this.#shared.store;
    this.#storeProblem = null;
    this.#notices.store = null;
    return this.#options.open.store(this.#shared, text => this.#shared.store === chosen && this.#noticed('store', text));
  }

  /** Tells how the store fares as long as it is the one in use. To be called when `store` has it: health() speaks of that. */
  #follow(opening: Promise<Store>): void {
    const chosen = this.#shared.store;
    const isCurrent = (): boolean => this.#shared.store === chosen;
    opening.then(
      store => isCurrent() && this.#storeOpened(store),
      (error: unknown) => isCurrent() && this.#storeFailed(error),
    );
  }

  #storeOpened(store: Store): void {
    let told: string | null = null;
    const look = (): void => {
      const problem = store.problem ?? null;
      const now = problem ?? `The store is open: ${store.description}.`;
      if (now !== told) this.#options.log[problem === null ? 'info' : 'warning'](now);
      told = now;
      this.#tellHealth();
    };
    store.onProblem?.(look);
    look();
  }

  #storeFailed(error: unknown): void {
    this.#storeProblem = messageOf(error);
    this.#failed(error);
    this.#tellHealth();
  }

  #noticed(what: 'store' | 'embedding', text: string): void {
    this.#notices[what] = text;
    this.#options.log.warning(text);
    this.#tellHealth();
  }

  #failed(error: unknown): void {
    this.#options.log.error(loggable(error));
  }

  #tellHealth(): void {
    for (const listener of this.#healthListeners) listener();
  }
}
