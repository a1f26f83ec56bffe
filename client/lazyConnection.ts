// The daemon's connection before its code is loaded: loading the protocol library takes longer than activation may.
// Always true: to its users it is a connection that is starting, and then the real one.

import type { AnswerPart } from '../server/protocol/answer.ts';
import { messageOf, SemcacheError } from '../server/protocol/errors.ts';
import type { ConfigureParams, DaemonFacts, Health } from '../server/protocol/messages.ts';
import type { Stats } from '../server/protocol/stats.ts';
import type { ConnectionState, DaemonConnection, Subscription } from './daemon/connection.ts';

export class LazyConnection implements DaemonConnection {
  readonly #loading: Promise<DaemonConnection>;
  readonly #stateListeners = new Set<(state: ConnectionState) => void>();
  readonly #healthListeners = new Set<(health: Health) => void>();
  readonly #statsListeners = new Set<(stats: Stats) => void>();
  #real: DaemonConnection | null = null;
  #failure: string | null = null;

  /** `load` is called once, after the current work of the editor is done. */
  constructor(load: () => Promise<DaemonConnection>) {
    this.#loading = new Promise<void>(resolve => setImmediate(resolve)).then(load).catch(unreachable);
    this.#loading.then(real => this.#take(real), (error: unknown) => this.#fail(error));
  }

  get state(): ConnectionState {
    return this.#real?.state ?? (this.#failure === null ? 'starting' : 'stopped');
  }

  get problem(): string | null {
    return this.#real?.problem ?? this.#failure;
  }

  get facts(): DaemonFacts | null {
    return this.#real?.facts ?? null;
  }

  get health(): Health | null {
    return this.#real?.health ?? null;
  }

  onStateChange(listener: (state: ConnectionState) => void): Subscription {
    return subscribed(this.#stateListeners, listener);
  }

  onHealth(listener: (health: Health) => void): Subscription {
    return subscribed(this.#healthListeners, listener);
  }

  onStats(listener: (stats: Stats) => void): Subscription {
    return subscribed(this.#statsListeners, listener);
  }

  async *ask(...args: Parameters<DaemonConnection['ask']>): AsyncIterable<AnswerPart> {
    yield* (await this.#loading).ask(...args);
  }

  request: DaemonConnection['request'] = async (...args: unknown[]) => {
    const real = await this.#loading;
    return (real.request as (...args: unknown[]) => Promise<never>).apply(real, args);
  };

  configure(params: ConfigureParams): void {
    void this.#loading.then(real => real.configure(params), () => undefined);
  }

  async restart(): Promise<void> {
    await (await this.#loading).restart();
  }

  async stop(): Promise<void> {
    const real = await this.#loading.catch(() => null);
    await real?.stop();
  }

  #take(real: DaemonConnection): void {
    this.#real = real;
    real.onStateChange(state => tell(this.#stateListeners, state));
    real.onHealth(health => tell(this.#healthListeners, health));
    real.onStats(stats => tell(this.#statsListeners, stats));
    tell(this.#stateListeners, real.state);
    if (real.health !== null) tell(this.#healthListeners, real.health);
  }

  #fail(error: unknown): void {
    this.#failure = messageOf(error);
    tell(this.#stateListeners, 'stopped');
  }
}

function unreachable(error: unknown): never {
  const text = `The extension could not load its connection to the daemon: ${messageOf(error)} Reinstall Semcache.`;
  throw new SemcacheError('daemon-unreachable', text, error);
}

function subscribed<T>(listeners: Set<(value: T) => void>, listener: (value: T) => void): Subscription {
  listeners.add(listener);
  return { dispose: () => listeners.delete(listener) };
}

function tell<T>(listeners: Set<(value: T) => void>, value: T): void {
  for (const listener of listeners) listener(value);
}
