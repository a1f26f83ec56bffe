// GET /v1/models: what all providers offer. A single provider's own list is passed on as it is.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { isJson, jsonList, textOrEmpty, type Json } from './api.ts';
import type { GatewayParts } from './gatewayParts.ts';
import { passThrough } from './passThrough.ts';
import { callProvider } from './providerCall.ts';
import type { HttpUpstreamConfig } from '../protocol/messages.ts';
import { sendJson } from './reply.ts';
import { upstreamHeaders, upstreamUrl } from './upstreamChoice.ts';

/** A provider that is slow to list its models is left out. */
const deadlineMs = 3000;

export async function modelsRoute(parts: GatewayParts, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const upstreams = parts.upstreams();
  const [only] = upstreams;
  if (upstreams.length === 1 && only!.models.length === 0) return passThrough(parts, incoming, outgoing);
  incoming.resume();
  const lists = await Promise.all(upstreams.map(upstream => modelsOf(parts, upstream, incoming)));
  const byId = new Map<string, string>();
  upstreams.forEach((upstream, at) => {
    for (const id of lists[at]!) if (!byId.has(id)) byId.set(id, upstream.name);
  });
  const asAnthropic = incoming.headers['anthropic-version'] !== undefined;
  sendJson(outgoing, 200, asAnthropic ? anthropicList([...byId.keys()]) : openAiList([...byId]));
}

async function modelsOf(parts: GatewayParts, upstream: HttpUpstreamConfig, incoming: IncomingMessage): Promise<string[]> {
  if (upstream.models.length > 0) return upstream.models.filter(model => !model.endsWith('*'));
  try {
    const { status, body } = await callProvider(
      { provider: upstream.name, url: upstreamUrl(upstream, '/v1/models'), method: 'GET', headers: upstreamHeaders(upstream, incoming.headers, parts.token), body: null },
      AbortSignal.timeout(deadlineMs),
    );
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(chunk);
    const list: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    return status === 200 && isJson(list) ? jsonList(list['data']).map(({ id }) => textOrEmpty(id)).filter(id => id !== '') : [];
  } catch {
    return [];
  }
}

function openAiList(models: Array<[id: string, owner: string]>): Json {
  return { object: 'list', data: models.map(([id, owned_by]) => ({ id, object: 'model', created: 0, owned_by })) };
}

function anthropicList(ids: string[]): Json {
  return {
    data: ids.map(id => ({ type: 'model', id, display_name: id, created_at: '1970-01-01T00:00:00Z' })),
    has_more: false,
    first_id: ids[0] ?? null,
    last_id: ids.at(-1) ?? null,
  };
}
