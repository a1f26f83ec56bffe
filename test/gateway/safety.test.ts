// Who is let in, what is refused and how, and what no input can do: crash, leak, or get another's answer.

import fc from 'fast-check';
import net from 'node:net';
import os from 'node:os';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { apiForms } from './apiForms.ts';
import { jsonOf, openGatewayForTest, type TestGateway } from './openGatewayForTest.ts';

let at: TestGateway;
beforeAll(async () => {
  at = await openGatewayForTest({
    options: { allowedOrigins: () => ['https://allowed.example'], limits: { headersMs: 300, requestMs: 3000, requests: 4 } },
  });
});
afterAll(() => at.close());
beforeEach(async () => {
  await at.parts.clear({});
  at.provider.seen.length = 0;
  at.provider.script = question => ({ text: `Answer to ${question}` });
});

const question = 'What is a monad?';
const [chat, messages] = apiForms;
const port = (): number => at.gateway.port;

/** What comes back for these bytes, until the connection is closed. */
function raw(bytes: string | Uint8Array, { host = '127.0.0.1', end = false } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port: port(), host });
    let said = '';
    socket.on('data', chunk => (said += chunk.toString('latin1')));
    socket.on('error', error => ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED' ? reject(error) : resolve(said)));
    socket.on('close', () => resolve(said));
    socket.write(bytes);
    if (end) socket.end();
  });
}

async function works(): Promise<void> {
  const response = await at.post(chat!.path, chat!.ask('Does it still work?'));
  expect(response.status).toBe(200);
  expect(chat!.textOf(await jsonOf(response))).toBe('Answer to Does it still work?');
}

