// What a request may ask of the cache, who shares entries with whom, and what is passed on without being looked at.

import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Script } from '../fakes/scriptedProvider.ts';
import { readLines, type Family } from '../quality/families.ts';
import { apiForms } from './apiForms.ts';
import { jsonOf, openGatewayForTest, type TestGateway } from './openGatewayForTest.ts';

let at: TestGateway;
let now = 0;
let shared = false;
/** Where it is not the provider's. */
let baseUrl: string | null = null;
beforeAll(async () => {
  at = await openGatewayForTest({
    options: {
      now: () => Date.now() + now,
      sharedBetweenKeys: () => shared,
      upstreams: () => [{ name: 'fake provider', kind: 'openai', baseUrl: baseUrl ?? at.provider.url, models: [] }],
    },
  });
});
afterAll(() => at.close());
beforeEach(async () => {
  await at.parts.clear({});
  at.provider.seen.length = 0;
  at.provider.script = () => ({ text: `Answer ${at.provider.asked}.` });
});
afterEach(() => {
  now = 0;
  shared = false;
  baseUrl = null;
});

const question = 'What is a monad? Briefly.';
const [form] = apiForms;
const ask = async (headers: Record<string, string> = {}, more = {}): Promise<{ status: string | null; code: number; text: string; response: Response }> => {
  const response = await at.post(form!.path, form!.ask(question, more), headers);
  const said = await jsonOf(response);
  return { status: response.headers.get('x-semcache-status'), code: response.status, text: said.choices?.[0].message.content ?? said.error.message, response };
};

describe('x-semcache-control', () => {
  test.each(['no-cache', 'refresh', 'No-Cache, unheard-of'])('%s asks the provider and stores its answer', async control => {
    await ask();
    expect(await ask({ 'x-semcache-control': control })).toMatchObject({ status: 'miss', text: 'Answer 2.' });
    expect(await ask()).toMatchObject({ status: 'hit', text: 'Answer 2.' });
  });

  test('no-store serves what is stored and stores nothing', async () => {
    expect((await ask({ 'x-semcache-control': 'no-store' })).status).toBe('miss');
    expect((await ask()).status).toBe('miss');
    expect(await ask({ 'x-semcache-control': 'no-store' })).toMatchObject({ status: 'hit', text: 'Answer 2.' });
  });

  test('only-if-cached never asks the provider: 504 in the API\'s own shape', async () => {
    const refused = await ask({ 'x-semcache-control': 'only-if-cached' });
    expect(refused).toMatchObject({ code: 504, status: 'miss' });
    expect(refused.text).toContain('only-if-cached');
    expect(at.provider.asked).toBe(0);
    await ask();
    expect(await ask({ 'x-semcache-control': 'only-if-cached' })).toMatchObject({ code: 200, status: 'hit' });
    const { error, type } = await jsonOf(await at.post(apiForms[1]!.path, apiForms[1]!.ask('Another?'), { 'x-semcache-control': 'only-if-cached' }));
    expect({ type, error: error.type }).toEqual({ type: 'error', error: 'timeout_error' });
  });

  test('max-age refuses what is older, in seconds', async () => {
    await ask();
    now = 59_000;
    expect((await ask({ 'x-semcache-control': 'max-age=60' })).status).toBe('hit');
    now = 62_000;
    expect((await ask({ 'x-semcache-control': 'max-age=60' })).status).toBe('miss');
  });
});

