// Every message between a window and the daemon, one constant each. LSP framing; the LSP life cycle
// (initialize, shutdown, exit) is that of one session, never of the daemon.
//
// Handshake: `initialize` carries InitializationOptions with the token of the discovery record; until it has been
// accepted every other request is refused with 'not-authenticated'.

import { NotificationType, RequestType, RequestType0 } from 'vscode-languageserver-protocol';
import type { AnswerPart, Generation, UpstreamPart } from './answer.ts';
import type { Care } from './care.ts';
import type { Entry, EntryFilter, EntrySummary } from './entry.ts';
import type { Explanation } from './explanation.ts';
import type { ModelRequest, Route } from './prompt.ts';
import type { CacheSettings, GatewaySettings, StoreSettings } from './settings.ts';
import type { Decision } from './decision.ts';
import type { Stats } from './stats.ts';

export { PROTOCOL_VERSION } from './build.ts';

export interface InitializationOptions {
  token: string;
  protocol: number;
  /** Version and build time of the client's bundle, so that a newer one can ask an older daemon to drain. */
  build: Build;
}

export interface Build {
  version: string;
  /** Milliseconds since 1970. */
  builtAt: number;
}

/** Comes back as `semcache` beside `capabilities` in the initialize result. */
export interface DaemonFacts {
  protocol: number;
  build: Build;
  pid: number;
  mode: 'shared' | 'window';
  dataFolder: string;
  /** Address of the HTTP gateway; null while there is none. */
  http: string | null;
  /** What mode 'verified' was measured to do. */
  care: Care;
}

/** Where a miss is answered. */
export type UpstreamChoice =
  /** A model of the editor, asked through the window that asks us (`answerInEditorRequest`). */
  | { kind: 'editor'; model: string }
  /** One of the session's configured HTTP upstreams, by name. */
  | { kind: 'http'; name: string; model: string }
  /** Canned answers, slow on purpose. */
  | { kind: 'demo' };

/** Who judges near hits. */
export type JudgeChoice = Exclude<UpstreamChoice, { kind: 'demo' }>;

/** An HTTP upstream with its secret: travels over the connection only, is kept in memory only. */
export interface HttpUpstreamConfig {
  name: string;
  /** `ollama` speaks OpenAI's API, needs no key and says itself which models it has. */
  kind: 'openai' | 'anthropic' | 'ollama';
  /** With or without a trailing /v1. */
  baseUrl: string;
  apiKey?: string;
  /** Anthropic only: send the key as a bearer token (ANTHROPIC_AUTH_TOKEN), not as x-api-key. */
  bearer?: boolean;
  models: string[];
}

/** Sent after initialize and whenever something of it changes. Replaces the session's earlier configuration. */
export interface ConfigureParams {
  settings: CacheSettings;
  upstreams: HttpUpstreamConfig[];
  /** Absent: as it is. */
  gateway?: GatewaySettings;
  /** Secret of the embeddings endpoint, if one is set. */
  embeddingApiKey?: string;
  /** Absent: as it is. */
  store?: StoreSettings;
  /** Of the Redis, if one is set. */
  redisPassword?: string;
  /** Models of this window's editor that the person lets other tools use through the gateway; absent: none. */
  editorModels?: EditorModelOffer[];
  /** Asked about near hits before the model that answers (semcache.judge); absent: nobody is. */
  judge?: JudgeChoice;
}

/** A model of the editor, as `UpstreamChoice` names it, with its name for people. */
export interface EditorModelOffer {
  model: string;
  name: string;
}
export const configureRequest = new RequestType<ConfigureParams, void, void>('semcache/configure');

export interface CompleteParams {
  /** Unique within the session; parts carry it. */
  askId: string;
  request: ModelRequest;
  upstream: UpstreamChoice;
  route: Route;
  /** Hash of the workspace; null outside one. */
  workspace: string | null;
  /** Skip the lookup, ask upstream, store what it says. */
  refresh?: boolean;
}
/** The answer comes as `answerParts` notifications, all of them before the result. Cancel it with $/cancelRequest. */
export const completeRequest = new RequestType<CompleteParams, void, void>('semcache/complete');
export const answerParts = new NotificationType<{ askId: string; parts: AnswerPart[] }>('semcache/answerParts');

