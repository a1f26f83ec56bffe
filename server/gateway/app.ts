// Every route of the gateway, and what stands before them.
// Owns: the paths. Does not know: sockets and ports (gateway.ts); what a route does.
// Always true: nothing but /healthz is answered without the token; every refusal has the shape of the API that was asked.

import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono, type Context } from 'hono';
import type { OutgoingHttpHeaders } from 'node:http';
import { build } from '../protocol/build.ts';
import { errorCodes } from '../protocol/errors.ts';
import { whyStranger, whyUnknown } from './admission.ts';
import { answerRoute } from './answerRoute.ts';
import { apiOfPath, apis } from './apis.ts';
import { feedbackRoute, removeEntryRoute } from './entryRoutes.ts';
import type { GatewayParts } from './gatewayParts.ts';
import { embeddingsRoute } from './localEmbeddings.ts';
import { hasBeenHere, loopMessage } from './loop.ts';
import { Metrics } from './metrics.ts';
import { modelsRoute } from './modelList.ts';
import { ModelLists } from './modelLists.ts';
import { passThrough } from './passThrough.ts';
import { sendJson } from './reply.ts';
import { ServedRequests } from './servedRequests.ts';

type Env = { Bindings: HttpBindings };

/** More than `maxRequests` at a time are told to come back in a second. */
export function createApp(parts: GatewayParts, maxRequests: number): Hono<Env> {
  const app = new Hono<Env>();
  const metrics = new Metrics(parts.stats);
  const context = { parts, metrics, served: new ServedRequests(), lists: new ModelLists(parts) };
  let running = 0;

  app.use(async (c, next) => {
    const stranger = whyStranger(c.env.incoming.headers, parts.allowedOrigins());
    if (stranger !== null) return refuse(c, stranger.status, stranger.message);
    if (allowPage(c)) return RESPONSE_ALREADY_SENT;
    if (c.req.path === '/healthz') return next();
    if (hasBeenHere(c.env.incoming.headers, parts.name)) return refuse(c, errorCodes['upstream-loop'], loopMessage);
    const unknown = whyUnknown(c.env.incoming.headers, parts.token);
    if (unknown !== null) return refuse(c, unknown.status, unknown.message, { 'www-authenticate': 'Bearer' });
    if (running >= maxRequests) {
      return refuse(c, 503, `The gateway is answering ${maxRequests} requests already. Try again in a moment.`, { 'retry-after': '1' });
    }
    running += 1;
    parts.onRequests(1);
    c.env.outgoing.once('close', () => {
      running -= 1;
      parts.onRequests(-1);
    });
    return next();
  });

  app.get('/healthz', c => c.json({ status: 'ok', version: build.version }));
  app.get('/metrics', async c => c.text(await metrics.text(), 200, { 'content-type': metrics.contentType }));
  for (const api of apis) app.post(api.path, wrote(c => answerRoute(context, api, c.env.incoming, c.env.outgoing)));
  app.post('/v1/embeddings', wrote(c => embeddingsRoute(context, c.env.incoming, c.env.outgoing)));
  app.get('/v1/models', wrote(c => modelsRoute(context, c.env.incoming, c.env.outgoing)));
  app.delete('/semcache/entries/:id', wrote(c => removeEntryRoute(parts, c.req.param('id') ?? '', c.env.outgoing)));
  app.post('/semcache/feedback', wrote(c => feedbackRoute(context, c.env.incoming, c.env.outgoing)));
  app.all('/v1/*', wrote(c => passThrough(context, c.env.incoming, c.env.outgoing)));

  app.notFound(c => refuse(c, 404, `There is nothing at ${c.req.path.slice(0, 100)}. Tools are given the address with /v1, Anthropic's without.`));
  app.onError((_error, c) => {
    parts.log.warning('A request through the gateway failed in a way that should not be possible.');
    return refuse(c, 500, 'The gateway failed.');
  });
  return app;
}

/** For a web page that is listed: what its browser wants to hear. True when that was all it asked. */
function allowPage({ env: { incoming, outgoing } }: Context<Env>): boolean {
  const { origin } = incoming.headers;
  if (origin === undefined) return false;
  outgoing.setHeader('access-control-allow-origin', origin);
  outgoing.setHeader('vary', 'Origin');
  outgoing.setHeader('access-control-expose-headers', '*');
  if (incoming.method !== 'OPTIONS') return false;
  outgoing.setHeader('access-control-allow-methods', 'GET, POST, DELETE');
  outgoing.setHeader('access-control-allow-headers', incoming.headers['access-control-request-headers'] ?? '');
  outgoing.writeHead(204).end();
  return true;
}

/** For routes that write to the socket themselves: bytes must pass unbuffered, and a cut answer must look cut. */
function wrote(route: (c: Context<Env>) => Promise<void>) {
  return async (c: Context<Env>): Promise<Response> => {
    await route(c);
    return RESPONSE_ALREADY_SENT;
  };
}

function refuse(c: Context<Env>, status: number, message: string, headers: OutgoingHttpHeaders = {}): Response {
  const { incoming, outgoing } = c.env;
  // What is refused is not read: its connection ends with the answer.
  const hasBody = incoming.headers['content-length'] !== undefined || incoming.headers['transfer-encoding'] !== undefined;
  sendJson(outgoing, status, apiOfPath(c.req.path).error(status, message), { ...headers, ...(hasBody ? { connection: 'close' } : {}) });
  return RESPONSE_ALREADY_SENT;
}