describe('x-semcache-control: stale-if-error', () => {
  const failures: Array<{ why: string; script: Script }> = [
    { why: 'status 500', script: { status: 500, raw: '{"error":{"message":"down"}}' } },
    { why: 'status 429', script: { status: 429, raw: '{"error":{"message":"slow down"}}' } },
    { why: 'no connection', script: { status: 0 } },
  ];
  const fail = (script: Script): void => {
    if (script.status !== 0) at.provider.script = () => script;
    else baseUrl = 'http://127.0.0.1:1';
  };

  test.each(failures)('serves an answer older than max-age, marked as stale, when the provider fails: $why', async ({ script }) => {
    await ask();
    now = 100_000;
    fail(script);
    expect((await ask({ 'x-semcache-control': 'max-age=60' })).code).not.toBe(200);
    const stale = await ask({ 'x-semcache-control': 'max-age=60, stale-if-error' });
    expect(stale).toMatchObject({ code: 200, status: 'stale', text: 'Answer 1.' });
    expect(stale.response.headers.get('x-semcache-reason')).toContain('The provider failed');
    const streamed = await at.post(form!.path, form!.ask(question, { stream: true }), { 'x-semcache-control': 'no-cache, stale-if-error' });
    expect(form!.streamedText(await streamed.text())).toBe('Answer 1.');
    expect(streamed.headers.get('x-semcache-status')).toBe('stale');
  });

  test.each(failures)('is no reason to hide the failure where nothing is stored: $why', async ({ script }) => {
    fail(script);
    expect(await ask({ 'x-semcache-control': 'stale-if-error' })).toMatchObject({ code: script.status || 502, status: script.status === 0 ? null : 'miss' });
  });

  test('is not looked at while the provider answers, or refuses what the client sent', async () => {
    await ask();
    expect(await ask({ 'x-semcache-control': 'no-cache, stale-if-error' })).toMatchObject({ status: 'miss', text: 'Answer 2.' });
    at.provider.script = () => ({ status: 400, raw: '{"error":{"message":"what is this"}}' });
    expect((await ask({ 'x-semcache-control': 'no-cache, stale-if-error' })).code).toBe(400);
  });
});

/** Asks nobody but the cache. */
const lookUp = async (text: string, rate: string): Promise<{ hit: boolean; near: string | null }> => {
  const response = await at.post(form!.path, form!.ask(text), { 'x-semcache-control': 'only-if-cached', 'x-semcache-max-wrong-hit-rate': rate });
  await response.text();
  const { headers } = response;
  return { hit: response.status === 200, near: headers.get('x-semcache-near') };
};

/** Two wordings of one question of which the cache is fairly sure, but not as sure as 0.005 wants. The first is stored. */
let fairlySure: { stored: string; reworded: string } | null = null;
async function storeFairlySure(): Promise<{ stored: string; reworded: string }> {
  const store = async (prompt: string): Promise<void> => void (await (await at.post(form!.path, form!.ask(prompt))).text());
  if (fairlySure !== null) {
    await store(fairlySure.stored);
    return fairlySure;
  }
  const families = await readLines<Family>(fileURLToPath(new URL('../fixtures/quality/editor-prompts.dev.jsonl', import.meta.url)));
  for (const { seed, variants } of families) {
    await at.parts.clear({});
    await store(seed.prompt);
    for (const { prompt } of variants.filter(({ label }) => label === 'same')) {
      const isNear = (await lookUp(prompt, '0.005')).near !== null;
      if (isNear && (await lookUp(prompt, '0.1')).hit) return (fairlySure = { stored: seed.prompt, reworded: prompt });
    }
  }
  throw new Error('No wording of the development set lies between the bounds of 0.1 and 0.005.');
}

describe('x-semcache-max-wrong-hit-rate', () => {
  test('serves at 0.1 what it only names at 0.005', async () => {
    const { stored, reworded } = await storeFairlySure();
    expect(await lookUp(reworded, '0.005')).toMatchObject({ hit: false, near: expect.stringMatching(/^\w+$/) });
    expect(await lookUp(reworded, '0.1')).toMatchObject({ hit: true, near: null });
    expect(await lookUp(stored, '0')).toMatchObject({ hit: true });
  });

  test.each(['-1', '2', 'a lot', ''])('that is no share (%j) is as if it were not there', async rate => {
    await ask();
    expect(await lookUp('Briefly: what is a monad?', rate)).toMatchObject({ hit: true });
    expect(await lookUp('Briefly: what is a monad?', '0')).toMatchObject({ hit: false });
  });
});

