// A service that speaks OpenAI's /embeddings over real HTTP, with vectors from an embedder of ours.

import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Embedder } from '../../server/embedding/embedder.ts';

export interface EmbeddingsServer {
  baseUrl: string;
  /** Bodies of the requests so far. */
  requests: { model: string; input: string[]; encoding_format?: string; dimensions?: number }[];
  /** The next requests are answered with this instead. */
  answerWith: { status: number; body: string; headers?: Record<string, string> } | null;
  close(): Promise<void>;
}

export interface EmbeddingsServerOptions {
  embedder: Embedder;
  /** `base64` as some services send it, asked or not. */
  encoding?: 'float' | 'base64';
  apiKey?: string;
}

export async function startEmbeddingsServer(options: EmbeddingsServerOptions): Promise<EmbeddingsServer> {
  const { embedder, encoding = 'float', apiKey } = options;
  const http = createServer(async (request, response) => {
    const send = (status: number, body: string, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
    };
    const body = JSON.parse(await textOf(request)) as EmbeddingsServer['requests'][number];
    if (server.answerWith) return send(server.answerWith.status, server.answerWith.body, server.answerWith.headers);
    if (request.method !== 'POST' || request.url !== '/v1/embeddings') return send(404, error('unknown_url'));
    if (apiKey && request.headers.authorization !== `Bearer ${apiKey}`) return send(401, error('invalid_api_key'));
    server.requests.push(body);
    const vectors = await embedder.embed(body.input).catch(() => null);
    if (vectors === null) return send(500, error('server_error'));
    const data = vectors.map((vector, index) => ({ object: 'embedding', index, embedding: encoded(tripled(vector), encoding) }));
    send(200, JSON.stringify({ object: 'list', model: body.model, data: data.reverse(), usage: { prompt_tokens: 1, total_tokens: 1 } }));
  });
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve));
  const server: EmbeddingsServer = {
    baseUrl: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    requests: [],
    answerWith: null,
    close: () =>
      new Promise(resolve => {
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  };
  return server;
}

/** Not every service normalises. */
function tripled(vector: Float32Array): Float32Array {
  return vector.map(value => value * 3);
}

function encoded(vector: Float32Array, encoding: 'float' | 'base64'): number[] | string {
  return encoding === 'float' ? [...vector] : Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64');
}

function error(code: string): string {
  return JSON.stringify({ error: { message: 'Incorrect API key provided: sk-secret-0815.', type: 'invalid_request_error', code } });
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
