// One connected window: what it may ask, one line each.
// Owns: the handshake, the session's settings and upstreams, its asks in progress.
// Does not know: how the connection came to be (sharedDaemon.ts, windowDaemon.ts); how prompts are answered.
// Always true: before the handshake nothing is answered; params are checked before use; a session's end ends only it.

import { timingSafeEqual } from 'node:crypto';
import {
  CancellationTokenSource,
  createConnection,
  createProtocolConnection,
  ErrorCodes,
  ResponseError,
  type CancellationToken,
  type Connection,
  type InitializeParams,
  type InitializeResult,
  type MessageReader,
  type MessageWriter,
  type RequestType,
} from 'vscode-languageserver';
import type { z } from 'zod';
import type { AnswerPart, Upstream, UpstreamPart } from '../protocol/answer.ts';
import type { Entry } from '../protocol/entry.ts';
import { messageOf, SemcacheError, type ErrorCode } from '../protocol/errors.ts';
import type { Explanation } from '../protocol/explanation.ts';
import { mayLeadBack } from '../protocol/lentModels.ts';
import * as messages from '../protocol/messages.ts';
import { defaultCacheSettings, type CacheSettings } from '../protocol/settings.ts';
import type { Stats } from '../protocol/stats.ts';
import { createDemoUpstream } from '../upstream/demoUpstream.ts';
import { createEditorUpstream, type EditorPort } from '../upstream/editorUpstream.ts';
import { createHttpUpstream } from '../upstream/httpUpstream.ts';
import * as params from './checkedParams.ts';
import { loggable, type Log } from './log.ts';
import type { Parts } from './parts.ts';

/** A window that never says who it is, is not one. */
const handshakeDeadlineMs = 10_000;

/** Asks of a session that can be explained. */
const explainedAsks = 100;

/** What a session needs of its daemon. */
export interface SessionHost {
  readonly parts: Parts;
  readonly log: Log;
  facts(): messages.DaemonFacts;
  health(): messages.Health;
  /** What windows must show to be let in; null where the connection itself is proof (window mode). */
  readonly token: string | null;
  readonly draining: boolean;
  /** The handshake was accepted: from now on the daemon counts this session. */
  joined(session: Session): void;
  left(session: Session): void;
  /** The last configuration of any session decides what all share. */
  configured(sent: messages.ConfigureParams): void;
  /** Begins to drain unless the build is not newer and force is not set. Resolves to whether it began. */
  drain(params: messages.DrainParams): boolean;
}

export interface Transport {
  reader: MessageReader;
  writer: MessageWriter;
  /** Closes the connection; harmless when it is closed. */
  end(): void;
}

type Explain = () => Promise<Explanation>;
type Run<P, R> = (params: P, signal: AbortSignal) => Promise<R> | R;

export class Session {
  readonly #host: SessionHost;
  readonly #transport: Transport;
  readonly #connection: Connection;
  readonly #handlers = new Map<string, Run<unknown, unknown>>();
  readonly #asks = new Map<string, AbortController>();
  /** Oldest first. */
  readonly #explained = new Map<string, Explain>();
  readonly #editorCalls = new Map<string, (parts: UpstreamPart[]) => void>();
  #settings: CacheSettings = defaultCacheSettings;
  #upstreams: messages.HttpUpstreamConfig[] = [];
  #editorModels: readonly messages.EditorModelOffer[] = [];
  #judge: messages.JudgeChoice | null = null;
  #joined = false;
  #closed = false;
  #stopLog = (): void => undefined;

