// Equal prompts asked at the same time share one upstream call, each reading it from its start.
// Always true: the source is read only as fast as its fastest reader; it is cancelled when the last reader has left.

import { SemcacheError } from '../protocol/errors.ts';

/** A stream that is being read, or can be joined. */
export interface Flight<T> {
  /** True once the source has yielded something: joining readers then depend on it. */
  readonly begun: boolean;
  /** True once the source has said that its answer is whole, and only has to put it away. */
  readonly landing: boolean;
  /** Resolves when the stream is over, however it ended. @throws SemcacheError cancelled */
  landed(signal: AbortSignal): Promise<void>;
  read(signal: AbortSignal): AsyncIterable<T>;
}

export class SingleFlight<T> {
  readonly #flights = new Map<string, SharedStream<T>>();

  /** The running stream of this key that can still be joined. */
  get(key: string): Flight<T> | undefined {
    return this.#flights.get(key);
  }

  /**
   * Begins a stream; `source` is called on the first read, with a signal that fires when the last reader leaves, and
   * calls `land` when its answer is whole.
   */
  begin(key: string, source: Source<T>): Flight<T> {
    const flight = new SharedStream(source, () => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    });
    this.#flights.set(key, flight);
    return flight;
  }
}

type Source<T> = (signal: AbortSignal, land: () => void) => AsyncIterable<T>;

class SharedStream<T> implements Flight<T> {
  readonly #parts: T[] = [];
  readonly #abort = new AbortController();
  readonly #source: Source<T>;
  readonly #ended = Promise.withResolvers<void>();
  readonly #onOver: () => void;
  #iterator: AsyncIterator<T> | null = null;
  #pull: Promise<void> | null = null;
  #readers = 0;
  #over = false;
  #landing = false;
  #failure: { error: unknown } | null = null;

  constructor(source: Source<T>, onOver: () => void) {
    this.#source = source;
    this.#onOver = onOver;
  }

  get begun(): boolean {
    return this.#parts.length > 0;
  }

  get landing(): boolean {
    return this.#landing;
  }

  async landed(signal: AbortSignal): Promise<void> {
    await orCancelled(this.#ended.promise, signal);
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
    this.#iterator ??= this.#source(this.#abort.signal, () => (this.#landing = true))[Symbol.asyncIterator]();
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
    this.#ended.resolve();
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
