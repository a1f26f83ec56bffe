// Which provider gets a request, at which address, with whose key.

import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { HttpUpstreamConfig } from '../protocol/messages.ts';
import { ownCredentials } from './admission.ts';
import type { ApiName } from './api.ts';
import { forwardedHeaders } from './providerCall.ts';

/**
 * The first upstream that lists the model (`gpt-*` is a prefix), else the first of those without a list that speaks
 * this API natively, else the first without a list. A list is a promise: other models are not sent there.
 */
export function upstreamFor(upstreams: readonly HttpUpstreamConfig[], model: string, api: ApiName | null): HttpUpstreamConfig | null {
  const listed = upstreams.find(({ models }) => models.some(pattern => fitsModel(pattern, model)));
  if (listed !== undefined) return listed;
  const open = upstreams.filter(({ models }) => models.length === 0);
  const kind = api === 'messages' ? 'anthropic' : 'openai';
  return open.find(upstream => upstream.kind === kind) ?? open[0] ?? null;
}

function fitsModel(pattern: string, model: string): boolean {
  return pattern.endsWith('*') ? model.startsWith(pattern.slice(0, -1)) : pattern === model;
}

/** `pathAndQuery` begins with /v1; base URLs are written with and without it, and some hold another version. */
export function upstreamUrl({ baseUrl }: HttpUpstreamConfig, pathAndQuery: string): URL {
  const base = baseUrl.replace(/\/+$/, '');
  return new URL(/\/v\d+(?:beta\d*)?$/.test(base) ? base + pathAndQuery.replace(/^\/v1(?=\/|\?|$)/, '') : base + pathAndQuery);
}

/** All of a client's headers but ours, with the upstream's key where one is set, else the client's own. */
export function upstreamHeaders(upstream: HttpUpstreamConfig, headers: IncomingHttpHeaders, token: string): OutgoingHttpHeaders {
  const own = ownCredentials(headers, token);
  const passed = forwardedHeaders(headers, name => name.startsWith('x-semcache-') || ['authorization', 'x-api-key', 'api-key'].includes(name));
  if (upstream.apiKey === undefined) return { ...passed, ...own };
  return upstream.kind === 'anthropic' && upstream.bearer !== true
    ? { ...passed, 'x-api-key': upstream.apiKey }
    : { ...passed, authorization: `Bearer ${upstream.apiKey}` };
}