test('x-semcache-reason tells what differs from the same question asked before, but not to those who are kept apart', async () => {
  const reasonFor = async (headers: Record<string, string>, more = {}): Promise<string | null> =>
    (await ask({ 'x-semcache-control': 'no-store', ...headers }, more)).response.headers.get('x-semcache-reason');
  await ask({ 'x-semcache-namespace': 'a' });
  expect(await reasonFor({ 'x-semcache-namespace': 'a' }, { temperature: 0.3 })).toBe('The same question was asked before; what differs: other settings of the model (temperature).');
  const others: Record<string, string>[] = [{}, { 'x-semcache-namespace': 'b' }];
  for (const headers of others) {
    expect(await reasonFor(headers)).toBe('Nothing like it was asked about the same context before.');
  }
});

test('namespaces never share an entry', async () => {
  await ask({ 'x-semcache-namespace': 'a' });
  expect((await ask({ 'x-semcache-namespace': 'a' })).status).toBe('hit');
  expect((await ask({ 'x-semcache-namespace': 'b' })).status).toBe('miss');
  expect((await ask()).status).toBe('miss');
});

describe('provider keys that clients bring', () => {
  const own = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}`, 'x-semcache-token': at.gateway.token });

  test('are passed on, and their owners never share an entry', async () => {
    expect((await ask(own('sk-ann'))).status).toBe('miss');
    expect(at.provider.seen[0]!.headers).toMatchObject({ authorization: 'Bearer sk-ann' });
    expect(at.provider.seen[0]!.headers['x-semcache-token']).toBeUndefined();
    expect((await ask(own('sk-ann'))).status).toBe('hit');
    expect((await ask(own('sk-bob'))).status).toBe('miss');
    expect((await ask()).status).toBe('miss');
  });

  test('are the same key as a bearer token or as x-api-key', async () => {
    await ask(own('sk-ann'));
    expect((await ask({ authorization: `Bearer ${at.gateway.token}`, 'x-api-key': 'sk-ann' })).status).toBe('hit');
  });

  test('share entries when the person says that all are theirs', async () => {
    shared = true;
    await ask(own('sk-ann'));
    expect((await ask(own('sk-bob'))).status).toBe('hit');
  });

  test('are nowhere in the data folder and the log', async () => {
    await ask(own('sk-very-secret-key-1234'));
    const entries = [];
    for await (const entry of at.parts.store.entries()) entries.push(entry);
    expect(JSON.stringify(entries)).not.toContain('sk-very-secret');
    expect(at.logged.join('')).not.toContain('sk-very-secret');
    expect(at.logged.join('')).not.toContain('monad');
  });
});

describe('passed on without being looked at', () => {
  test.each([
    { why: 'several answers', path: '/v1/chat/completions', more: { n: 2 } },
    { why: 'probabilities', path: '/v1/chat/completions', more: { logprobs: true, top_logprobs: 2 } },
    { why: 'sound', path: '/v1/chat/completions', more: { audio: { voice: 'alloy' } } },
    { why: 'a conversation that the provider keeps', path: '/v1/responses', more: { input: question, previous_response_id: 'resp_0' } },
    { why: 'an item that the provider keeps', path: '/v1/responses', more: { input: [{ type: 'item_reference', id: 'msg_1' }] } },
    { why: 'work in the background', path: '/v1/responses', more: { input: question, background: true } },
    { why: 'messages that are no list', path: '/v1/chat/completions', more: { messages: 'hello' } },
    { why: 'a responses body sent to chat', path: '/v1/chat/completions', more: { messages: undefined, input: question } },
    { why: 'messages of odd shapes', path: '/v1/messages', more: { messages: [null, 7] } },
    { why: 'half a surrogate pair', path: '/v1/messages', more: { messages: [{ role: 'user', content: 'a\ud800' }] } },
  ])('$why', async ({ path, more }) => {
    const body = { model: 'm', max_tokens: 5, messages: [{ role: 'user', content: question }], ...more };
    for (const _twice of [1, 2]) {
      const response = await at.post(path, body);
      await response.text();
      expect(response.headers.get('x-semcache-status')).toBe('bypass');
      expect(response.headers.get('x-semcache-reason')).toMatch(/^Passed on: /);
    }
    expect(at.provider.asked).toBe(2);
    expect(at.provider.seen[1]!.body).toEqual(JSON.parse(JSON.stringify(body)));
  });

  test('token counts, other embeddings and paths that nobody knows', async () => {
    const counted = await at.post('/v1/messages/count_tokens', { model: 'm', messages: [] });
    expect(await jsonOf(counted)).toEqual({ input_tokens: 17 });
    at.provider.script = () => ({ raw: '{"object":"list","data":[]}' });
    expect(await jsonOf(await at.post('/v1/embeddings', { model: 'text-embedding-3-small', input: 'x' }))).toEqual({ object: 'list', data: [] });
    expect(await jsonOf(await at.post('/v1/moderations?a=b', { input: 'x' }))).toEqual({ object: 'list', data: [] });
    expect(at.provider.seen.map(({ path }) => path)).toEqual(['/v1/messages/count_tokens', '/v1/embeddings', '/v1/moderations?a=b']);
  });
});

describe('/v1/embeddings of the local model', () => {
  test('answers with unit vectors, as numbers or base64, and asks nobody', async () => {
    const floats = await jsonOf(await at.post('/v1/embeddings', { model: 'all-MiniLM-L6-v2', input: ['a monad', 'an egg'] }));
    expect(floats.data.map((row: { index: number }) => row.index)).toEqual([0, 1]);
    expect(Math.hypot(...floats.data[0].embedding)).toBeCloseTo(1, 5);
    const encoded = await jsonOf(await at.post('/v1/embeddings', { model: 'all-MiniLM-L6-v2', input: 'a monad', encoding_format: 'base64' }));
    const bytes = Buffer.from(encoded.data[0].embedding, 'base64');
    const numbers = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    expect([...numbers].map(number => number.toFixed(5))).toEqual(floats.data[0].embedding.map((number: number) => number.toFixed(5)));
    expect(at.provider.asked).toBe(0);
  });

  test('is passed on while a service makes the vectors: it would give others under this name', async () => {
    const elsewhere = await openGatewayForTest({ options: { localEmbedder: () => null } });
    try {
      elsewhere.provider.script = () => ({ raw: '{"object":"list","data":[]}' });
      expect(await jsonOf(await elsewhere.post('/v1/embeddings', { model: 'all-MiniLM-L6-v2', input: 'x' }))).toEqual({ object: 'list', data: [] });
      expect(elsewhere.provider.seen.map(({ path }) => path)).toEqual(['/v1/embeddings']);
    } finally {
      await elsewhere.close();
    }
  });

  test('says what is wrong with an input of token numbers', async () => {
    const response = await at.post('/v1/embeddings', { model: 'all-MiniLM-L6-v2', input: [1, 2] });
    expect(response.status).toBe(400);
    expect((await jsonOf(response)).error.message).toContain('token numbers');
  });
});

describe('an answer that a person judges', () => {
  const entryOf = async (): Promise<string> => (await ask()).response.headers.get('x-semcache-entry') ?? '';
  const judge = (body: object): Promise<Response> => at.post('/semcache/feedback', body);

  test('wrong for the same question removes it', async () => {
    await ask();
    expect((await judge({ entry: await entryOf(), verdict: 'wrong' })).status).toBe(204);
    expect((await ask()).status).toBe('miss');
  });

  test('wrong for a question in other words keeps the two apart, and no other', async () => {
    await ask();
    const other = form!.ask('Briefly: what is a monad?');
    const served = await at.post(form!.path, other);
    await served.text();
    expect((await judge({ entry: served.headers.get('x-semcache-entry'), verdict: 'wrong' })).status).toBe(204);
    const again = await at.post(form!.path, other);
    await again.text();
    expect(again.headers.get('x-semcache-status')).toBe('miss');
    expect((await ask()).status).toBe('hit');
  });

  const inOtherWords = form!.ask('Briefly: what is a monad?');
  const askAgain = async (headers: Record<string, string> = {}): Promise<Response> => {
    const response = await at.post(form!.path, inOtherWords, headers);
    await response.text();
    return response;
  };

  test('right for the same question changes nothing', async () => {
    await ask();
    expect((await judge({ entry: await entryOf(), verdict: 'right' })).status).toBe(204);
    expect((await ask()).status).toBe('hit');
  });

  test('right for a question in other words makes the two one question, however strict the asker is', async () => {
    await ask();
    const strict = { 'x-semcache-max-wrong-hit-rate': '0', 'x-semcache-control': 'only-if-cached' };
    expect((await askAgain(strict)).status).toBe(504);
    const entry = (await askAgain()).headers.get('x-semcache-entry');
    expect((await judge({ entry, verdict: 'right' })).status).toBe(204);
    expect((await askAgain(strict)).headers.get('x-semcache-status')).toBe('hit');
  });

  test.each([
    { verdict: 'right', rate: '0.005', hit: true },
    { verdict: 'wrong', rate: '0.1', hit: false },
  ])('$verdict for an entry that was only named decides from then on, and is no wrong hit', async ({ verdict, rate, hit }) => {
    const { reworded } = await storeFairlySure();
    const { wrongHits } = await at.parts.counters.stats();
    const { near } = await lookUp(reworded, '0.005');
    expect((await judge({ entry: near, verdict })).status).toBe(204);
    expect(await lookUp(reworded, rate)).toMatchObject({ hit });
    expect((await at.parts.counters.stats()).wrongHits).toBe(wrongHits);
  });

  test('right for a prompt that is compared as a whole is counted, and nothing else', async () => {
    const withImage = form!.ask(question, form!.withImage(question, 'AAAA'));
    await (await at.post(form!.path, withImage)).text();
    const again = await at.post(form!.path, withImage);
    await again.text();
    expect((await judge({ entry: again.headers.get('x-semcache-entry'), verdict: 'right' })).status).toBe(204);
  });

  test.each([{}, { entry: 'x' }, { entry: 5, verdict: 'wrong' }, { entry: 'x', verdict: 'perhaps' }])('%j is refused with what to say', async body => {
    const response = await judge(body);
    expect(response.status).toBe(400);
    expect((await jsonOf(response)).error.message).toContain('verdict');
  });

  test('can be removed by its id, once', async () => {
    await ask();
    const entry = await entryOf();
    const remove = (): Promise<Response> =>
      fetch(`${at.gateway.url}/semcache/entries/${entry}`, { method: 'DELETE', headers: { authorization: `Bearer ${at.gateway.token}` } });
    expect((await remove()).status).toBe(204);
    expect((await remove()).status).toBe(404);
    expect((await ask()).status).toBe('miss');
  });
});

test('a fault in the cache is no reason to leave a client without an answer', async () => {
  const broken = await openGatewayForTest({
    options: {
      answerPrompt: (asked, signal) => {
        if (asked.bypass === undefined) throw new TypeError('a fault');
        return at.parts.answerPrompt(asked, signal);
      },
    },
  });
  try {
    broken.provider.script = () => ({ text: 'All the same.' });
    const response = await broken.post(form!.path, form!.ask(question));
    expect(form!.textOf(await jsonOf(response))).toBe('All the same.');
    expect(response.headers.get('x-semcache-status')).toBe('bypass');
    expect(broken.logged.join('')).toContain('fault in Semcache');
  } finally {
    await broken.close();
  }
});

test('/metrics counts requests by API and outcome, and holds no prompt', async () => {
  await ask();
  await ask();
  const text = await (await fetch(`${at.gateway.url}/metrics`, { headers: { authorization: `Bearer ${at.gateway.token}` } })).text();
  expect(text).toMatch(/semcache_gateway_requests_total\{api="chat",status="hit"\} \d+/);
  expect(text).toMatch(/semcache_cache\{what="entries"\} 1/);
  expect(text).not.toContain('monad');
});
