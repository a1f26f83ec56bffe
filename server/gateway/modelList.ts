// GET /v1/models: what all providers and the editor offer. A single provider's own list is passed on as it is.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { isJson, jsonList, textOrEmpty, type Json } from './api.ts';
import { editorPrefix } from './editorQuestion.ts';
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
  const ofEditor = parts.editorModels();
  const [only] = upstreams;
  if (upstreams.length === 1 && only!.models.length === 0 && ofEditor.length === 0) return passThrough(parts, incoming, outgoing);
  incoming.resume();
  const lists = await Promise.all(upstreams.map(upstream => modelsOf(parts, upstream, incoming)));
  const byId = new Map<string, Listed>();
  upstreams.forEach((upstream, at) => {
    for (const id of lists[at]!) if (!byId.has(id)) byId.set(id, { id, owner: upstream.name, name: id });
  });
  for (const { model, name } of ofEditor) byId.set(editorPrefix + model, { id: editorPrefix + model, owner: 'editor', name });
  const asAnthropic = incoming.headers['anthropic-version'] !== undefined;
  sendJson(outgoing, 200, asAnthropic ? anthropicList([...byId.values()]) : openAiList([...byId.values()]));
}

interface Listed {
  id: string;
  owner: string;
  /** For people. */
  name: string;
}

async function modelsOf(parts: GatewayParts, upstream: HttpUpstreamConfig, incoming: IncomingMessage): Promise<string[]> {
  if (upstream.models.length > 0) return upstream.models.filter(model => !model.endsWith('*'));
  try {
    const { status, body } = await callProvider(
      { provider: upstream.name, url: upstreamUrl(upstream, '/v1/models'), method: 'GET', headers: upstreamHeaders(upstream, incoming.headers, parts), body: null },
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

function openAiList(models: Listed[]): Json {
  return { object: 'list', data: models.map(({ id, owner }) => ({ id, object: 'model', created: 0, owned_by: owner })) };
}

function anthropicList(models: Listed[]): Json {
  return {
    data: models.map(({ id, name }) => ({ type: 'model', id, display_name: name, created_at: '1970-01-01T00:00:00Z' })),
    has_more: false,
    first_id: models[0]?.id ?? null,
    last_id: models.at(-1)?.id ?? null,
  };
}
