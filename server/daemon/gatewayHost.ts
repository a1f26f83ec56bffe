// The gateway of a daemon: open or closed as the person wants it, on the daemon's own parts.
// Owns: when the gateway is opened, closed or moved, and which settings and providers it works with.
// Does not know: HTTP; sessions. Always true: a gateway that cannot be opened is told in the log and stops nothing else.

import { openGateway, type Gateway, type GatewayOptions } from '../gateway/gateway.ts';
import { messageOf } from '../protocol/errors.ts';
import type { ConfigureParams, HttpUpstreamConfig } from '../protocol/messages.ts';
import { defaultCacheSettings, defaultGatewaySettings, type CacheSettings, type GatewaySettings } from '../protocol/settings.ts';
import type { Log } from './log.ts';
import type { Parts } from './parts.ts';

/** What the command line said; windows do not overrule it. */
export interface GatewayFlags {
  port?: number;
  upstreams?: HttpUpstreamConfig[];
}

interface HostOptions {
  parts: Parts;
  dataFolder: string;
  log: Log;
  now: () => number;
  flags?: GatewayFlags;
  /** What the windows lend to other tools. */
  windows: Pick<GatewayOptions, 'editorModels' | 'editorUpstream' | 'judge'>;
  /** The address is another one now; null: there is no gateway. */
  onAddress: (http: string | null) => void;
  /** A request has begun or ended. */
  onRequests: () => void;
}

export class GatewayHost {
  readonly #options: HostOptions;
  readonly #flags: GatewayFlags;
  #settings: CacheSettings = defaultCacheSettings;
  #wanted: GatewaySettings = defaultGatewaySettings;
  #upstreams: HttpUpstreamConfig[] = [];
  #gateway: Gateway | null = null;
  #openFor: number | null = null;
  #problem: string | null = null;
  #requests = 0;
  #closed = false;
  #graceMs: number | null = 0;
  /** Changes happen one after the other. */
  #changing: Promise<void> = Promise.resolve();

  constructor(options: HostOptions) {
    this.#options = options;
    this.#flags = options.flags ?? {};
  }

  get http(): string | null {
    return this.#gateway?.url ?? null;
  }

  get token(): string | null {
    return this.#gateway?.token ?? null;
  }

  /** What is wrong with it, and what to do; null when all is well. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Requests in progress. */
  get requests(): number {
    return this.#requests;
  }

  /** Resolves when the gateway is open, or cannot be. */
  start(): Promise<void> {
    return this.#change();
  }

  /** The last window that says something decides. */
  configure({ settings, upstreams, gateway }: ConfigureParams): void {
    this.#settings = settings;
    this.#upstreams = upstreams;
    this.#wanted = gateway ?? this.#wanted;
    void this.#change();
  }

  /** `graceMs` for the requests in progress; null: as long as they take. */
  async close(graceMs: number | null): Promise<void> {
    this.#closed = true;
    this.#graceMs = graceMs;
    await this.#change();
  }

  #change(): Promise<void> {
    this.#changing = this.#changing.then(() => this.#asWanted());
    return this.#changing;
  }

  async #asWanted(): Promise<void> {
    const isFlagged = this.#flags.port !== undefined || this.#flags.upstreams !== undefined;
    const port = !this.#closed && (this.#wanted.enabled || isFlagged) ? (this.#flags.port ?? this.#wanted.port) : null;
    if (port === this.#openFor) return;
    const { onAddress, log } = this.#options;
    this.#openFor = port;
    const before = this.#gateway;
    this.#gateway = null;
    this.#problem = null;
    await before?.close(this.#graceMs);
    const opened = port === null ? null : await this.#open(port);
    this.#gateway = opened;
    if (opened !== null) {
      log.info(`The gateway listens on ${opened.url}.`);
      if (port !== 0 && port !== opened.port) this.#problem = portTaken(port!, opened.port);
    }
    onAddress(this.http);
  }

  async #open(port: number): Promise<Gateway | null> {
    const { parts, dataFolder, log, now } = this.#options;
    try {
      return await openGatewayOf(parts, {
        dataFolder, port, log, now,
        ...this.#options.windows,
        settings: () => this.#settings,
        upstreams: () => this.#flags.upstreams ?? this.#upstreams,
        allowedOrigins: () => this.#wanted.origins,
        sharedBetweenKeys: () => this.#wanted.shareBetweenKeys,
        onRequests: change => {
          this.#requests += change;
          this.#options.onRequests();
        },
      });
    } catch (error) {
      this.#problem = `The gateway for other tools could not be opened: ${messageOf(error)}`;
      log.warning(this.#problem);
      return null;
    }
  }
}

function portTaken(wanted: number, port: number): string {
  return (
    `Port ${wanted} is taken by another program: other tools reach the gateway on port ${port} now. Set semcache.gateway.port to a free one ` +
    'and run "Semcache: Connect Another Tool…" again, or end that program and restart the daemon.'
  );
}

type OfParts = 'answerPrompt' | 'localEmbedder' | 'removeEntry' | 'wrongAnswer' | 'notTheSame' | 'sameQuestion' | 'stats';

/** A gateway on these parts: what it is given of them, and nothing more. */
export function openGatewayOf(parts: Parts, options: Omit<GatewayOptions, OfParts>): Promise<Gateway> {
  return openGateway({
    answerPrompt: (ask, signal) => parts.answerPrompt(ask, signal),
    localEmbedder: () => parts.localEmbedder,
    removeEntry: async id => (await parts.clear({ ids: [id] })) > 0,
    wrongAnswer: (id, request) => parts.wrongAnswer(id, request),
    notTheSame: (id, request) => parts.notTheSame(id, request),
    sameQuestion: (id, request) => parts.sameQuestion(id, request),
    stats: () => parts.counters.stats(),
    ...options,
  });
}