  constructor(host: SessionHost, transport: Transport) {
    this.#host = host;
    this.#transport = transport;
    this.#connection = createConnection(
      // The library's own complaints quote whole messages: they are told without their text.
      () => {
        const complain = (): void => host.log.debug('A session sent something that is not a message.');
        const connection = createProtocolConnection(transport.reader, transport.writer, {
          error: complain,
          warn: complain,
          info: () => undefined,
          log: () => undefined,
        });
        connection.onError(() => {
          host.log.warning('A session was closed: it sent bytes that are not the protocol\'s.');
          this.close();
        });
        connection.onClose(() => this.close());
        return connection;
      },
      // Ends this session where the library's own watchdog would end the process.
      { shutdownReceived: false, initialize: () => undefined, exit: () => this.close() },
    );
    this.#register();
    this.#connection.listen();
    setTimeout(() => {
      if (!this.#joined) this.close();
    }, handshakeDeadlineMs).unref();
  }

  get asksInProgress(): number {
    return this.#asks.size;
  }

  /** Models of this window's editor that other tools may use. */
  get editorModels(): readonly messages.EditorModelOffer[] {
    return this.#editorModels;
  }

  /** Who judges near hits; null where the person wants nobody, or the endpoint is not there any more. */
  judge(): Upstream | null {
    const judge = this.#judge;
    if (judge === null) return null;
    if (judge.kind === 'editor') return this.editorUpstream(judge.model);
    const config = this.#upstreams.find(({ name }) => name === judge.name);
    return config === undefined ? null : createHttpUpstream(config, judge.model);
  }

