// GET /v1/models: what all providers and the editor offer. A single provider's own list is passed on as it is.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Json } from './api.ts';
import { editorPrefix } from './editorQuestion.ts';
import type { GatewayParts } from './gatewayParts.ts';
import type { ModelLists } from './modelLists.ts';
import { passThrough } from './passThrough.ts';
import { sendJson } from './reply.ts';

export async function modelsRoute({ parts, lists }: { parts: GatewayParts; lists: ModelLists }, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const upstreams = parts.upstreams();
  const ofEditor = parts.editorModels();
  const [only] = upstreams;
  if (upstreams.length === 1 && only!.models.length === 0 && ofEditor.length === 0) return passThrough({ parts, lists }, incoming, outgoing);
  incoming.resume();
  const offered = await Promise.all(
    upstreams.map(async upstream => (upstream.models.length > 0 ? upstream.models.filter(model => !model.endsWith('*')) : lists.ask(upstream, incoming))),
  );
  const byId = new Map<string, Listed>();
  upstreams.forEach((upstream, at) => {
    for (const id of offered[at]!) if (!byId.has(id)) byId.set(id, { id, owner: upstream.name, name: id });
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
