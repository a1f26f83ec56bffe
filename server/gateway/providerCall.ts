// One request to a provider, byte for byte as the client wrote it, and its answer chunk by chunk as it comes.
// Owns: which headers pass, and telling a whole answer from a cut one. Does not know: APIs; the cache; who asks.
// Always true: nothing is buffered or changed; the body is read only as fast as it is taken.

import http from 'node:http';
import https from 'node:https';
import type { WirePart } from '../protocol/answer.ts';
import { messageOf, SemcacheError } from '../protocol/errors.ts';

export interface ProviderCall {
  /** For people. */
  provider: string;
  url: URL;
  method: string;
  headers: http.OutgoingHttpHeaders;
  body: Buffer | null;
}

export interface ProviderAnswer {
  status: number;
  headers: ReadonlyArray<readonly [name: string, value: string]>;
  /** @throws when the provider's connection breaks before the body's end */
  body: AsyncIterable<Buffer>;
}

/** RFC 9110 §7.6.1: these speak of one connection. Lengths follow from how the answer is sent on. */
const hopByHop = new Set([
  'connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer',
  'transfer-encoding', 'upgrade', 'content-length', 'host', 'expect',
]);

/** Headers that are passed on to a provider. `drop` are further names, in lower case. */
export function forwardedHeaders(headers: http.IncomingHttpHeaders, drop: (name: string) => boolean): http.OutgoingHttpHeaders {
  const named = new Set((headers.connection ?? '').toLowerCase().split(',').map(name => name.trim()));
  const kept = Object.entries(headers).filter(([name]) => !hopByHop.has(name) && !named.has(name) && !drop(name));
  // Stored bytes must be readable for every client, whatever it can decompress.
  return { ...Object.fromEntries(kept), 'accept-encoding': 'identity' };
}

const agents = {
  'http:': new http.Agent({ keepAlive: true, maxSockets: Infinity }),
  'https:': new https.Agent({ keepAlive: true, maxSockets: Infinity }),
};

/** @throws SemcacheError upstream-failed, cancelled */
export async function callProvider(call: ProviderCall, signal: AbortSignal): Promise<ProviderAnswer> {
  try {
    const response = await sent(call, signal).catch((error: unknown) => {
      if (error instanceof ClosedWhileIdle) return sent(call, signal);
      throw error;
    });
    return { status: response.statusCode ?? 502, headers: passedOn(response.rawHeaders), body: bodyOf(call, response, signal) };
  } catch (error) {
    throw failed(call, signal, `it cannot be reached at ${call.url.host} (${reasonOf(error)})`, error);
  }
}

/** The provider closed a kept connection in the moment in which it was used again: the request was not read. */
class ClosedWhileIdle extends Error {}

function sent({ url, method, headers, body }: ProviderCall, signal: AbortSignal): Promise<http.IncomingMessage> {
  const secure = url.protocol === 'https:';
  const request = (secure ? https : http).request(url, {
    method,
    headers: { ...headers, ...(body === null ? {} : { 'content-length': body.length }) },
    agent: agents[secure ? 'https:' : 'http:'],
    signal,
  });
  const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    request.on('error', (error: NodeJS.ErrnoException) => {
      reject(request.reusedSocket && error.code === 'ECONNRESET' ? new ClosedWhileIdle('closed while idle', { cause: error }) : error);
    });
  });
  request.end(body ?? undefined);
  return answered;
}

/** The answer as wire parts. */
export async function* wirePartsOf(answer: ProviderAnswer): AsyncIterable<WirePart> {
  yield { type: 'wire', step: 'head', status: answer.status, headers: answer.headers };
  for await (const bytes of answer.body) yield { type: 'wire', step: 'body', bytes };
  yield { type: 'wire', step: 'done' };
}

async function* bodyOf(call: ProviderCall, response: http.IncomingMessage, signal: AbortSignal): AsyncIterable<Buffer> {
  try {
    for await (const chunk of response) yield chunk as Buffer;
    if (!response.complete) throw new Error('the body has no end');
  } catch (error) {
    throw failed(call, signal, `the connection broke in the middle of the answer (${reasonOf(error)})`, error);
  } finally {
    response.destroy();
  }
}

function passedOn(raw: string[]): Array<[string, string]> {
  const headers: Array<[string, string]> = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (!hopByHop.has(raw[at]!.toLowerCase())) headers.push([raw[at]!, raw[at + 1]!]);
  }
  return headers;
}

function failed({ provider }: ProviderCall, signal: AbortSignal, what: string, cause: unknown): SemcacheError {
  return signal.aborted
    ? new SemcacheError('cancelled', 'The request was cancelled before its answer was complete.', cause)
    : new SemcacheError('upstream-failed', `${provider} did not answer: ${what}. Nothing was stored; ask again.`, cause);
}

function reasonOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? messageOf(error);
}
