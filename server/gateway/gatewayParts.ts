// What the gateway is given. It opens nothing but its port.

import type { AnswerPart, Ask, Upstream, WirePart } from '../protocol/answer.ts';
import type { EditorModelOffer, HttpUpstreamConfig } from '../protocol/messages.ts';
import type { ModelRequest } from '../protocol/prompt.ts';
import type { CacheSettings } from '../protocol/settings.ts';
import type { Stats } from '../protocol/stats.ts';

export interface GatewayParts {
  answerPrompt: (ask: Ask & { wire: string }, signal: AbortSignal) => AsyncIterable<AnswerPart | WirePart>;
  /** The person's settings as they are now. */
  settings: () => CacheSettings;
  /** Providers, with their keys; in the order in which they are asked for a model that none of them lists. */
  upstreams: () => readonly HttpUpstreamConfig[];
  /** Models of the editor that windows let other tools use now. */
  editorModels: () => readonly EditorModelOffer[];
  /** Who answers with one of them; null where no window offers it now. */
  editorUpstream: (model: string) => Upstream | null;
  /** Who judges near hits; null: nobody. */
  judge: () => Upstream | null;
  /** The local embedding model; null while a service makes the vectors. @throws SemcacheError embedding-failed, embedding-timeout */
  localEmbedder: () => { embed(texts: string[], signal: AbortSignal): Promise<Float32Array[]> } | null;
  /** Resolves to false when there was no such entry. */
  removeEntry: (id: string) => Promise<boolean>;
  /** The entry's answer is wrong for this request. @throws SemcacheError entry-not-found */
  wrongAnswer: (id: string, request: ModelRequest) => Promise<void>;
  /** The same for an entry that was only offered. @throws SemcacheError entry-not-found */
  notTheSame: (id: string, request: ModelRequest) => Promise<void>;
  /** The entry's question and this request's are the same. @throws SemcacheError entry-not-found, bad-request where words decide nothing */
  sameQuestion: (id: string, request: ModelRequest) => Promise<void>;
  stats: () => Promise<Stats>;
  log: { info(text: string): void; warning(text: string): void };
  now: () => number;
  /** By which it knows its own requests again. */
  name: string;
  /** What tools show to be let in. */
  token: string;
  /** Web pages that may ask. */
  allowedOrigins: () => readonly string[];
  /** True: requests with different provider keys are one person's, and share entries. */
  sharedBetweenKeys: () => boolean;
  /** A request has begun (1) or ended (-1). */
  onRequests: (change: 1 | -1) => void;
}