describe('who is let in', () => {
  const ask = (headers: Record<string, string>): Promise<Response> =>
    fetch(at.gateway.url + messages!.path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(messages!.ask(question)) });

  test.each([
    { why: 'a bearer token', headers: () => ({ authorization: `Bearer ${at.gateway.token}` }) },
    { why: 'bearer in lower case', headers: () => ({ authorization: `bearer ${at.gateway.token}` }) },
    { why: 'x-api-key', headers: () => ({ 'x-api-key': at.gateway.token }) },
    { why: 'api-key', headers: () => ({ 'api-key': at.gateway.token }) },
    { why: 'x-semcache-token', headers: () => ({ 'x-semcache-token': at.gateway.token }) },
  ])('the token as $why', async ({ headers }) => {
    expect((await ask(headers())).status).toBe(200);
    expect(JSON.stringify(at.provider.seen[0]!.headers)).not.toContain(at.gateway.token);
  });

  test.each([
    { why: 'none', headers: () => ({}) },
    { why: 'an empty one', headers: () => ({ authorization: 'Bearer ' }) },
    { why: 'a longer one', headers: () => ({ authorization: `Bearer ${at.gateway.token}0` }) },
    { why: 'a part of it', headers: () => ({ 'x-api-key': at.gateway.token.slice(0, -1) }) },
  ])('nobody with $why as token: 401 in the API\'s own shape', async ({ headers }) => {
    const response = await ask(headers());
    expect(response.status).toBe(401);
    expect(await jsonOf(response)).toMatchObject({ type: 'error', error: { type: 'authentication_error' } });
    expect(at.provider.asked).toBe(0);
  });

  test('every route but /healthz wants the token', async () => {
    for (const path of ['/metrics', '/v1/models', '/v1/anything', '/semcache/entries/x', '/nowhere']) {
      expect((await fetch(at.gateway.url + path)).status).toBe(401);
    }
    expect((await fetch(`${at.gateway.url}/healthz`)).status).toBe(200);
  });

  test.each(['evil.example', 'evil.example:7411', '127.0.0.1.evil.example', '192.168.0.1', '[::2]', 'localhost.', ''])('nobody who came by the name %j', async host => {
    const said = await raw(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    expect(said).toMatch(/^HTTP\/1\.1 40[03] /);
  });

  test.each(['localhost', 'LOCALHOST:1', '127.0.0.1:99', '[::1]:7411'])('everybody who came by the name %s', async host => {
    expect(await raw(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
  });

  test.each(['https://evil.example', 'http://localhost:3000', 'null', 'vscode-webview://x'])('no web page of %s, token or not', async origin => {
    const said = await raw(`GET /healthz HTTP/1.1\r\nHost: localhost\r\nOrigin: ${origin}\r\nAuthorization: Bearer ${at.gateway.token}\r\nConnection: close\r\n\r\n`);
    expect(said).toMatch(/^HTTP\/1\.1 403 /);
  });

  test('a web page that is listed, with the answers that its browser wants', async () => {
    const asked = await raw('OPTIONS /v1/messages HTTP/1.1\r\nHost: localhost\r\nOrigin: https://allowed.example\r\nAccess-Control-Request-Headers: authorization\r\nConnection: close\r\n\r\n');
    expect(asked).toMatch(/^HTTP\/1\.1 204 /);
    expect(asked).toMatch(/access-control-allow-headers: authorization/i);
    for (const _missAndHit of [1, 2]) {
      const sent = JSON.stringify(chat!.ask(question));
      const said = await raw(
        `POST ${chat!.path} HTTP/1.1\r\nHost: localhost\r\nOrigin: https://allowed.example\r\nAuthorization: Bearer ${at.gateway.token}\r\n` +
          `Content-Length: ${sent.length}\r\nConnection: close\r\n\r\n${sent}`,
      );
      expect(said).toMatch(/^HTTP\/1\.1 200 /);
      expect(said).toMatch(/access-control-allow-origin: https:\/\/allowed\.example/i);
    }
    expect(await raw('GET /healthz HTTP/1.1\r\nHost: localhost\r\nOrigin: https://allowed.example\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('this machine only', async () => {
    expect(await raw('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', { host: '::1' })).toMatch(/^HTTP\/1\.1 200 /);
    const outside = Object.values(os.networkInterfaces()).flat().filter(each => each !== undefined && !each.internal && each.family === 'IPv4');
    for (const each of outside) await expect(raw('GET /healthz HTTP/1.1\r\n\r\n', { host: each!.address })).rejects.toThrow('ECONNREFUSED');
  });
});

describe('bodies', () => {
  test.each([
    { why: 'malformed JSON', body: '{"model": "m", "messages": [', status: 400 },
    { why: 'no JSON at all', body: 'hello', status: 400 },
    { why: 'an empty one', body: '', status: 400 },
    { why: 'a list', body: '[1,2]', status: 400 },
    { why: 'null', body: 'null', status: 400 },
    { why: 'bytes that are no UTF-8', body: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), status: 400 },
    { why: 'truncated gzip', body: gzipSync('{"model":"m"}').subarray(0, 12), headers: { 'content-encoding': 'gzip' }, status: 400 },
    { why: 'an encoding that nobody knows', body: '{}', headers: { 'content-encoding': 'snappy' }, status: 415 },
    { why: 'a small one that grows to 40 MiB', body: gzipSync(Buffer.alloc(40 * 1024 * 1024, 32)), headers: { 'content-encoding': 'gzip' }, status: 413 },
    { why: '33 MiB', body: Buffer.alloc(33 * 1024 * 1024, 32), status: 413 },
  ])('$why: $status in the API\'s own shape, and the provider is not asked', async ({ body, headers, status }) => {
    for (const form of [chat!, messages!]) {
      const response = await at.post(form.path, body, headers);
      expect(response.status).toBe(status);
      const said = await jsonOf(response);
      expect(said.error.message.length).toBeGreaterThan(10);
      expect(said.type).toBe(form.name === 'messages' ? 'error' : undefined);
    }
    expect(at.provider.asked).toBe(0);
    await works();
  });

  test('gzip is understood, and passed on as it came', async () => {
    const body = gzipSync(JSON.stringify(chat!.ask(question)));
    const response = await at.post(chat!.path, body, { 'content-encoding': 'gzip' });
    expect(response.headers.get('x-semcache-status')).toBe('miss');
    expect(at.provider.seen[0]!.bytes.equals(body)).toBe(true);
    expect(at.provider.seen[0]!.headers['content-encoding']).toBe('gzip');
  });

  test('nested 50,000 deep are passed on, not compared', async () => {
    const deep = `{"model":"m","messages":[{"role":"user","content":"hi"}],"x":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
    const response = await at.post(chat!.path, deep);
    expect(response.status).toBe(200);
    expect(response.headers.get('x-semcache-status')).toBe('bypass');
  });
});

describe('clients that take their time', () => {
  const head = (more = ''): string => `POST ${chat!.path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${at.gateway.token}\r\n${more}`;

  test('headers that never end: the connection is ended', async () => {
    expect(await raw(head())).toMatch(/^(HTTP\/1\.1 408 .*)?$/s);
  });

  test('a connection on which nothing ever comes is ended', async () => {
    expect(await raw('')).toMatch(/^(HTTP\/1\.1 408 .*)?$/s);
  });

  test('a body that never ends: the connection is ended', async () => {
    expect(await raw(`${head('Content-Length: 100\r\n')}\r\n{"mod`)).toMatch(/^(HTTP\/1\.1 (400|408) .*)?$/s);
    await works();
  });

  test('a body that stops half-way: nobody is asked', async () => {
    await raw(`${head('Content-Length: 100\r\n')}\r\n{"mod`, { end: true });
    expect(at.provider.asked).toBe(0);
    await works();
  });

  test('headers larger than 32 KiB: 431', async () => {
    const said = await raw(`${head(`x-long: ${'a'.repeat(40_000)}\r\n`)}\r\n`);
    expect(said).toMatch(/^HTTP\/1\.1 431 /);
    expect(said).toContain('"error"');
  });

  test('more requests than are allowed at a time: 503 with retry-after', async () => {
    let open = (): void => undefined;
    at.provider.script = () => ({ text: 'late', before: new Promise<void>(resolve => (open = resolve)) });
    const held = [1, 2, 3, 4].map(number => at.post(chat!.path, chat!.ask('hold', { seed: number, n: 2 })));
    await expect.poll(() => at.provider.asked).toBe(4);
    const refused = await at.post(messages!.path, messages!.ask(question));
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await jsonOf(refused)).toMatchObject({ error: { type: 'overloaded_error' } });
    await at.gateway.close();
    await Promise.allSettled(held);
    open();
    await at.close();
    at = await openGatewayForTest();
  });
});

describe('whatever comes in', () => {
  test('bytes that are no request: 4xx or a closed socket, and the gateway goes on', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(rawBytes(), { minLength: 50, maxLength: 50 }), async several => {
        const answers = await Promise.all(several.map(bytes => raw(bytes, { end: true })));
        for (const [at, said] of answers.entries()) {
          const goOn = Buffer.from(several[at]!).includes('Expect: 100-continue') ? /^(HTTP\/1\.1 100 Continue\r\n\r\n)+/ : /^/;
          expect(said.replace(goOn, '')).toMatch(/^(HTTP\/1\.1 [34]\d\d .*)?$/s);
        }
      }),
      { numRuns: 200 },
    );
    await works();
    expect(at.logged.join('')).not.toContain('should not be possible');
  });

  test('a client that waits to be told to go on, as curl does with a large body: it is told so, and answered', async () => {
    const body = JSON.stringify(chat!.ask(`Does it go on? ${'x'.repeat(100_000)}`));
    const begin = `POST ${chat!.path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${at.gateway.token}\r\n`;
    const headers = `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n`;
    const socket = net.connect({ port: port(), host: '127.0.0.1' });
    let said = '';
    const told = Promise.withResolvers<void>();
    const over = Promise.withResolvers<void>();
    socket.on('data', chunk => {
      said += chunk.toString();
      told.resolve();
    });
    socket.on('close', () => over.resolve());
    socket.write(begin + headers);
    await told.promise;
    expect(said).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    socket.write(body);
    await over.promise;
    expect(said).toMatch(/100 Continue\r\n\r\nHTTP\/1\.1 200 /);
    expect(said).toContain('Answer to Does it go on?');
  });

  test('JSON of any shape: an answer of the provider or a 4xx, and the gateway goes on', async () => {
    const path = fc.constantFrom('/v1/chat/completions', '/v1/messages', '/v1/responses', '/v1/completions', '/v1/embeddings', '/semcache/feedback');
    await fc.assert(
      fc.asyncProperty(path, oddBody(), async (where, body) => {
        const response = await at.post(where, JSON.stringify(body));
        await response.text();
        expect(response.status === 200 || (response.status >= 400 && response.status < 500)).toBe(true);
      }),
      { numRuns: 400 },
    );
    await works();
  });

  test('nobody ever gets the answer to another prompt', async () => {
    const exact = await openGatewayForTest({ settings: { matching: 'exact' } });
    exact.provider.script = (_question, { body, headers }) => ({ text: JSON.stringify(essence(body, headers.authorization)) });
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(variant(), { minLength: 8, maxLength: 8 }), async variants => {
          await Promise.all(
            variants.map(async ({ form, body, key }) => {
              const response = await exact.post(form.path, body, { authorization: `Bearer ${key}`, 'x-semcache-token': exact.gateway.token });
              const text = await response.text();
              const said = body['stream'] === true ? form.streamedText(text) : form.textOf(JSON.parse(text));
              expect(said).toBe(JSON.stringify(essence(body, `Bearer ${key}`)));
            }),
          );
        }),
        { numRuns: 150 },
      );
      expect((await exact.parts.counters.stats()).hits).toBeGreaterThan(100);
    } finally {
      await exact.close();
    }
  });
});

