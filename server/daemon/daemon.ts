// The daemon of one user: its sessions and what they share.
// Owns: who is attached, pushing stats and health to them, draining.
// Does not know: sockets, records and processes (sharedDaemon.ts, windowDaemon.ts); how a request is answered.
// Always true: only a newer build, or a person, makes it drain; nothing makes it drain twice.

import { loggable, type Log } from './log.ts';
import { measuredCare } from '../cache/care.ts';
import { build } from '../protocol/build.ts';
import type { Upstream } from '../protocol/answer.ts';
import { PROTOCOL_VERSION, type ConfigureParams, type DaemonFacts, type DrainParams, type EditorModelOffer, type Health } from '../protocol/messages.ts';
import type { ChosenStore } from '../store/openChosenStore.ts';
import type { Parts } from './parts.ts';
import { Session, type SessionHost, type Transport } from './session.ts';

/** Counts change with every prompt; windows are told at most this often. */
const statsEveryMs = 250;

export interface DaemonOptions {
  mode: DaemonFacts['mode'];
  dataFolder: string;
  parts: Parts;
  /** From the command line; windows do not overrule it. */
  store?: ChosenStore;
  log: Log;
  /** What windows must show; null where the connection itself is proof. */
  token: string | null;
  /** How long this person's daemon stays without windows changed. */
  onIdleMinutes: (minutes: number) => void;
  /** What a session wants to be the case, beyond what the parts are told. */
  onConfigured?: (sent: ConfigureParams) => void;
  /** Address of the gateway now; null while there is none. */
  http?: () => string | null;
  /** What is wrong with the gateway; null when all is well. */
  gatewayProblem?: () => string | null;
  /** A session came or went. */
  onSessions: (count: number) => void;
  /** Another build, or a person, wants this one to end. */
  onDrain: (ending: Ending) => void;
}

/** How a daemon ends. */
export interface Ending {
  /** For the answers in progress. */
  deadlineMs: number;
  /** A window starts the next one: the others wait for that. */
  successor: boolean;
}

export class Daemon implements SessionHost {
  readonly parts: Parts;
  readonly log: Log;
  readonly token: string | null;
  readonly #options: DaemonOptions;
  readonly #sessions = new Set<Session>();
  #draining = false;
  #statsTimer: NodeJS.Timeout | null = null;
  /** As the command line, else the last window, configured it; absent until one did. */
  #store: ChosenStore | undefined;