  /** Answers with a model of this window's editor what is no ask of this window. */
  editorUpstream(model: string): Upstream {
    return createEditorUpstream({ port: this.#editorPort, askId: null, model });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopLog();
    this.abortAsks();
    // Rejects what the window still owed us.
    this.#connection.dispose();
    this.#transport.end();
    if (this.#joined) this.#host.left(this);
  }

  abortAsks(): void {
    for (const ask of this.#asks.values()) ask.abort();
  }

  tellStats(stats: Stats): void {
    this.#notify(messages.statsChanged.method, stats);
  }

  tellHealth(health: messages.Health): void {
    this.#notify(messages.healthChanged.method, health);
  }

  /** Settles when the window has been sent this and all before it. */
  async tellDraining(successor: boolean): Promise<void> {
    if (this.#closed || !this.#joined) return;
    await this.#connection.sendNotification(messages.drainingNotification, { successor }).catch(() => undefined);
  }

  #register(): void {
    const { parts } = this.#host;
    this.#connection.onInitialize(initialize => this.#initialize(initialize));
    this.#connection.onNotification(messages.editorParts.method, (sent: unknown) => this.#editorParts(sent));
    this.#connection.onRequest((method, sent, token) => this.#answer(method, sent, token));

    this.#on(messages.configureRequest, params.configureParams, sent => this.#configure(sent));
    this.#on(messages.completeRequest, params.completeParams, (sent, signal) => this.#complete(sent, signal));
    this.#on(messages.lookupRequest, params.lookupParams, sent => parts.lookup(sent, this.#settings));
    this.#on(messages.updateRequest, params.updateParams, async sent => ({ entryId: (await parts.update(sent, this.#settings)).id }));
    this.#on(messages.clearRequest, params.entryFilter, async sent => ({ removed: await parts.clear(sent) }));
    this.#on(messages.listRequest, params.listParams, sent => parts.store.list(sent));
    this.#on(messages.entryRequest, params.entryParams, async ({ id }) => withoutVector(await parts.store.get(id)));
    this.#on(messages.editRequest, params.editParams, ({ id, text }) => parts.edit(id, text));
    this.#on(messages.wrongAnswerRequest, params.wrongAnswerParams, ({ entryId, request, offered }) =>
      offered === true ? parts.notTheSame(entryId, request) : parts.wrongAnswer(entryId, request),
    );
    this.#on(messages.sameQuestionRequest, params.sameQuestionParams, sent => parts.sameQuestion(sent.entryId, sent.request));
    this.#on(messages.explainRequest, params.explainParams, async ({ askId }) => (await this.#explained.get(askId)?.()) ?? null);
    this.#handlers.set(messages.statsRequest.method, () => parts.counters.stats());
    this.#on(messages.drainRequest, params.drainParams, sent => ({ draining: this.#host.drain(sent) }));
  }

  #on<P, R>(type: RequestType<P, R, void>, schema: z.ZodType<P>, run: Run<P, R>): void {
    this.#handlers.set(type.method, (sent, signal) => run(params.checked(schema, sent, type.method), signal));
  }

  /** Every request but initialize and shutdown, which the library takes. */
  async #answer(method: string, sent: unknown, token: CancellationToken): Promise<unknown> {
    const abort = new AbortController();
    token.onCancellationRequested(() => abort.abort());
    try {
      if (!this.#joined) {
        throw new SemcacheError('not-authenticated', 'The session has not shown its token. Send initialize with it first.');
      }
      const run = this.#handlers.get(method);
      if (run === undefined) return new ResponseError(ErrorCodes.MethodNotFound, `There is no request ${method} in protocol ${messages.PROTOCOL_VERSION}.`);
      return (await run(sent, abort.signal)) ?? null;
    } catch (error) {
      // An upstream's text may quote the prompt: its code says enough.
      if (!(error instanceof SemcacheError)) this.#host.log.error(`${method} failed: ${loggable(error)}`);
      return responseErrorOf(error);
    }
  }

  #initialize(initialize: InitializeParams): InitializeResult | ResponseError<never> {
    try {
      this.#join(params.checked(params.initializationOptions, initialize.initializationOptions, 'initialize'));
      return { capabilities: {}, semcache: this.#host.facts() };
    } catch (error) {
      this.#host.log.warning(`A session was refused: ${loggable(error)}`);
      // The library's type wants data for its retry dialogue; ours is ErrorData, as in every other answer.
      return responseErrorOf(error) as ResponseError<never>;
    }
  }

  #join(options: messages.InitializationOptions): void {
    const { token, log, parts, draining } = this.#host;
    if (token !== null && !isEqualSecret(options.token, token)) {
      throw new SemcacheError('not-authenticated', 'The token is not this daemon\'s. Read the discovery record again: the daemon may be a new one.');
    }
    if (options.protocol !== messages.PROTOCOL_VERSION) {
      throw new SemcacheError(
        'incompatible-protocol',
        `The window speaks protocol ${options.protocol}, this daemon ${messages.PROTOCOL_VERSION}. The window starts a daemon of its own; ` +
          'reload windows that run an older Semcache.',
      );
    }
    if (draining) throw new SemcacheError('draining', 'This daemon is about to end. Another takes over: try again in a moment.');
    if (this.#joined) throw new SemcacheError('bad-request', 'The session is initialised already.');
    this.#joined = true;
    this.#host.joined(this);
    this.#stopLog = log.onLine((level, text) => {
      if (level !== 'debug') this.#connection.console[({ error: 'error', warning: 'warn', info: 'info' } as const)[level]](text);
    });
    // After the answer to initialize.
    setImmediate(() => {
      this.tellHealth(this.#host.health());
      parts.counters.stats().then(stats => this.tellStats(stats), () => undefined);
    });
  }