function rawBytes(): fc.Arbitrary<Uint8Array> {
  const line = fc.constantFrom('GET / HTTP/1.1\r\n', 'POST /v1/messages HTTP/1.1\r\n', 'Host: localhost\r\n', 'Content-Length: 5\r\n', 'Content-Length: -1\r\n',
    'Transfer-Encoding: chunked\r\n', 'Transfer-Encoding: gzip, chunked\r\n', '\r\n', 'ffffffffffff\r\n', '0\r\n\r\n', 'Expect: 100-continue\r\n', 'Upgrade: websocket\r\nConnection: upgrade\r\n', '{"a":', '\0\0');
  const pieces = fc.array(fc.oneof(line.map(text => Buffer.from(text)), fc.uint8Array({ maxLength: 40 })), { maxLength: 12 });
  return pieces.map(all => Buffer.concat(all));
}

function oddBody(): fc.Arbitrary<unknown> {
  const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.string({ unit: 'binary' }), fc.constantFrom(null, [], {}, 1e308, -0));
  const block = fc.record({ type: fc.constantFrom('text', 'image', 'image_url', 'tool_use', 'tool_result', 'input_text', 'message', 'function_call', 'reasoning', 'constructor'), text: value, content: value, source: value, input: value, arguments: value, id: value }, { requiredKeys: [] });
  const message = fc.record({ role: fc.oneof(fc.constantFrom('user', 'assistant', 'system', 'tool', 'developer'), value), content: fc.oneof(fc.array(block), value), tool_calls: value, type: value }, { requiredKeys: [] });
  const list = fc.oneof(fc.array(fc.oneof(message, block)), value);
  return fc.record(
    { model: fc.oneof(fc.constant('m'), value), messages: list, input: list, prompt: value, system: fc.oneof(fc.array(block), value), instructions: value, tools: fc.oneof(fc.array(block), value), tool_choice: value, stream: fc.oneof(fc.boolean(), value), stream_options: value, include: value, n: value, ['__proto__']: value, entry: value, verdict: value },
    { requiredKeys: [] },
  );
}

interface Variant {
  form: (typeof apiForms)[number];
  body: Record<string, unknown>;
  key: string;
}

/** Bodies that are often equal in what matters and differ in what does not. */
function variant(): fc.Arbitrary<Variant> {
  return fc
    .record({
      form: fc.constantFrom(...apiForms),
      question: fc.constantFrom('What is a monad?', 'What is a functor?'),
      system: fc.constantFrom('Be kind.', 'Be brief.'),
      temperature: fc.constantFrom(undefined, 0, 1),
      stream: fc.boolean(),
      user: fc.string(),
      key: fc.constantFrom('sk-ann', 'sk-bob'),
    })
    .map(({ form, question: asked, system, temperature, stream, user, key }) => ({
      form, key,
      body: form.ask(asked, { stream, user, ...(temperature === undefined ? {} : { temperature }) }, system),
    }));
}

/** What of a body decides its answer, whichever API it is written for. */
function essence(body: Record<string, unknown>, key: string | undefined): unknown {
  const text = JSON.stringify([body['messages'], body['system'], body['instructions'], body['input']]);
  return [/monad|functor/.exec(text)?.[0], /kind|brief/.exec(text)?.[0], body['temperature'] ?? null, key];
}
