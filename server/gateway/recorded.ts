// What is kept of an answer beside its text, and for whom it can be replayed.
// Always true: a final object is replayed within its own API as it was; to another API only where nothing is lost.

import type { ContentPart, FinishReason, Usage } from '../protocol/answer.ts';
import type { FoundEntry } from '../protocol/entry.ts';
import { isJson, type Api, type ApiName, type Fresh, type Json, type PlainAnswer } from './api.ts';
import { apiNamed } from './apis.ts';

/** Kept as a generation's message. */
export interface Recorded {
  api: ApiName;
  final: Json;
}

export function recordedMessage(api: Api, final: Json): Record<string, unknown> {
  return { api: api.name, final };
}

/** Whether this entry can answer a body of this API. */
export function canServe(api: Api, body: Json, entry: FoundEntry): boolean {
  const [generation] = entry.generations;
  if (generation === undefined) return false;
  const recorded = recordedIn(generation.message);
  if (recorded?.api === api.name) return api.fits(recorded.final, body);
  const plain =
    recorded === null
      ? (generation.content ?? []).every(part => part.type === 'text') && generation.generationInfo?.['finishReason'] !== 'tool-calls'
      : apiNamed(recorded.api).plainOf(recorded.final) !== null;
  return plain && api.takesPlain(body);
}

/** What a hit gave. */
export interface Served {
  content: ContentPart[];
  finish: FinishReason;
  usage?: Usage;
  model: string;
  message?: Record<string, unknown>;
}

/** The final object that this API answers with. The entry was let through by canServe(). */
export function finalOf(api: Api, body: Json, served: Served, renewal: Omit<Fresh, 'usage'>): Json {
  const fresh: Fresh = { ...renewal, ...(served.usage === undefined ? {} : { usage: served.usage }) };
  const recorded = recordedIn(served.message);
  if (recorded?.api === api.name) return api.renewed(recorded.final, body, fresh);
  const plain = recorded === null ? null : apiNamed(recorded.api).plainOf(recorded.final);
  return api.ofPlain(plain ?? plainServed(served), fresh);
}

function plainServed({ content, usage, model }: Served): PlainAnswer {
  return {
    text: content.map(part => (part.type === 'text' ? part.text : '')).join(''),
    model,
    usage: usage === undefined ? null : { input: usage.promptTokens, cachedInput: 0, output: usage.completionTokens, reasoning: 0 },
  };
}

function recordedIn(message: Record<string, unknown> | undefined): Recorded | null {
  if (message === undefined || !isJson(message['final']) || typeof message['api'] !== 'string') return null;
  return { api: message['api'] as ApiName, final: message['final'] };
}
