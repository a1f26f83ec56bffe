// When the daemon's time is over: no window for a while, or nobody can find it any more.
// Owns: the idle clock and the watch on the discovery record. Does not know: what ending means (sharedDaemon.ts).
// Always true: `onOver` is called once at most.

/** How often the record is looked at: a few bytes read, so that a removed record ends its daemon within seconds. */
const recordEveryMs = 1000;

export interface LifetimeOptions {
  idleMinutes: number;
  /** Whether windows still find this daemon. */
  isFindable: () => boolean;
  onOver: (reason: string) => void;
}

export class Lifetime {
  readonly #options: LifetimeOptions;
  readonly #watch: NodeJS.Timeout;
  #idleMinutes: number;
  #sessions = 0;
  #idle: NodeJS.Timeout | null = null;

  /** The idle clock runs from here on: a daemon that nobody attaches to ends too. */
  constructor(options: LifetimeOptions) {
    this.#options = options;
    this.#idleMinutes = options.idleMinutes;
    this.#watch = setInterval(() => {
      if (!options.isFindable()) this.#over('its discovery record is gone or names another daemon');
    }, recordEveryMs);
    this.#restart();
  }

  setIdleMinutes(minutes: number): void {
    if (minutes === this.#idleMinutes) return;
    this.#idleMinutes = minutes;
    this.#restart();
  }

  setSessions(count: number): void {
    this.#sessions = count;
    this.#restart();
  }

  stop(): void {
    clearInterval(this.#watch);
    if (this.#idle !== null) clearTimeout(this.#idle);
  }

  #restart(): void {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
    if (this.#sessions > 0 || this.#idleMinutes === 0) return;
    this.#idle = setTimeout(
      () => this.#over(`no window was attached for ${this.#idleMinutes} minutes`),
      Math.min(this.#idleMinutes * 60_000, 2 ** 31 - 1),
    );
  }

  #over(reason: string): void {
    this.stop();
    this.#options.onOver(reason);
  }
}
