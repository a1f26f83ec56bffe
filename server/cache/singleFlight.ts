// Equal prompts asked at the same time share one upstream call, each reading it from its start.
// Always true: the source is read only as fast as its fastest reader; it is cancelled when the last reader has left.

import { SemcacheError } from '../protocol/errors.ts';

/** A stream that is being read, or can be joined. */
export interface Flight<T> {
  /** True once the source has yielded something: joining readers then depend on it. */
  readonly begun: boolean;
  read(signal: AbortSignal): AsyncIterable<T>;
}

export class SingleFlight<T> {
  readonly #flights = new Map<string, SharedStream<T>>();

  /** The running stream of this key that can still be joined. */
  get(key: string): Flight<T> | undefined {
    return this.#flights.get(key);
  }

  /** Begins a stream; `source` is called on the first read, with a signal that fires when the last reader leaves. */
  begin(key: string, source: (signal: AbortSignal) => AsyncIterable<T>): Flight<T> {
    const flight = new SharedStream(source, () => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    });
    this.#flights.set(key, flight);
    return flight;
  }
}

class SharedStream<T> implements Flight<T> {
  readonly #parts: T[] = [];
  readonly #abort = new AbortController();
  readonly #source: (signal: AbortSignal) => AsyncIterable<T>;
  readonly #onOver: () => void;
  #iterator: AsyncIterator<T> | null = null;
  #pull: Promise<void> | null = null;
  #readers = 0;
  #over = false;
  #failure: { error: unknown } | null = null;

  constructor(source: (signal: AbortSignal) => AsyncIterable<T>, onOver: () => void) {
    this.#source = source;
    this.#onOver = onOver;
  }

  get begun(): boolean {
    return this.#parts.length > 0;
  }

  async *read(signal: AbortSignal): AsyncIterable<T> {
    this.#readers += 1;
    try {
      for (let at = 0; ; at += 1) {
        while (at >= this.#parts.length) {
          if (this.#failure !== null) throw this.#failure.error;
          if (this.#over) return;
          await orCancelled(this.#pullNext(), signal);
        }
        if (signal.aborted) throw cancelled();
        yield this.#parts[at]!;
      }
    } finally {
      this.#readers -= 1;
      if (this.#readers === 0 && !this.#over) this.#cancel();
    }
  }

  #pullNext(): Promise<void> {
    this.#iterator ??= this.#source(this.#abort.signal)[Symbol.asyncIterator]();
    this.#pull ??= this.#iterator
      .next()
      .then(
        ({ done, value }) => {
          if (done === true) this.#finish(null);
          else this.#parts.push(value);
        },
        (error: unknown) => this.#finish({ error }),
      )
      .finally(() => {
        this.#pull = null;
      });
    return this.#pull;
  }

  #cancel(): void {
    this.#finish({ error: cancelled() });
    this.#abort.abort();
    void this.#iterator?.return?.().catch(() => undefined);
  }

  #finish(failure: { error: unknown } | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#failure = failure;
    this.#onOver();
  }
}

/** The promise, or SemcacheError 'cancelled' as soon as the signal fires. */
async function orCancelled<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw cancelled();
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(cancelled());
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function cancelled(): SemcacheError {
  return new SemcacheError('cancelled', 'The request was cancelled before its answer was complete. Nothing was stored.');
}
