// What the gateway needs to know of one API: its request body, its streamed events and its final object.
// Owns: the shape that the four implementations share. Does not know: HTTP; the cache.
//
// A final object is what the API answers to a request that is not streamed. It is what is recorded, whether or not the
// answer was streamed, and everything is replayed from it.

import type { ContentPart, FinishReason, Usage } from '../protocol/answer.ts';
import type { ModelRequest } from '../protocol/prompt.ts';

export type Json = Record<string, unknown>;

export type ApiName = 'chat' | 'completions' | 'messages' | 'responses';

export interface Api {
  readonly name: ApiName;
  /** Below the host, as clients ask for it. */
  readonly path: string;
  /** What of a body the cache compares. Never throws for what it does not know: that is compared exactly. */
  read(body: Json, headers: (name: string) => string | undefined): Reading;
  /** Puts the final object of a streamed answer together. */
  recorder(): Recorder;
  /** What a store and a person need to know of a final object. */
  finished(final: Json): Finished;
  /** Whether an answer of this API, recorded for an equal prompt, is what this body asks for. */
  fits(final: Json, body: Json): boolean;
  /** The final object as a new answer to this body: new ids and times. */
  renewed(final: Json, body: Json, fresh: Fresh): Json;
  /** A final object as the events of a stream, complete enough for every known client. */
  events(final: Json, body: Json): ServerEvent[];
  /** An answer of pure text, out of a final object: null when anything would be lost. */
  plainOf(final: Json): PlainAnswer | null;
  /** Whether an answer of pure text says all that this body asks for. */
  takesPlain(body: Json): boolean;
  ofPlain(plain: PlainAnswer, fresh: Fresh): Json;
  /** Writes an answer that no provider wrote, as it comes; absent where the API has no room for one. */
  live?(body: Json, fresh: LiveFresh): LiveEvents;
  /** An error of our own in this API's shape. */
  error(status: number, message: string): Json;
}

/** The events of a stream, as the answer comes. The recorder of the same API understands them. */
export interface LiveEvents {
  begin(): ServerEvent[];
  part(part: ContentPart & { type: 'text' | 'tool-call' }): ServerEvent[];
  end(finish: LiveFinish, completionTokens: number): ServerEvent[];
  /** Told in the middle of a stream. */
  error(message: string): ServerEvent[];
}

export interface LiveFresh extends Omit<Fresh, 'usage'> {
  /** Of the whole request. */
  promptTokens: number;
}

/** How a whole answer ends. */
export type LiveFinish = FinishReason & ('stop' | 'tool-calls');

export interface Reading {
  /** What is compared. */
  request: ModelRequest;
  /** The same with all that is not compared, for a model that is no HTTP provider. */
  asked?: ModelRequest;
  /** Why such a request is passed on as it is, in a person's words. */
  bypass?: string;
}

export interface Recorder {
  /** Takes one event's data. True when it is the one that ends a whole answer. @throws for what cannot be understood */
  event(data: string): boolean;
  /** The final object; null while the stream has not said everything, or said something that cannot be replayed. */
  final(): Json | null;
}

export interface Finished {
  finish: FinishReason;
  content: ContentPart[];
  usage?: Usage;
  model?: string;
}

export interface ServerEvent {
  event?: string;
  data: string;
}

/** What a replay has beside the recording. */
export interface Fresh {
  /** 24 characters that no other answer has. */
  id: string;
  /** Seconds since 1970. */
  createdAt: number;
  /** What the cache counted, for a recording without usage: chat streams hold none unless it was asked for. */
  usage?: Usage;
}

export interface PlainAnswer {
  text: string;
  model: string;
  /** Tokens; `input` includes the cached ones. Null where the provider reported none. */
  usage: { input: number; cachedInput: number; output: number; reasoning: number } | null;
}

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The objects of a list; empty for anything else. */
export function jsonList(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isJson) : [];
}

export function textOrEmpty(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function countOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

/** True for what says nothing: null, absent, "", [] and {}. */
export function isBlank(value: unknown): boolean {
  if (value === null || value === undefined || value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  return isJson(value) && Object.keys(value).length === 0;
}

/** Arguments of a tool call: JSON where they are that, else the text as it came. */
export function toolInput(value: unknown): unknown {
  if (typeof value !== 'string') return value ?? {};
  if (value.trim() === '') return {};
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}
