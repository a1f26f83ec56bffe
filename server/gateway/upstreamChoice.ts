// Which provider gets a request, at which address, with whose key.

import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { SemcacheError } from '../protocol/errors.ts';
import type { HttpUpstreamConfig } from '../protocol/messages.ts';
import { ownCredentials } from './admission.ts';
import type { ApiName } from './api.ts';
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

/** A provider's address that leads back to this gateway would ask itself for ever. @throws SemcacheError upstream-missing */
export function refuseLoop(upstream: HttpUpstreamConfig, ownPort: number | undefined): void {
  const { hostname, port } = new URL(upstream.baseUrl);
  if (Number(port) !== ownPort || !['localhost', '127.0.0.1', '[::1]'].includes(hostname)) return;
  throw new SemcacheError(
    'upstream-missing',
    `The provider "${upstream.name}" has the address of this gateway itself (${upstream.baseUrl}). Give it the provider's own address.`,
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

/** All of a client's headers but ours, with the upstream's key where one is set, else the client's own. */
export function upstreamHeaders(upstream: HttpUpstreamConfig, headers: IncomingHttpHeaders, token: string): OutgoingHttpHeaders {
  const own = ownCredentials(headers, token);
  const passed = forwardedHeaders(headers, name => name.startsWith('x-semcache-') || ['authorization', 'x-api-key', 'api-key'].includes(name));
  if (upstream.apiKey === undefined) return { ...passed, ...own };
  return upstream.kind === 'anthropic' && upstream.bearer !== true
    ? { ...passed, 'x-api-key': upstream.apiKey }
    : { ...passed, authorization: `Bearer ${upstream.apiKey}` };
}
