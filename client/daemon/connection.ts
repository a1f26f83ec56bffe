// One typed connection between a window and the daemon.
// Owns: its state, reconnecting, the configuration that a new daemon must be told again.
// Does not know: VS Code; how a daemon is found or started (launcher.ts); what an ask is made of (asks.ts).
// Always true: an ask whose daemon dies before its answer began fails with 'daemon-unreachable', so that its route
// can go to the model directly; no other call waits for ever.

import { setTimeout as pause } from 'node:timers/promises';
import { LogMessageNotification, MessageType, type RequestType, type RequestType0 } from 'vscode-languageserver-protocol/node';
import type { AnswerPart } from '../../server/protocol/answer.ts';
import { messageOf, SemcacheError } from '../../server/protocol/errors.ts';
import {
  configureRequest,
  drainingNotification,
  drainRequest,
  healthChanged,
  statsChanged,
  type Build,
  type CompleteParams,
  type ConfigureParams,
  type DaemonFacts,
  type Health,
} from '../../server/protocol/messages.ts';
import type { Stats } from '../../server/protocol/stats.ts';
import { asDaemonError, Asks, cancelled, sent, unreachable, type AnswerForTools, type AnswerInEditor } from './asks.ts';
import { launch, type Attached } from './launcher.ts';

export type { AnswerForTools, AnswerInEditor };

/** `starting` also while reconnecting. `stopped`: by stop(), or no daemon could be started; the latter is tried again. */
export type ConnectionState = 'starting' | 'ready' | 'stopped';

/** What ends a subscription. Fits vscode.Disposable. */
export interface Subscription {
  dispose(): void;
}

export type LogLevel = 'error' | 'warning' | 'info' | 'debug';

export interface DaemonConnection {
  readonly state: ConnectionState;
  /** Why the state is `stopped` or keeps being `starting`, for people; null when all is well. */
  readonly problem: string | null;
  onStateChange(listener: (state: ConnectionState) => void): Subscription;
  /** Facts of the daemon that is attached; null while there is none. */
  readonly facts: DaemonFacts | null;
  /** The last health that the daemon told; null while there is none. */
  readonly health: Health | null;
  onHealth(listener: (health: Health) => void): Subscription;
  onStats(listener: (stats: Stats) => void): Subscription;

  /**
   * Asks the daemon. While it is starting the ask waits for it, at most 10 seconds. Aborting `signal` cancels the ask.
   * By its `askId` the daemon can explain it later (`explainRequest`).
   * Errors: what `answerInEditor` threw, unchanged; daemon-unreachable; cancelled; otherwise SemcacheError with the
   * daemon's code and text.
   */
  ask(params: CompleteParams, signal: AbortSignal, answerInEditor?: AnswerInEditor): AsyncIterable<AnswerPart>;
  /** @throws SemcacheError with the daemon's code; daemon-unreachable while there is none. */
  request<P, R>(type: RequestType<P, R, void>, params: P): Promise<R>;
  request<R>(type: RequestType0<R, void>): Promise<R>;
  /** Kept, and told again to every daemon that is attached later. */
  configure(params: ConfigureParams): void;

  /** Ends the daemon, for all windows, and attaches to a new one. Calls during a restart share it. */
  restart(): Promise<void>;
  /** Ends this connection; the daemon stays for the other windows. */
  stop(): Promise<void>;
}

export interface ConnectionOptions {
  /** Absolute path of the daemon's program: dist/server/main.cjs. */
  serverFile: string;
  /** Of this client: server/protocol/build.ts. */
  build: Build;
  mode: 'shared' | 'window';
  /** Data folder, where the person has set one; else the daemon's own default. */
  dataFolder?: string;
  /** Log lines of the daemon and of this connection. Hold no prompt, token or key. */
  log: (level: LogLevel, text: string) => void;
  /** Answers other tools of this machine with the editor's models; absent: no tool is answered. */
  answerForTools?: AnswerForTools;
}

/** Connects at once and stays connected until stop(). Never throws: what goes wrong is in `state` and `problem`. */
export function openDaemonConnection(options: ConnectionOptions): DaemonConnection {
  return new ReconnectingConnection(options);
}

