// Answers through an OpenAI-compatible or Anthropic endpoint, streamed.
// Owns: request bodies, reading their event streams, and errors in a person's words.
// Does not know: who asks. Always true: keys go into request headers and nowhere else.

import { createParser } from 'eventsource-parser';
import type { Upstream, UpstreamPart } from '../protocol/answer.ts';
import { messageOf, SemcacheError } from '../protocol/errors.ts';
import type { HttpUpstreamConfig } from '../protocol/messages.ts';
import type { ModelRequest } from '../protocol/prompt.ts';
import { anthropicWire } from './anthropicWire.ts';
import { openAiWire } from './openAiWire.ts';
import type { Wire } from './wire.ts';

const wires: Record<HttpUpstreamConfig['kind'], Wire> = { openai: openAiWire, anthropic: anthropicWire, ollama: openAiWire };

export function createHttpUpstream(config: HttpUpstreamConfig, model: string): Upstream {
  const wire = wires[config.kind];
  return {
    name: `${model} (${config.name})`,
    async *answer(request, signal): AsyncIterable<UpstreamPart> {
      const response = await post(config, wire, { ...request, model }, signal);
      const reader = wire.reader();
      try {
        for await (const data of eventsOf(response.body!)) {
          for (const part of reader.read(data)) {
            yield part;
            if (part.type === 'end') return;
          }
        }
        const last = reader.close();
        if (last !== null) return yield* last;
      } catch (error) {
        if (error instanceof SemcacheError) throw error;
        throw failed(config, signal, `the connection broke in the middle of the answer (${messageOf(error)})`, error);
      }
      throw failed(config, signal, 'the answer stopped before its end');
    },
  };
}

async function post(config: HttpUpstreamConfig, wire: Wire, request: ModelRequest, signal: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(urlOf(config, wire), {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...wire.headers(config) },
      body: JSON.stringify(wire.body(request)),
      signal,
    });
  } catch (error) {
    throw failed(config, signal, `it cannot be reached at ${new URL(config.baseUrl).host} (${causeOf(error)})`, error);
  }
  if (response.ok && response.body !== null) return response;
  const said = errorText(await response.text().catch(() => ''));
  const hint = response.status === 401 || response.status === 403 ? ' Set its key with “Semcache: Set API Key…”.' : '';
  throw new SemcacheError('upstream-failed', `${config.name} refused the request with status ${response.status}${said}.${hint}`);
}

/** Base URLs are written with and without the trailing /v1; both mean the same. */
function urlOf(config: HttpUpstreamConfig, wire: Wire): string {
  const base = config.baseUrl.replace(/\/+$/, '');
  return `${/\/v\d+$/.test(base) ? base : `${base}/v1`}${wire.path}`;
}

async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncIterable<string> {
  const events: string[] = [];
  const parser = createParser({ onEvent: event => events.push(event.data) });
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    yield* events.splice(0);
  }
}

function failed(config: HttpUpstreamConfig, signal: AbortSignal, what: string, cause?: unknown): SemcacheError {
  return signal.aborted
    ? new SemcacheError('cancelled', 'The request was cancelled before its answer was complete.', cause)
    : new SemcacheError('upstream-failed', `${config.name} did not answer: ${what}. Nothing was stored; ask again.`, cause);
}

/** What fetch hides in `cause`: "ECONNREFUSED" says more than "fetch failed". */
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : messageOf(error);
}

/** The message inside OpenAI's and Anthropic's error objects: both have it at error.message. */
function errorText(body: string): string {
  try {
    const message: unknown = JSON.parse(body)?.error?.message;
    return typeof message === 'string' ? `: ${message.replace(/\.$/, '')}` : '';
  } catch {
    return '';
  }
}