  #configure(sent: messages.ConfigureParams): void {
    this.#settings = sent.settings;
    this.#upstreams = sent.upstreams;
    this.#judge = sent.judge ?? null;
    this.#editorModels = (sent.editorModels ?? []).filter(({ model }) => !mayLeadBack(model));
    this.#host.configured(sent);
  }

  async #complete(sent: messages.CompleteParams, cancelled: AbortSignal): Promise<void> {
    const { askId, request, route, workspace, refresh } = sent;
    if (this.#host.draining) throw new SemcacheError('draining', 'This daemon is about to end. Ask again in a moment.');
    if (this.#asks.has(askId)) throw new SemcacheError('bad-request', 'askId: an ask with this id is in progress. Give each its own.');
    const abort = new AbortController();
    cancelled.addEventListener('abort', () => abort.abort());
    this.#asks.set(askId, abort);
    const parts = new PartBatch(batch => this.#notify(messages.answerParts.method, { askId, parts: batch }));
    try {
      const judge = this.judge();
      const ask = { request, upstream: this.#upstreamFor(sent), route, workspace, settings: this.#settings, ...(judge === null ? {} : { judge }), explain: (explain: Explain) => this.#remember(askId, explain), ...(refresh === undefined ? {} : { refresh }) };
      for await (const part of this.#host.parts.answerPrompt(ask, abort.signal)) parts.push(part);
    } catch (error) {
      throw error instanceof SemcacheError ? error : new SemcacheError('upstream-failed', messageOf(error), error);
    } finally {
      parts.flush();
      this.#asks.delete(askId);
    }
  }

  #remember(askId: string, explain: Explain): void {
    this.#explained.delete(askId);
    this.#explained.set(askId, explain);
    if (this.#explained.size > explainedAsks) this.#explained.delete(this.#explained.keys().next().value!);
  }

  #upstreamFor({ askId, upstream }: messages.CompleteParams): Upstream {
    switch (upstream.kind) {
      case 'editor':
        return createEditorUpstream({ port: this.#editorPort, askId, model: upstream.model });
      case 'demo':
        return createDemoUpstream();
      case 'http': {
        const config = this.#upstreams.find(({ name }) => name === upstream.name);
        if (config !== undefined) return createHttpUpstream(config, upstream.model);
        throw new SemcacheError(
          'upstream-missing',
          `There is no endpoint "${upstream.name}" in semcache.upstreams. Add it, or choose another model (Semcache: Choose Model…).`,
        );
      }
    }
  }

  readonly #editorPort: EditorPort = {
    request: async (call, signal) => {
      if (signal.aborted) return;
      const source = new CancellationTokenSource();
      const cancel = (): void => source.cancel();
      signal.addEventListener('abort', cancel);
      try {
        await this.#connection.sendRequest(messages.answerInEditorRequest, call, source.token);
      } finally {
        signal.removeEventListener('abort', cancel);
      }
    },
    onParts: (callId, listener) => {
      this.#editorCalls.set(callId, listener);
      return () => this.#editorCalls.delete(callId);
    },
  };

  #editorParts(sent: unknown): void {
    if (!this.#joined) return;
    const result = params.editorParts.safeParse(sent);
    if (result.success) this.#editorCalls.get(result.data.callId)?.(result.data.parts);
    else this.#host.log.warning('A window sent parts of an answer that are not what the protocol says. They were left out.');
  }

  #notify(method: string, sent: unknown): void {
    if (this.#closed || !this.#joined) return;
    // A window that is gone closes its session; there is nobody to tell.
    this.#connection.sendNotification(method, sent).catch(() => undefined);
  }
}

/** Parts that are ready in the same turn of the event loop travel in one notification. */
class PartBatch {
  readonly #send: (parts: AnswerPart[]) => void;
  #waiting: AnswerPart[] = [];

  constructor(send: (parts: AnswerPart[]) => void) {
    this.#send = send;
  }

  push(part: AnswerPart): void {
    if (this.#waiting.length === 0) setImmediate(() => this.flush());
    this.#waiting.push(part);
  }

  flush(): void {
    if (this.#waiting.length === 0) return;
    const parts = this.#waiting;
    this.#waiting = [];
    this.#send(parts);
  }
}

/** Errors that began as ours keep their code; those of an upstream are its own and keep their text. */
function responseErrorOf(error: unknown): ResponseError<messages.ErrorData> {
  const code: ErrorCode = error instanceof SemcacheError ? error.code : 'internal-error';
  const number = code === 'bad-request' ? ErrorCodes.InvalidParams : ErrorCodes.InternalError;
  return new ResponseError(number, messageOf(error), { code });
}

function isEqualSecret(shown: string, secret: string): boolean {
  const [a, b] = [Buffer.from(shown), Buffer.from(secret)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function withoutVector(entry: Entry | null): messages.EntryDetail | null {
  if (entry === null) return null;
  const { vector: _vector, ...detail } = entry;
  return detail;
}
