// What holds for every API: a fresh answer passes byte for byte, a whole one is replayed, a broken one is never stored.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Script } from '../fakes/scriptedProvider.ts';
import { apiForms, eventsIn } from './apiForms.ts';
import { jsonOf, openGatewayForTest, type TestGateway } from './openGatewayForTest.ts';

let at: TestGateway;
beforeAll(async () => {
  at = await openGatewayForTest();
});
afterAll(() => at.close());
beforeEach(async () => {
  await at.parts.clear({});
  at.provider.seen.length = 0;
  at.provider.cancelled = 0;
  at.provider.script = () => ({ text: answer });
});

const question = 'What is a monad? Briefly.';
const reworded = 'Briefly: what is a monad?';
const answer = 'A monad is a 🌯 burrito,\n\nthey say.';
const statusOf = (response: Response): string | null => response.headers.get('x-semcache-status');

// Last, after everything that goes wrong above.
afterAll(() => expect(at.logged.join('')).not.toMatch(/monad|burrito|egg|Bearer/));

describe.each(apiForms)('$name', form => {
  const ask = (body: object, headers?: Record<string, string>, signal?: AbortSignal): Promise<Response> => at.post(form.path, body, headers, signal);
  const status = async (body: object, headers?: Record<string, string>): Promise<string | null> => {
    const response = await ask(body, headers);
    await response.text();
    return statusOf(response);
  };

  describe('a miss', () => {
    test.each([
      { why: 'not streamed', more: {}, pieceBytes: undefined },
      { why: 'streamed', more: { stream: true }, pieceBytes: undefined },
      { why: 'streamed in pieces of 7 bytes', more: { stream: true }, pieceBytes: 7 },
    ])('passes body, query, headers and answer on byte for byte, $why', async ({ more, pieceBytes }) => {
      at.provider.script = () => ({ text: answer, headers: { 'x-request-id': 'req_1', 'set-cookie': 'a=b' }, ...(pieceBytes ? { pieceBytes } : {}) });
      const sent = JSON.stringify({ ...form.ask(question, more), not_known: { a: [1, null] } }, null, 1).replace('kind', '\\u006bind');
      const response = await at.post(`${form.path}?beta=true`, sent, { 'x-own': 'kept' });
      const received = Buffer.from(await response.arrayBuffer());
      const [seen] = at.provider.seen;
      expect(seen!.path).toBe(`${form.path}?beta=true`);
      expect(seen!.bytes.toString()).toBe(sent);
      expect(received.equals(seen!.answered)).toBe(true);
      expect(statusOf(response)).toBe('miss');
      expect(Object.fromEntries(response.headers)).toMatchObject({ 'x-request-id': 'req_1', 'set-cookie': 'a=b' });
      expect(seen!.headers).toMatchObject({ 'x-own': 'kept', 'accept-encoding': 'identity' });
      expect(JSON.stringify(seen!.headers)).not.toContain(at.gateway.token);
      expect(await status(JSON.parse(sent))).toBe('hit');
    });

    test('streams: the first event is there before the answer goes on', async () => {
      let goOn = (): void => undefined;
      const inside = new Promise<void>(resolve => (goOn = resolve));
      at.provider.script = () => ({ text: answer, inside });
      const response = await ask(form.ask(question, { stream: true }));
      const reader = response.body!.getReader();
      const first = await reader.read();
      expect(first.value!.length).toBeGreaterThan(10);
      goOn();
      while (!(await reader.read()).done);
    });
  });

  describe('a hit', () => {
    test('of the same question has the same answer and usage, and a new id', async () => {
      const first = await jsonOf(await ask(form.ask(question)));
      const response = await ask(form.ask(question));
      const second = await jsonOf(response);
      expect(statusOf(response)).toBe('hit');
      expect(response.headers.get('x-semcache-distance')).toBe('0');
      expect(response.headers.get('x-semcache-entry')).toMatch(/^[0-9a-f]{32}$/);
      expect(response.headers.get('x-semcache-age')).toMatch(/^\d+$/);
      expect(form.withoutNew(second)).toEqual(form.withoutNew(first));
      expect(second.id).not.toBe(first.id);
      expect(at.provider.asked).toBe(1);
    });

    test('of the same question in other words is served, and of another question is not', async () => {
      await status(form.ask(question));
      expect(await status(form.ask(reworded))).toBe('hit');
      expect(await status(form.ask('How do I boil an egg?'))).toBe('miss');
    });

    test('serves both forms, whichever was recorded', async () => {
      const streamed = await (await ask(form.ask(question, { stream: true }))).text();
      expect(form.streamedText(streamed)).toBe(answer);
      const whole = await jsonOf(await ask(form.ask(question)));
      expect(form.textOf(whole)).toBe(answer);
      await at.parts.clear({});
      const recorded = await jsonOf(await ask(form.ask(question)));
      const replayed = await (await ask(form.ask(question, { stream: true }))).text();
      expect(form.streamedText(replayed)).toBe(answer);
      expect(at.provider.asked).toBe(2);
      expect(form.textOf(recorded)).toBe(answer);
      expect(Object.keys(whole.usage)).toEqual(expect.arrayContaining(Object.keys(recorded.usage).filter(name => name.endsWith('_tokens'))));
    });

    test('is a stream with every kind of event that the provider\'s has', async () => {
      const provider = await (await ask(form.ask(question, { stream: true }))).text();
      const replayed = await (await ask(form.ask(question, { stream: true }))).text();
      const kinds = (stream: string): unknown[] => [...new Set(eventsIn(stream).map(event => event.type ?? Object.keys(event.choices[0].delta).join()))];
      const needed = kinds(provider).filter(kind => kind !== 'ping' && kind !== 'role,content,refusal');
      expect(kinds(replayed)).toEqual(expect.arrayContaining(needed));
      expect(replayed.includes('data: [DONE]')).toBe(provider.includes('data: [DONE]'));
      expect(replayed.includes('\nevent: ')).toBe(provider.includes('\nevent: '));
    });

    test('keeps thinking: the replay holds it as it was', async () => {
      at.provider.script = () => ({ text: answer, thinking: 'Let me think of burritos.' });
      const first = await jsonOf(await ask(form.ask(question)));
      const streamed = await (await ask(form.ask(question, { stream: true }))).text();
      expect(streamed).toContain('burritos');
      expect(form.withoutNew(await jsonOf(await ask(form.ask(question))))).toEqual(form.withoutNew(first));
      expect(at.provider.asked).toBe(1);
    });
  });

  describe('what is compared exactly', () => {
    test.each([
      { why: 'another system text', other: () => form.ask(question, {}, 'You are rude.') },
      { why: 'another model', other: () => form.ask(question, { model: 'm-small' }) },
      { why: 'another temperature', other: () => form.ask(question, { temperature: 0.1 }) },
      { why: 'another limit', other: () => form.ask(question, form.maxTokens(5)) },
      { why: 'tools', other: () => form.ask(question, form.tools('read')) },
      { why: 'a field that nobody knows', other: () => form.ask(question, { flavour: 'new' }) },
    ])('$why is a miss', async ({ other }) => {
      await status(form.ask(question));
      expect(await status(other())).toBe('miss');
    });

    test('the same tools in another order are the same; other tools are not', async () => {
      await status(form.ask(question, form.tools('read', 'write')));
      expect(await status(form.ask(reworded, form.tools('write', 'read')))).toBe('hit');
      expect(await status(form.ask(question, form.tools('read', 'run')))).toBe('miss');
    });

    test.each(['metadata', 'user', 'service_tier', 'prompt_cache_key', 'safety_identifier', 'client_metadata'])('%s is not', async field => {
      await status(form.ask(question, { [field]: field === 'metadata' ? { a: '1' } : 'one' }));
      expect(await status(form.ask(question, { [field]: field === 'metadata' ? { a: '2' } : 'two' }))).toBe('hit');
    });

    test('an image by its content, and then only the same words', async () => {
      const image = (text: string, base64 = 'iVBORw0KGgo='): object => form.ask('', form.withImage(text, base64));
      await status(image(question));
      expect(await status(image(question))).toBe('hit');
      expect(await status(image(reworded))).toBe('miss');
      expect(await status(image(question, 'R0lGODlh'))).toBe('miss');
    });

    test('after a tool has answered only the same words are served, whatever the calls\' ids', async () => {
      await status(form.ask('', form.afterTool(question)));
      expect(await status(form.ask('', form.afterTool(question)))).toBe('hit');
      expect(await status(form.ask('', form.afterTool(reworded)))).toBe('miss');
    });
  });

  describe('a tool call', () => {
    test('is replayed to the same question, streamed too, and to no other', async () => {
      at.provider.script = () => ({ toolCall: { name: 'read', input: { path: 'a/b.ts' } } });
      const offered = form.tools('read');
      const first = await jsonOf(await ask(form.ask(question, offered)));
      const second = await ask(form.ask(question, offered));
      expect(statusOf(second)).toBe('hit');
      expect(form.withoutNew(await jsonOf(second))).toEqual(form.withoutNew(first));
      const streamed = await ask(form.ask(question, { ...offered, stream: true }));
      expect(statusOf(streamed)).toBe('hit');
      expect(await streamed.text()).toContain('a/b.ts');
      expect(await status(form.ask(reworded, offered))).toBe('miss');
    });

    test('of a stream is put together and replayed whole', async () => {
      at.provider.script = () => ({ toolCall: { name: 'read', input: { path: 'a/b.ts', lines: [1, 2] } } });
      await (await ask(form.ask(question, { stream: true }))).text();
      const whole = await ask(form.ask(question));
      expect(statusOf(whole)).toBe('hit');
      const said = JSON.stringify(await jsonOf(whole)).replaceAll('\\"', '"');
      expect(said).toContain('{"path":"a/b.ts","lines":[1,2]}');
    });
  });

  describe('never stored', () => {
    const broken: Array<{ why: string; script: Script; stream: boolean }> = [
      { why: 'status 400', script: { status: 400, raw: '{"error":{"message":"no such field"}}' }, stream: false },
      { why: 'status 401', script: { status: 401, raw: '{"error":{"message":"bad key"}}' }, stream: true },
      { why: 'status 429 with retry-after', script: { status: 429, raw: '{"error":{}}', headers: { 'retry-after': '7' } }, stream: true },
      { why: 'status 500', script: { status: 500, raw: 'oh' }, stream: false },
      { why: 'status 529', script: { status: 529, raw: '{"type":"error","error":{"type":"overloaded_error"}}', headers: { 'retry-after': '1' } }, stream: true },
      { why: 'an HTML page with status 502', script: { status: 502, raw: '<html>Bad gateway</html>', headers: { 'content-type': 'text/html' } }, stream: false },
      { why: 'something else with status 200', script: { raw: 'hello' }, stream: false },
      { why: 'status 203', script: { status: 203, raw: '{"choices":[],"content":[],"output":[]}' }, stream: false },
      { why: 'an error in the stream', script: { text: answer, errorAfter: 3 }, stream: true },
      { why: 'a stream without its last event', script: { text: answer, noTerminal: true }, stream: true },
      { why: 'an empty answer', script: { text: '' }, stream: false },
      { why: 'an empty stream', script: { text: '' }, stream: true },
      { why: 'an answer cut at the token limit', script: { text: answer, finish: 'length' }, stream: false },
      { why: 'a stream cut at the token limit', script: { text: answer, finish: 'length' }, stream: true },
      { why: 'a refusal', script: { text: answer, finish: 'refusal' }, stream: true },
      { why: 'an answer in an encoding that not every client reads', script: { raw: Buffer.from([1, 2, 3]), headers: { 'content-encoding': 'br' } }, stream: false },
    ];
    test.each(broken)('$why, and passed on unchanged', async ({ script, stream }) => {
      at.provider.script = () => script;
      const sent = form.ask(question, stream ? { stream } : {});
      const response = await ask(sent);
      expect(response.status).toBe(script.status ?? 200);
      if (script.headers?.['content-encoding'] === undefined) {
        const received = Buffer.from(await response.arrayBuffer());
        expect(received.equals(at.provider.seen[0]!.answered)).toBe(true);
      } else await response.arrayBuffer().catch(() => undefined);
      for (const [name, value] of Object.entries(script.headers ?? {})) expect(response.headers.get(name)).toBe(value);
      at.provider.script = () => ({ text: answer });
      expect(await status(sent)).toBe('miss');
      expect(at.provider.asked).toBe(2);
    });

    test.each([
      { why: 'streamed', stream: true, cutAfter: 3 },
      { why: 'not streamed', stream: false, cutAfter: 1 },
    ])('an answer that the provider cut off looks cut, $why', async ({ stream, cutAfter }) => {
      at.provider.script = () => ({ text: answer, cutAfter });
      const sent = form.ask(question, stream ? { stream } : {});
      const response = await ask(sent);
      expect(response.status).toBe(200);
      await expect(response.text()).rejects.toThrow();
      at.provider.script = () => ({ text: answer });
      expect(await status(sent)).toBe('miss');
    });

    test('an answer that the client did not wait for: the provider is cancelled', async () => {
      at.provider.script = () => ({ text: answer, inside: new Promise(() => undefined) });
      const leave = new AbortController();
      const response = await ask(form.ask(question, { stream: true }), {}, leave.signal);
      await response.body!.getReader().read();
      leave.abort();
      await expect.poll(() => at.provider.cancelled, { timeout: 5000 }).toBe(1);
      expect((await at.parts.store.size()).entries).toBe(0);
    });
  });

  test('a provider that cannot be reached is an error in the API\'s own shape', async () => {
    const lonely = await openGatewayForTest({ upstreams: () => [{ name: 'nobody', kind: 'openai', baseUrl: 'http://127.0.0.1:1', models: [] }] });
    try {
      const response = await lonely.post(form.path, form.ask(question));
      expect(response.status).toBe(502);
      const said = await jsonOf(response);
      expect(said.error.message).toContain('nobody did not answer');
      expect(said.type).toBe(form.name === 'messages' ? 'error' : undefined);
    } finally {
      await lonely.close();
    }
  });
});
