// Which provider gets a request, at which address, with whose key.

import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { HttpUpstreamConfig } from '../protocol/messages.ts';
import { ownCredentials } from './admission.ts';
import type { ApiName } from './api.ts';
import type { GatewayParts } from './gatewayParts.ts';
import { viaHeaders } from './loop.ts';
import { forwardedHeaders } from './providerCall.ts';

/**
 * The first upstream that lists the model (`gpt-*` is a prefix), else the first without a list, else the first whose
 * own API this is: the provider knows best whether it has the model. Of several without a list, one whose own API it is.
 */
export function upstreamFor(upstreams: readonly HttpUpstreamConfig[], model: string, api: ApiName): HttpUpstreamConfig | null {
  const kind = api === 'messages' ? 'anthropic' : 'openai';
  const isNative = (upstream: HttpUpstreamConfig): boolean => upstream.kind === kind;
  const open = upstreams.filter(({ models }) => models.length === 0);
  return (
    upstreams.find(({ models }) => models.some(pattern => fitsModel(pattern, model))) ??
    open.find(isNative) ?? open[0] ?? upstreams.find(isNative) ?? null
  );
}

function fitsModel(pattern: string, model: string): boolean {
  return pattern.endsWith('*') ? model.startsWith(pattern.slice(0, -1)) : pattern === model;
}

/** `pathAndQuery` begins with /v1; base URLs are written with and without it, and some hold another version. */
export function upstreamUrl({ baseUrl }: HttpUpstreamConfig, pathAndQuery: string): URL {
  const base = baseUrl.replace(/\/+$/, '');
  return new URL(/\/v\d+(?:beta\d*)?$/.test(base) ? base + pathAndQuery.replace(/^\/v1(?=\/|\?|$)/, '') : base + pathAndQuery);
}

/** All of a client's headers but ours, where the request has been, and the upstream's key where one is set, else the client's own. */
export function upstreamHeaders(upstream: HttpUpstreamConfig, headers: IncomingHttpHeaders, { token, name }: Pick<GatewayParts, 'token' | 'name'>): OutgoingHttpHeaders {
  const own = ownCredentials(headers, token);
  const dropped = (header: string): boolean => header.startsWith('x-semcache-') || ['authorization', 'x-api-key', 'api-key'].includes(header);
  const passed = { ...forwardedHeaders(headers, dropped), ...viaHeaders(headers, name) };
  if (upstream.apiKey === undefined) return { ...passed, ...own };
  return upstream.kind === 'anthropic' && upstream.bearer !== true
    ? { ...passed, 'x-api-key': upstream.apiKey }
    : { ...passed, authorization: `Bearer ${upstream.apiKey}` };
}