/** Daemon to window: answer with this model of the editor. Cancel with $/cancelRequest. */
export interface AnswerInEditorParams {
  callId: string;
  /** The window's ask that is to be answered; the call's own id where there is none. */
  askId: string;
  model: string;
  /**
   * What another tool asks, or the judge is asked; absent where the window knows its ask. Sent only to windows that
   * offer this model to tools, or named it as the judge.
   */
  request?: ModelRequest;
}
export const answerInEditorRequest = new RequestType<AnswerInEditorParams, void, void>('semcache/answerInEditor');
/** Window to daemon: parts of that answer, in order; the last is an `end`. */
export const editorParts = new NotificationType<{ callId: string; parts: UpstreamPart[] }>('semcache/editorParts');

/** The seed's three verbs, as they are. */
export interface LookupParams {
  prompt: string;
  llmString: string;
}
export interface LookupResult {
  decision: Decision;
  /** Null on a miss. */
  generations: Generation[] | null;
}
export const lookupRequest = new RequestType<LookupParams, LookupResult, void>('semcache/lookup');

export interface UpdateParams extends LookupParams {
  generations: Generation[];
}
export const updateRequest = new RequestType<UpdateParams, { entryId: string }, void>('semcache/update');

/** An empty filter is everything. Resolves to the number of entries removed. */
export const clearRequest = new RequestType<EntryFilter, { removed: number }, void>('semcache/clear');

export interface ListParams {
  filter: EntryFilter;
  /** Words that must occur in the instruction. */
  search?: string;
  offset: number;
  limit: number;
}
/** Newest first. */
export const listRequest = new RequestType<ListParams, { total: number; entries: EntrySummary[] }, void>('semcache/list');

/** Everything of an entry but its vector; null when it is gone. */
export type EntryDetail = Omit<Entry, 'vector'>;
export const entryRequest = new RequestType<{ id: string }, EntryDetail | null, void>('semcache/entry');

/** Replaces the answer's text. @throws entry-not-found */
export const editRequest = new RequestType<{ id: string; text: string }, void, void>('semcache/edit');

/**
 * The entry's answer is wrong for this request: the pair of instructions is never matched again. Where both are the
 * same question (an exact hit) the entry itself is removed.
 */
export interface WrongAnswerParams {
  entryId: string;
  request: ModelRequest;
  /** The answer was offered as a near hit and never served: no wrong hit is counted. */
  offered?: boolean;
}
export const wrongAnswerRequest = new RequestType<WrongAnswerParams, void, void>('semcache/wrongAnswer');

/** The entry's question and this request's are the same: from now on the entry may answer it. @throws entry-not-found */
export const sameQuestionRequest = new RequestType<{ entryId: string; request: ModelRequest }, void, void>(
  'semcache/sameQuestion',
);

/** Why an ask of this session ended as it did; null when it is forgotten (the last 100 are kept). */
export const explainRequest = new RequestType<{ askId: string }, Explanation | null, void>('semcache/explain');

export const statsRequest = new RequestType0<Stats, void>('semcache/stats');
/** To every session, whenever a count changes (at most a few times a second). */
export const statsChanged = new NotificationType<Stats>('semcache/statsChanged');

/** The daemon's health, to every session whenever it changes. */
export interface Health {
  embedding: 'loading' | 'ready' | 'failed';
  store: 'ready' | 'failed';
  /** What it is and where: "SQLite, /home/ann/…/cache.db", "Redis (query engine), host:6379". */
  storeText: string;
  /** What is wrong and what to do, one sentence each; empty when all is well. */
  problems: string[];
}
export const healthChanged = new NotificationType<Health>('semcache/health');

/**
 * A newer build asks an older daemon to finish what it does and exit. Refused for an equal or older build, unless
 * `force`: a person asked for a restart, and answers in progress get 2 seconds.
 */
export interface DrainParams {
  build: Build;
  force?: boolean;
}
export const drainRequest = new RequestType<DrainParams, { draining: boolean }, void>('semcache/drain');
/** To every session of a daemon that ends. `successor`: another window is about to start the next; wait a moment for it. */
export const drainingNotification = new NotificationType<{ successor: boolean }>('semcache/draining');

/** Data of a JSON-RPC error that began as a SemcacheError. */
export interface ErrorData {
  code: string;
}