  constructor(options: DaemonOptions) {
    this.#options = options;
    this.parts = options.parts;
    this.log = options.log;
    this.token = options.token;
    this.#store = options.store;
    this.parts.counters.onChange(() => this.#statsChanged());
    this.parts.onHealth(() => this.tellHealth());
    this.parts.warm();
  }

  attach(transport: Transport): Session {
    return new Session(this, transport);
  }

  get draining(): boolean {
    return this.#draining;
  }

  facts(): DaemonFacts {
    const { mode, dataFolder } = this.#options;
    return { protocol: PROTOCOL_VERSION, build, pid: process.pid, mode, dataFolder, http: this.#options.http?.() ?? null, care: measuredCare() };
  }

  health(): Health {
    const health = this.parts.health();
    const problem = this.#options.gatewayProblem?.() ?? null;
    return problem === null ? health : { ...health, problems: [...health.problems, problem] };
  }

  /** To be called when something of health() that is not the parts' has changed. */
  tellHealth(): void {
    for (const session of this.#sessions) session.tellHealth(this.health());
  }

  joined(session: Session): void {
    this.#sessions.add(session);
    this.log.info(`A window is attached; ${this.#sessions.size} in all.`);
    this.#options.onSessions(this.#sessions.size);
  }

  left(session: Session): void {
    this.#sessions.delete(session);
    this.log.info(`A window has gone; ${this.#sessions.size} left.`);
    this.#options.onSessions(this.#sessions.size);
  }

  configured(sent: ConfigureParams): void {
    const { settings, embeddingApiKey, store, redisPassword } = sent;
    if (store !== undefined && this.#options.store === undefined) this.#store = { ...store, ...(redisPassword === undefined ? {} : { password: redisPassword }) };
    const { maxEntries, embeddingDeadlineMs, embeddingEndpoint, embeddingModel } = settings;
    this.parts.configure({
      maxEntries,
      embeddingDeadlineMs,
      embeddingEndpoint,
      embeddingModel,
      ...(embeddingApiKey === undefined ? {} : { embeddingApiKey }),
      ...(this.#store === undefined ? {} : { store: this.#store }),
    });
    this.#options.onIdleMinutes(settings.idleMinutes);
    this.#options.onConfigured?.(sent);
  }

  /** Models of the editor that windows let other tools use, each once. */
  editorModels(): EditorModelOffer[] {
    return [...new Map([...this.#sessions].flatMap(session => session.editorModels.map(offer => [offer.model, offer]))).values()];
  }

  /** The window that came last answers; null where none offers this model now. */
  editorUpstream(model: string): Upstream | null {
    const session = [...this.#sessions].findLast(({ editorModels }) => editorModels.some(offer => offer.model === model));
    return session?.editorUpstream(model) ?? null;
  }

  /** The judge of the window that came last and has one. */
  judge(): Upstream | null {
    return [...this.#sessions].reverse().reduce<Upstream | null>((found, session) => found ?? session.judge(), null);
  }

  drain({ build: asking, force }: DrainParams): boolean {
    if (force !== true && asking.builtAt <= build.builtAt) return false;
    this.log.info(force === true ? 'A person restarts the daemon.' : `Build ${asking.version} takes over.`);
    // After the answer to the request.
    setImmediate(() => this.#options.onDrain({ deadlineMs: force === true ? forcedDrainMs : drainMs, successor: true }));
    return true;
  }

  /** Refuses new asks, and ends each session when its asks are over or the deadline has come. */
  async finish({ deadlineMs, successor }: Ending): Promise<void> {
    this.#draining = true;
    const deadline = performance.now() + deadlineMs;
    await tellDraining([...this.#sessions], successor);
    while (this.#sessions.size > 0 && performance.now() < deadline) {
      const idle = [...this.#sessions].filter(session => session.asksInProgress === 0);
      // A second time, so that the answer that just ended is on its way before its session is closed.
      await tellDraining(idle, successor);
      for (const session of idle) session.close();
      await new Promise(resolve => setTimeout(resolve, 20));
    }
    for (const session of [...this.#sessions]) session.close();
  }

  async close(): Promise<void> {
    if (this.#statsTimer !== null) clearTimeout(this.#statsTimer);
    for (const session of [...this.#sessions]) session.close();
    await this.parts.close();
  }

  #statsChanged(): void {
    this.#statsTimer ??= setTimeout(() => {
      this.#statsTimer = null;
      void this.#tellStats();
    }, statsEveryMs);
  }

  async #tellStats(): Promise<void> {
    if (this.#sessions.size === 0) return;
    try {
      const stats = await this.parts.counters.stats();
      for (const session of this.#sessions) session.tellStats(stats);
    } catch (error) {
      this.log.warning(`The counters cannot be read: ${loggable(error)}`);
    }
  }
}

/** A person waits for the restart: answers in progress get this long. */
const forcedDrainMs = 2000;
/** A newer build waits for nothing of ours, so that answers in progress may take their time. */
const drainMs = 10 * 60_000;

/** A window that does not read what it is sent is not waited for. */
const tellDeadlineMs = 500;

async function tellDraining(sessions: Session[], successor: boolean): Promise<void> {
  const told = Promise.all(sessions.map(session => session.tellDraining(successor)));
  await Promise.race([told, new Promise(resolve => setTimeout(resolve, tellDeadlineMs).unref())]);
}
