// What tools may say of stored answers: remove one, or judge the one they got.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { errorCodes, messageOf, SemcacheError } from '../protocol/errors.ts';
import type { GatewayParts } from './gatewayParts.ts';
import type { Metrics } from './metrics.ts';
import { openAiError } from './openAiError.ts';
import { sendJson } from './reply.ts';
import { BodyRefused, parseBody, readBody } from './requestBody.ts';
import type { ServedRequests } from './servedRequests.ts';

export async function removeEntryRoute(parts: GatewayParts, id: string, outgoing: ServerResponse): Promise<void> {
  if (await parts.removeEntry(id)) return void outgoing.writeHead(204).end();
  sendJson(outgoing, 404, openAiError(404, `There is no entry ${id.slice(0, 64)}.`));
}

const feedback = z.object({ entry: z.string().min(1).max(64), verdict: z.enum(['right', 'wrong']) });

/**
 * Speaks of the request that the entry answered last, or was named for (x-semcache-near). "wrong": the two are never
 * matched again. "right": they are the same question, and from now on a hit.
 */
export async function feedbackRoute(
  { parts, metrics, served }: { parts: GatewayParts; metrics: Metrics; served: ServedRequests },
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  try {
    const { json } = await parseBody(await readBody(incoming, 64 * 1024), incoming.headers['content-encoding']);
    const told = feedback.safeParse(json);
    if (!told.success) throw new BodyRefused(400, 'Say {"entry": ID, "verdict": "right" | "wrong"}; the id stands in x-semcache-entry.');
    const { entry, verdict } = told.data;
    metrics.judged(verdict);
    await (verdict === 'wrong' ? wrong : right)(parts, served, entry);
    outgoing.writeHead(204).end();
  } catch (error) {
    const status = error instanceof BodyRefused ? error.status : error instanceof SemcacheError ? errorCodes[error.code] : 500;
    sendJson(outgoing, status, openAiError(status, status === 500 ? 'The gateway failed.' : messageOf(error)));
  }
}

async function wrong(parts: GatewayParts, served: ServedRequests, entry: string): Promise<void> {
  const last = served.of(entry);
  if (last !== undefined) return last.offered ? parts.notTheSame(entry, last.request) : parts.wrongAnswer(entry, last.request);
  if (!(await parts.removeEntry(entry))) throw new SemcacheError('entry-not-found', `There is no entry ${entry}.`);
}

async function right(parts: GatewayParts, served: ServedRequests, entry: string): Promise<void> {
  const last = served.of(entry);
  if (last === undefined) return;
  try {
    await parts.sameQuestion(entry, last.request);
  } catch (error) {
    // Of a prompt that is compared as a whole (pictures, tool results) no words can be called the same.
    if (!(error instanceof SemcacheError && error.code === 'bad-request')) throw error;
  }
}
