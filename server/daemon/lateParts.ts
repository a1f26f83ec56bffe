// Store and embedder that are still being opened, behind the interfaces of those that are.
// Owns: how long a prompt waits for the store, and when the embedder is opened.
// Does not know: which store or model it will be.
// Always true: one that could not be opened fails with its reason.

import type { Embedder } from '../embedding/embedder.ts';
import type { Entry } from '../protocol/entry.ts';
import { SemcacheError } from '../protocol/errors.ts';
import type { Store } from '../store/store.ts';

/** A prompt waits this long for a store that is being opened; opening takes some 20 ms, moving a damaged one aside more. */
const storeDeadlineMs = 2000;

/** A store that can be exchanged for another while it is used. */
export interface LateStore extends Store {
  /** @throws why the store at hand could not be opened */
  opened(): Promise<void>;
  /** Closes the store at hand and uses this one from now on; calls in progress keep the one they began with. */
  exchange(opening: Promise<Store>): Promise<void>;
}

/** The store, as soon as it is there. */
export function lateStore(first: Promise<Store>): LateStore {
  let opening = first;
  let opened: Store | null = null;
  const use = (next: Promise<Store>): void => {
    opening = next;
    opened = null;
    next.then(
      store => {
        if (opening === next) opened = store;
      },
      () => undefined,
    );
  };
  use(first);

  const store = (): Promise<Store> =>
    opened !== null
      ? Promise.resolve(opened)
      : withDeadline(opening, storeDeadlineMs, () =>
          new SemcacheError(
            'store-unreachable',
            `The store was not open after ${storeDeadlineMs} ms. Prompts go straight to the model until it is. ` +
              'Wait, or see the log for what it is doing.',
          ),
        );
  return {
    get kind() {
      return opened?.kind ?? 'opening';
    },
    get description() {
      return opened?.description ?? 'The store is being opened.';
    },
    get problem() {
      return opened?.problem ?? null;
    },
    get: async (id, scope) => (await store()).get(id, scope),
    nearest: async query => (await store()).nearest(query),
    withInstruction: async (instructionKey, limit) => (await store()).withInstruction(instructionKey, limit),
    put: async entry => (await store()).put(entry),
    recordHit: async (id, facts) => (await store()).recordHit(id, facts),
    clear: async filter => (await store()).clear(filter),
    list: async query => (await store()).list(query),
    async *entries(): AsyncIterable<Entry> {
      yield* (await store()).entries();
    },
    addRuling: async ruling => (await store()).addRuling(ruling),
    rulings: async () => (await store()).rulings(),
    aliasesOf: async instructionKey => (await store()).aliasesOf(instructionKey),
    addCounts: async delta => (await store()).addCounts(delta),
    counts: async () => (await store()).counts(),
    resetCounts: async () => (await store()).resetCounts(),
    size: async () => (await store()).size(),
    setMaxEntries: async maxEntries => (await store()).setMaxEntries(maxEntries),
    close: async () => opening.then(there => there.close(), () => undefined),
    opened: async () => void (await opening),
    async exchange(next) {
      const earlier = opening;
      use(next);
      await earlier.then(there => there.close(), () => undefined);
    },
  };
}

/** An embedder that could not be opened is tried again after this time: an endpoint may be back by then. */
const retryAfterMs = 30_000;

/** The embedder, opened by its first use. Its own deadline covers the loading of its model. */
export function lateEmbedder(open: () => Promise<Embedder>): Embedder {
  let opening: Promise<Embedder> | null = null;
  let opened: Embedder | null = null;

  const embedder = (): Promise<Embedder> => {
    if (opening === null) {
      opening = open();
      opening.then(
        there => (opened = there),
        () => setTimeout(() => (opening = null), retryAfterMs).unref(),
      );
    }
    return opening;
  };
  const there = (): Embedder => {
    if (opened !== null) return opened;
    throw new SemcacheError('embedding-failed', 'The embedder is not open yet, so it has no fingerprint. Ask again in a moment.');
  };
  return {
    get fingerprint() {
      return there().fingerprint;
    },
    get dimensions() {
      return there().dimensions;
    },
    embed: async (texts, signal) => (await embedder()).embed(texts, signal),
    get verify() {
      return opened?.verify;
    },
    get verifiable() {
      return opened?.verifiable;
    },
    close: async () => opening?.then(loaded => loaded.close(), () => undefined),
  };
}

async function withDeadline<T>(promise: Promise<T>, deadlineMs: number, late: () => SemcacheError): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const overdue = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(late()), deadlineMs);
  });
  try {
    return await Promise.race([promise, overdue]);
  } finally {
    clearTimeout(timer);
  }
}
