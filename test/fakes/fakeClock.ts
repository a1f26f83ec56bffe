// Time that only a test moves.

export class FakeClock {
  #at: number;

  constructor(startAt = Date.UTC(2026, 0, 1)) {
    this.#at = startAt;
  }

  /** Milliseconds since 1970; bound, so that it can be handed on as a function. */
  readonly now = (): number => this.#at;

  advance(ms: number): void {
    this.#at += ms;
  }
}
