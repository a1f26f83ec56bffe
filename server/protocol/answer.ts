// Answers: the stream a reader sees, what a store keeps of it, and who gives it.

import type { Decision } from './decision.ts';
import type { FoundEntry } from './entry.ts';
import type { Explanation } from './explanation.ts';
import type { ModelRequest, Route } from './prompt.ts';
import type { CacheSettings } from './settings.ts';

export interface Usage {
  promptTokens: number;
  completionTokens: number;
  /** True where the upstream reported nothing and the figures were counted here (4 characters a token). */
  estimated?: boolean;
}

/** Why an answer ended. Only `stop` and `tool-calls` are complete answers. */
export type FinishReason = 'stop' | 'tool-calls' | 'length' | 'content-filter' | 'cancelled' | 'error' | 'unknown';

export type ContentPart =
  | { type: 'text'; text: string }
  | { type: 'data'; mimeType: string; base64: string }
  | { type: 'tool-call'; callId: string; name: string; input: unknown };

/**
 * Bytes of a provider's own answer, for readers that pass them on as they are (`Ask.wire`): one head, the body, and
 * `done` when the provider has ended it. Never stored.
 */
export type WirePart =
  | { type: 'wire'; step: 'head'; status: number; headers: ReadonlyArray<readonly [name: string, value: string]> }
  /** `terminal`: the event that ends the answer is among these bytes. */
  | { type: 'wire'; step: 'body'; bytes: Uint8Array; terminal?: true }
  | { type: 'wire'; step: 'done' };

export interface EndPart {
  type: 'end';
  finish: FinishReason;
  usage?: Usage;
  model?: string;
  /** The whole answer as its API writes it, where that says more than the parts do. Kept with the generation. */
  message?: Record<string, unknown>;
}

/** What an upstream yields: content in order, then exactly one end. A failure is thrown instead of the end. */
export type UpstreamPart = ContentPart | EndPart;

/** What became of the answer, told once it is settled. */
export interface Outcome {
  /** The entry that was served or stored; null when nothing was stored. */
  entryId: string | null;
  /** Why a fresh answer was not stored, in a person's words. */
  notStored?: string;
  /** What the upstream took; 0 for a hit. */
  upstreamMs: number;
}

/** What every reader gets, hit or miss: the decision first, content in order, then exactly one end. */
export type AnswerPart = { type: 'decision'; decision: Decision } | ContentPart | (EndPart & Outcome);

/** One ask, as a route hands it to the cache. */
export interface Ask {
  request: ModelRequest;
  upstream: WireUpstream;
  route: Route;
  /** Hash of the workspace; null outside one. */
  workspace: string | null;
  settings: CacheSettings;
  /** Skip the lookup, ask upstream, store what it says. */
  refresh?: boolean;
  /** A fresh answer is not stored. */
  noStore?: boolean;
  /** Neither look up nor store: why, in a person's words. */
  bypass?: string;
  /** Whether this reader can be served this entry; any when absent. */
  accepts?: (entry: FoundEntry) => boolean;
  /** Asked about a near hit before `upstream` is; absent: nobody is. */
  judge?: Upstream;
  /** Given, just before the decision is told, what says later why it was made. */
  explain?: (explain: () => Promise<Explanation>) => void;
  /** The form of the wire parts that this reader passes on. An upstream call is shared within one form only. */
  wire?: string;
}

/**
 * The one door for a prompt. Only a failing upstream makes the stream throw (its error, unchanged); whatever fails
 * in the cache becomes a bypass. Aborting `signal` ends the stream with SemcacheError 'cancelled'.
 */
export interface AnswerPrompt {
  /** A reader of wire parts gets them on a fresh answer only; a stored one comes as its content and end. */
  (ask: Ask & { wire: string }, signal: AbortSignal): AsyncIterable<AnswerPart | WirePart>;
  (ask: Ask, signal: AbortSignal): AsyncIterable<AnswerPart>;
}

/**
 * One stored answer: LangChain's Generation. A chat generation also holds the message and the recorded content.
 * `generationInfo` and `message` are kept as they came.
 */
export interface Generation {
  text: string;
  generationInfo?: Record<string, unknown>;
  message?: Record<string, unknown>;
  /** The recorded answer with neighbouring text joined; absent when `text` is all there is. */
  content?: ContentPart[];
}

/** Whatever answers a miss. */
export interface Upstream {
  /** Shown to people: "GPT-4o (Copilot)", "Semcache demo model". */
  readonly name: string;
  /** @throws whatever went wrong upstream; the caller passes it on unchanged. */
  answer(request: ModelRequest, signal: AbortSignal): AsyncIterable<UpstreamPart>;
}

/** An upstream that also yields the bytes of the provider's answer; they reach those readers that asked for them. */
export interface WireUpstream {
  readonly name: string;
  /** @throws whatever went wrong upstream; the caller passes it on unchanged. */
  answer(request: ModelRequest, signal: AbortSignal): AsyncIterable<UpstreamPart | WirePart>;
}

/** The text parts of an answer, joined. */
export function textOf(content: readonly UpstreamPart[]): string {
  return content.map(part => (part.type === 'text' ? part.text : '')).join('');
}
