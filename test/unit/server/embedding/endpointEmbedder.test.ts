import { expect, onTestFinished, test } from 'vitest';
import type { Embedder } from '../../../../server/embedding/embedder.ts';
import { openEndpointEmbedder } from '../../../../server/embedding/endpointEmbedder.ts';
import type { EndpointOptions } from '../../../../server/embedding/endpointEmbedder.ts';
import { startEmbeddingsServer } from '../../../fakes/embeddingsServer.ts';
import type { EmbeddingsServer, EmbeddingsServerOptions } from '../../../fakes/embeddingsServer.ts';

const secret = 'sk-secret-0815';

/** Length and first letter: enough to tell texts apart. */
const letters: Embedder = {
  fingerprint: 'letters',
  dimensions: 3,
  embed: async texts => texts.map(text => Float32Array.of(text.length, text.charCodeAt(0) || 1, 1)),
  close: async () => {},
};

async function start(options: Partial<EmbeddingsServerOptions> = {}): Promise<EmbeddingsServer> {
  const server = await startEmbeddingsServer({ embedder: letters, ...options });
  onTestFinished(() => server.close());
  return server;
}

async function open({ baseUrl }: { baseUrl: string }, options: Partial<EndpointOptions> = {}) {
  const embedder = await openEndpointEmbedder({ baseUrl, model: 'm', deadlineMs: 5000, ...options });
  onTestFinished(() => embedder.close());
  return embedder;
}

test('openEndpointEmbedder() learns the dimensions from one answer, and puts host, model and dimensions in the fingerprint', async () => {
  const server = await start();
  const embedder = await open(server);
  expect(server.requests).toEqual([{ model: 'm', input: ['semcache'], encoding_format: 'float' }]);
  expect(embedder.dimensions).toBe(3);
  expect(embedder.fingerprint).toBe(`${new URL(server.baseUrl).host}/v1/embeddings/m/3`);
});

test.each(['', '/', '/v1', '/v1/', '/v1/embeddings'])('openEndpointEmbedder() understands a base URL that ends in "%s"', async end => {
  const server = await start();
  await open({ baseUrl: server.baseUrl + end });
  expect(server.requests).toHaveLength(1);
});

test('openEndpointEmbedder() asks for the dimensions it is given', async () => {
  const server = await start();
  await open(server, { dimensions: 3 });
  expect(server.requests[0]).toMatchObject({ dimensions: 3 });
});

test('embed() sends at most 64 texts a request and returns their vectors in order', async () => {
  const server = await start();
  const embedder = await open(server);
  const texts = Array.from({ length: 150 }, (_, i) => 'x'.repeat(i + 1));
  const vectors = await embedder.embed(texts);
  expect(server.requests.slice(1).map(({ input }) => input.length)).toEqual([64, 64, 22]);
  expect(vectors.map(([length, , one]) => Math.round(length! / one!))).toEqual(texts.map(text => text.length));
});

test.each([
  { why: 'the key is wrong', apiKey: `${secret}-wrong`, says: /HTTP 401 \(invalid_api_key\).*Check the key/ },
  { why: 'there is no key', says: /HTTP 401 \(invalid_api_key\).*Check the key/ },
  { why: 'the path is wrong', path: '/openai/v7', apiKey: secret, says: /HTTP 404 \(unknown_url\).*semcache.embedding.endpoint/ },
])('openEndpointEmbedder() says what to do when $why, without the key', async ({ apiKey, path = '', says }) => {
  const server = await start({ apiKey: secret });
  const error = await open({ baseUrl: server.baseUrl + path }, apiKey ? { apiKey } : {}).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'embedding-failed', message: expect.stringMatching(says) });
  expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(secret);
});

test.each([
  { why: 'no service listens', baseUrl: 'http://127.0.0.1:1', says: /127.0.0.1:1 cannot be reached \(.+\)/ },
  { why: 'it is no URL', baseUrl: 'localhost', says: /not an http or https URL/ },
  { why: 'it is a file', baseUrl: 'file:///etc', says: /not an http or https URL/ },
])('openEndpointEmbedder() says what to do when $why', async ({ baseUrl, says }) => {
  await expect(open({ baseUrl })).rejects.toMatchObject({ code: 'embedding-failed', message: expect.stringMatching(says) });
});

test.each([
  { why: 'no JSON', body: '<html>' },
  { why: 'no vectors', body: '{"data":[]}' },
  { why: 'a vector of words', body: '{"data":[{"embedding":["a","b","c"]}]}' },
  { why: 'a vector of nothing', body: '{"data":[{"embedding":[0,0,0]}]}' },
  { why: 'no embedding', body: '{"data":[{"index":0}]}' },
  { why: 'an index out of range', body: '{"data":[{"index":7,"embedding":[1,2,3]}]}' },
  { why: 'a vector of another length', body: '{"data":[{"embedding":[1,2]}]}' },
])('embed() fails when the answer holds $why', async ({ body }) => {
  const server = await start();
  const embedder = await open(server);
  server.answerWith = { status: 200, body };
  await expect(embedder.embed(['x'])).rejects.toMatchObject({ code: 'embedding-failed', message: expect.stringContaining('cannot be used') });
});

test('embed() leaves out what the service says of a failure, since that may quote the instruction', async () => {
  const server = await start();
  const embedder = await open(server);
  server.answerWith = { status: 400, body: '{"error":{"message":"cannot embed: my private text","code":"my private text"}}' };
  const error = await embedder.embed(['my private text']).catch((thrown: unknown) => thrown as Error);
  expect(error).toMatchObject({ code: 'embedding-failed', message: expect.stringContaining('HTTP 400') });
  expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('private');
});

test('embed() does not follow a redirect with the texts', async () => {
  const [server, elsewhere] = [await start(), await start()];
  const embedder = await open(server);
  server.answerWith = { status: 307, body: '', headers: { location: `${elsewhere.baseUrl}/v1/embeddings` } };
  await expect(embedder.embed(['x'])).rejects.toMatchObject({ code: 'embedding-failed' });
  expect(elsewhere.requests).toEqual([]);
});