/** Longest wait of an ask or request for a daemon that is being started. */
const readyDeadlineMs = 10_000;
/** Wait before try n, and then always the last: a daemon that cannot start is not started all day. */
const backOffMs = [0, 250, 1000, 3000, 10_000, 30_000];
/** From this many failed tries in a row on, asks no longer wait. */
const triesUntilStopped = 3;
/** A connection that lasted this long was a good one: the next failure is a first one again. */
const steadyAfterMs = 10_000;
/** Another build is about to start a daemon. */
const patienceMs = 3000;
/** A daemon that does not end when asked to is ended. */
const restartDeadlineMs = 4000;

class ReconnectingConnection implements DaemonConnection {
  readonly #options: ConnectionOptions;
  readonly #asks: Asks;
  readonly #stateListeners = new Set<(state: ConnectionState) => void>();
  readonly #healthListeners = new Set<(health: Health) => void>();
  readonly #statsListeners = new Set<(stats: Stats) => void>();
  readonly #stopped = new AbortController();
  #state: ConnectionState = 'starting';
  #problem: string | null = null;
  #attached: Attached | null = null;
  #health: Health | null = null;
  #configuration: ConfigureParams | null = null;
  #failures = 0;
  #patient = false;
  #restarting: Promise<void> | null = null;
  #hurry = (): void => undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#asks = new Asks(options.answerForTools);
    void this.#stayConnected();
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get problem(): string | null {
    return this.#problem;
  }

  get facts(): DaemonFacts | null {
    return this.#attached?.facts ?? null;
  }

  get health(): Health | null {
    return this.#health;
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

  async *ask(params: CompleteParams, signal: AbortSignal, answerInEditor?: AnswerInEditor): AsyncIterable<AnswerPart> {
    for (let tries = 1; ; tries += 1) {
      const attached = await this.#ready(signal);
      try {
        yield* this.#asks.run(attached.connection, params, signal, answerInEditor);
        return;
      } catch (error) {
        // The daemon is being replaced and took nothing on: the next one is asked.
        if (!(error instanceof SemcacheError && error.code === 'draining') || tries > 1) throw error;
        this.#detach(attached);
      }
    }
  }

  async request<P, R>(type: RequestType<P, R, void> | RequestType0<R, void>, params?: P): Promise<R> {
    const attached = await this.#ready(new AbortController().signal);
    try {
      return await attached.connection.sendRequest<R>(type.method, params);
    } catch (error) {
      throw asDaemonError(error);
    }
  }

  configure(params: ConfigureParams): void {
    this.#configuration = params;
    if (this.#attached !== null) this.#sendConfiguration(this.#attached);
  }

  restart(): Promise<void> {
    this.#restarting ??= this.#restart().finally(() => {
      this.#restarting = null;
    });
    return this.#restarting;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    const attached = this.#attached;
    this.#setState('stopped', null);
    if (attached === null) return;
    // The daemon sees the connection end either way; this says that it was meant.
    await Promise.race([sent(() => attached.connection.sendRequest('shutdown')).catch(() => undefined), pause(500)]);
    this.#detach(attached);
  }

