// Parts that arrive by themselves, as a stream for one reader.
// Always true: parts come in order; a failure comes after all parts that arrived before it.

export class PartQueue<T> implements AsyncIterable<T> {
  readonly #waiting: T[] = [];
  #over: { error?: unknown } | null = null;
  #wake = (): void => undefined;

  push(parts: readonly T[]): void {
    if (this.#over !== null) return;
    this.#waiting.push(...parts);
    this.#wake();
  }

  end(): void {
    this.#settle({});
  }

  fail(error: unknown): void {
    this.#settle({ error });
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for (;;) {
      for (let part = this.#waiting.shift(); part !== undefined; part = this.#waiting.shift()) yield part;
      if (this.#over !== null) {
        if ('error' in this.#over) throw this.#over.error;
        return;
      }
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
  }

  #settle(over: { error?: unknown }): void {
    this.#over ??= over;
    this.#wake();
  }
}
