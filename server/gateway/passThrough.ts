// Requests that are no prompts, passed on as they are: token counts, other embeddings, files, stored responses.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorCodes, SemcacheError } from '../protocol/errors.ts';
import { textOrEmpty } from './api.ts';
import { apiOfPath } from './apis.ts';
import { editorModelIn } from './editorQuestion.ts';
import type { GatewayParts } from './gatewayParts.ts';
import { refuseOwnAddress } from './loop.ts';
import type { ModelLists } from './modelLists.ts';
import { callProvider } from './providerCall.ts';
import { sendBytes, sendHead, sendJson } from './reply.ts';
import { BodyRefused, parseBody, readBody } from './requestBody.ts';
import { upstreamHeaders, upstreamUrl } from './upstreamChoice.ts';

const headers = { 'x-semcache-status': 'bypass', 'x-semcache-reason': 'Requests of this kind are passed on as they are.' };

/** `bytes` where the body was read already. */
export async function passThrough(
  { parts, lists }: { parts: GatewayParts; lists: ModelLists },
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  bytes?: Buffer,
): Promise<void> {
  const gone = new AbortController();
  outgoing.once('close', () => gone.abort());
  const url = incoming.url ?? '/';
  const api = apiOfPath(url.split('?')[0]!);
  try {
    const body = bytes ?? (await readBody(incoming));
    const isMessages = api.name === 'messages' || incoming.headers['anthropic-version'] !== undefined;
    const model = await modelIn(body, incoming);
    if (editorModelIn(model) !== null) throw new BodyRefused(400, 'Models of the editor answer prompts and nothing else.');
    const upstream = (await lists.upstreamFor(model, isMessages ? 'messages' : 'chat', incoming)) ?? parts.upstreams()[0];
    if (upstream === undefined) throw new SemcacheError('upstream-missing', 'No provider is set. Add one to semcache.upstreams, or start with --upstream URL.');
    refuseOwnAddress(upstream, incoming.socket.localPort);
    const answer = await callProvider(
      {
        provider: upstream.name,
        url: upstreamUrl(upstream, url),
        method: incoming.method ?? 'GET',
        headers: upstreamHeaders(upstream, incoming.headers, parts),
        body: body.length === 0 ? null : body,
      },
      gone.signal,
    );
    sendHead(outgoing, answer, headers);
    for await (const chunk of answer.body) await sendBytes(outgoing, chunk);
    outgoing.end();
  } catch (error) {
    if (gone.signal.aborted || outgoing.headersSent) return void outgoing.destroy();
    const status = error instanceof BodyRefused ? error.status : error instanceof SemcacheError ? errorCodes[error.code] : 500;
    sendJson(outgoing, status, api.error(status, status === 500 ? 'The gateway failed.' : (error as Error).message), status === 413 ? { connection: 'close' } : {});
  }
}

/** The model that a body names; "" for what is no JSON. */
async function modelIn(body: Buffer, { headers: { 'content-encoding': encoding, 'content-type': type } }: IncomingMessage): Promise<string> {
  if (body.length === 0 || !(type ?? '').includes('json')) return '';
  return parseBody(body, encoding).then(({ json }) => textOrEmpty(json['model']), () => '');
}