  async #stayConnected(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.#backOff();
      if (signal.aborted) return;
      if (this.#failures < triesUntilStopped) this.#setState('starting', this.#problem);
      const attached = await this.#launch();
      if (attached === null) continue;
      const attachedAt = Date.now();
      await this.#served(attached);
      if (signal.aborted) return;
      if (Date.now() - attachedAt > steadyAfterMs) this.#failures = 0;
      else this.#failures += 1;
      this.#setState('starting', 'The connection to the daemon ended. Another is being made.');
    }
  }

  async #launch(): Promise<Attached | null> {
    const { serverFile, build, mode, dataFolder } = this.#options;
    try {
      return await launch({
        serverFile,
        build,
        mode,
        dataFolder,
        patienceMs: this.#patient ? patienceMs : 0,
        log: this.#options.log,
        signal: this.#stopped.signal,
      });
    } catch (error) {
      if (this.#stopped.signal.aborted) return null;
      this.#failures += 1;
      this.#options.log('error', `The daemon could not be started: ${messageOf(error)}`);
      this.#setState(this.#failures < triesUntilStopped ? 'starting' : 'stopped', messageOf(error));
      return null;
    } finally {
      this.#patient = false;
    }
  }

  /** Settles when this connection is over. */
  async #served(attached: Attached): Promise<void> {
    const { connection, facts } = attached;
    if (this.#stopped.signal.aborted) {
      attached.end();
      return;
    }
    const over = new Promise<void>(resolve => {
      connection.onClose(() => resolve());
      connection.onDispose(() => resolve());
      connection.onError(() => resolve());
    });
    this.#asks.listen(connection);
    connection.onNotification(statsChanged, stats => tell(this.#statsListeners, stats));
    connection.onNotification(healthChanged, health => {
      this.#health = health;
      tell(this.#healthListeners, health);
    });
    connection.onNotification(drainingNotification, ({ successor }) => {
      this.#patient = successor;
    });
    connection.onNotification(LogMessageNotification.type, ({ type, message }) => this.#options.log(levelOf(type), message));

    this.#attached = attached;
    if (this.#configuration !== null) this.#sendConfiguration(attached);
    this.#options.log('info', `Attached to the ${facts.mode === 'shared' ? 'shared' : 'window\'s own'} daemon, process ${facts.pid}, build ${facts.build.version}.`);
    this.#setState('ready', null);
    await over;
    this.#detach(attached);
  }

  /** What this connection still owed fails now. */
  #detach(attached: Attached): void {
    if (this.#attached === attached) {
      this.#attached = null;
      this.#health = null;
    }
    attached.end();
  }

  /** The attached daemon, as soon as there is one. */
  async #ready(signal: AbortSignal): Promise<Attached> {
    const deadline = Date.now() + readyDeadlineMs;
    while (this.#attached === null) {
      if (signal.aborted) throw cancelled();
      if (this.#state === 'stopped' || Date.now() > deadline) {
        this.#hurry();
        throw unreachable(this.#problem);
      }
      await this.#change(Math.max(1, deadline - Date.now()), signal);
    }
    return this.#attached;
  }

  /** Settles with the next change of state, after the time, or when the signal fires. */
  #change(timeoutMs: number, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const settle = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', settle);
        this.#stateListeners.delete(settle);
        resolve();
      };
      const timer = setTimeout(settle, timeoutMs);
      signal.addEventListener('abort', settle);
      this.#stateListeners.add(settle);
    });
  }

  #sendConfiguration({ connection }: Attached): void {
    sent(() => connection.sendRequest(configureRequest, this.#configuration!)).catch((error: unknown) => {
      this.#options.log('warning', `The daemon refused the settings: ${messageOf(error)}`);
    });
  }

  async #restart(): Promise<void> {
    this.#failures = 0;
    this.#setState('starting', null);
    const attached = this.#attached;
    if (attached === null) this.#hurry();
    else await this.#endDaemon(attached);
    await this.#ready(this.#stopped.signal);
  }

  async #endDaemon(attached: Attached): Promise<void> {
    const gone = new Promise<'gone'>(resolve => attached.connection.onDispose(() => resolve('gone')));
    sent(() => attached.connection.sendRequest(drainRequest, { build: this.#options.build, force: true })).catch(() => undefined);
    const outcome = await Promise.race([gone, pause(restartDeadlineMs, 'late' as const)]);
    this.#patient = false;
    if (outcome === 'gone') return;
    this.#options.log('warning', `The daemon, process ${attached.facts.pid}, did not end when asked to: it is ended now.`);
    try {
      process.kill(attached.facts.pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
    this.#detach(attached);
  }

  /** Waits before the next try; `#hurry` ends the wait. */
  async #backOff(): Promise<void> {
    const waitMs = backOffMs[Math.min(this.#failures, backOffMs.length - 1)]!;
    if (waitMs === 0) return;
    const wait = new AbortController();
    this.#hurry = () => wait.abort();
    await pause(waitMs, undefined, { signal: AbortSignal.any([wait.signal, this.#stopped.signal]) }).catch(() => undefined);
    this.#hurry = () => undefined;
  }

  #setState(state: ConnectionState, problem: string | null): void {
    if (this.#stopped.signal.aborted && state !== 'stopped') return;
    this.#problem = problem;
    this.#state = state;
    tell(this.#stateListeners, state);
  }
}

function subscribed<T>(listeners: Set<(value: T) => void>, listener: (value: T) => void): Subscription {
  listeners.add(listener);
  return { dispose: () => listeners.delete(listener) };
}

function tell<T>(listeners: Set<(value: T) => void>, value: T): void {
  for (const listener of [...listeners]) listener(value);
}

function levelOf(type: MessageType): LogLevel {
  switch (type) {
    case MessageType.Error:
      return 'error';
    case MessageType.Warning:
      return 'warning';
    case MessageType.Info:
      return 'info';
    default:
      return 'debug';
  }
}
