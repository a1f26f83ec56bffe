// Keeps a process from exiting while its model thread is inside the native runtime, which would abort the process.
// Always true: once shut() has returned within its time, no step runs and none will begin.

const RUNNING = 0;
const SHUT = 1;

export class ExitGate {
  /** Handed to the other thread, which makes its own gate of it. */
  readonly shared: SharedArrayBuffer;
  readonly #flags: Int32Array;

  constructor(shared = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT)) {
    this.shared = shared;
    this.#flags = new Int32Array(shared);
  }

  /** In the thread: runs a step, unless the gate is shut; then the promise stays open, since the process is about to end. */
  async pass<T>(step: () => Promise<T>): Promise<T> {
    Atomics.store(this.#flags, RUNNING, 1);
    const shut = Atomics.load(this.#flags, SHUT) === 1;
    try {
      if (!shut) return await step();
    } finally {
      Atomics.store(this.#flags, RUNNING, 0);
      Atomics.notify(this.#flags, RUNNING);
    }
    return new Promise<never>(() => {});
  }

  /** In the process, when it exits: lets no further step begin and blocks until the one at hand is over, at most `timeoutMs`. */
  shut(timeoutMs: number): void {
    Atomics.store(this.#flags, SHUT, 1);
    Atomics.wait(this.#flags, RUNNING, 1, timeoutMs);
  }
}
