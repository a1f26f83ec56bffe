// The x-semcache headers of every kind of answer, and what a request's headers ask for, through every API.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { apiForms } from './apiForms.ts';
import { jsonOf, openGatewayForTest, type TestGateway } from './openGatewayForTest.ts';

let at: TestGateway;
let now = 0;
beforeAll(async () => {
  at = await openGatewayForTest({ options: { now: () => Date.now() + now } });
});
afterAll(() => at.close());
beforeEach(async () => {
  now = 0;
  await at.parts.clear({});
  at.provider.seen.length = 0;
  at.provider.script = () => ({ text: `Answer ${at.provider.asked}.` });
});

const question = 'What is a monad? Briefly.';
const reworded = 'Briefly: what is a monad?';
const share = /^(?:0\.\d+|1)$/;
const entry = /^[0-9a-f]{32}$/;
/** Seconds, and those that the test itself took. */
const aged = /^(?:[7-9]|\d\d)$/;
const sentence = /^[\x20-\x7e]{10,300}$/;

describe.each(apiForms.flatMap(form => [false, true].map(stream => ({ form, stream, name: `${form.name}, streamed: ${stream}` }))))('$name', ({ form, stream }) => {
  const ask = async (text: string, headers: Record<string, string> = {}, more = {}): Promise<{ code: number; said: string; headers: Record<string, string> }> => {
    const response = await at.post(form.path, form.ask(text, { stream, ...more }), headers);
    const said = await response.text();
    const ours = [...response.headers].filter(([name]) => name.startsWith('x-semcache-')).map(([name, value]) => [name.slice('x-semcache-'.length), value]);
    return { code: response.status, said, headers: Object.fromEntries(ours) };
  };
  const control = (value: string): Record<string, string> => ({ 'x-semcache-control': value });

  test('an identical question, the same in other words, and another one', async () => {
    expect((await ask(question)).headers).toEqual({ status: 'miss', reason: expect.stringMatching(sentence) });
    now = 7000;
    const same = await ask(question);
    expect(same.headers).toEqual({ status: 'hit', distance: '0', age: expect.stringMatching(aged), entry: expect.stringMatching(entry), reason: expect.stringMatching(sentence) });
    expect((await ask(reworded)).headers).toEqual({
      status: 'hit', age: expect.stringMatching(aged), entry: same.headers['entry'], distance: expect.stringMatching(share), probability: expect.stringMatching(share), reason: expect.stringMatching(sentence),
    });
    expect((await ask('How do I boil an egg?')).headers).toMatchObject({ status: 'miss', reason: expect.stringMatching(sentence) });
  });

  test('what is near and not served is named, with its distance and probability', async () => {
    const { headers } = await ask(question).then(() => ask(reworded, { 'x-semcache-max-wrong-hit-rate': '0.000001' }));
    expect(headers).toEqual({
      status: 'miss', distance: expect.stringMatching(share), near: expect.stringMatching(entry), probability: expect.stringMatching(share), reason: expect.stringMatching(sentence),
    });
  });

  test('what is passed on without being compared', async () => {
    const bypassed = form.name === 'responses' ? { previous_response_id: 'resp_1' } : form.name === 'chat' ? { n: 2 } : { messages: [7] };
    expect((await ask(question, {}, bypassed)).headers).toEqual({ status: 'bypass', reason: expect.stringMatching(/^Passed on: /) });
  });

  test('only-if-cached asks nobody: 504 in the API\'s own shape', async () => {
    const { code, said, headers } = await ask(question, control('only-if-cached'));
    expect({ code, headers }).toEqual({ code: 504, headers: { status: 'miss', reason: expect.stringMatching(sentence) } });
    expect(JSON.parse(said)).toEqual(form.api.error(504, expect.stringContaining('only-if-cached') as unknown as string));
    expect(at.provider.asked).toBe(0);
    await ask(question);
    expect(await ask(question, control('only-if-cached'))).toMatchObject({ code: 200, headers: { status: 'hit' } });
  });

  test('max-age, no-cache, refresh and no-store', async () => {
    await ask(question);
    now = 62_000;
    expect((await ask(question, control('max-age=63'))).headers['status']).toBe('hit');
    expect((await ask(question, control('max-age=60, no-store'))).headers['status']).toBe('miss');
    for (const name of ['no-cache', 'refresh']) {
      expect((await ask(question, control(name))).headers['status']).toBe('miss');
      expect((await ask(question)).said).toContain(`Answer ${at.provider.asked}.`);
    }
    const { asked } = at.provider;
    expect(asked).toBe(4);
  });

  test('stale-if-error serves what is too old, and says so', async () => {
    await ask(question);
    now = 100_000;
    at.provider.script = () => ({ status: 500, raw: '{}' });
    const { code, headers } = await ask(question, control('max-age=60, stale-if-error'));
    expect({ code, headers }).toEqual({
      code: 200, headers: { status: 'stale', distance: '0', age: expect.stringMatching(/^1\d\d$/), entry: expect.stringMatching(entry), reason: expect.stringContaining('The provider failed') },
    });
  });

  test('namespaces and the owners of provider keys never share an entry', async () => {
    const of = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}`, 'x-semcache-token': at.gateway.token });
    const askers: Record<string, string>[] = [{}, { 'x-semcache-namespace': 'a' }, { 'x-semcache-namespace': 'b' }, of('sk-ann'), of('sk-bob'), { ...of('sk-ann'), 'x-semcache-namespace': 'a' }];
    for (const headers of askers) expect((await ask(question, headers)).headers['status']).toBe('miss');
    for (const headers of askers) expect((await ask(reworded, headers)).headers['status']).toBe('hit');
    expect(at.provider.asked).toBe(askers.length);
  });

  test('an entry is removed by its id, and judged by it', async () => {
    await ask(question);
    const { headers: { entry: id } } = await ask(reworded);
    expect((await at.post('/semcache/feedback', { entry: id, verdict: 'wrong' })).status).toBe(204);
    expect((await ask(reworded, control('no-store'))).headers['status']).toBe('miss');
    const again = await ask(question);
    expect(again.headers['status']).toBe('hit');
    const removed = await fetch(`${at.gateway.url}/semcache/entries/${again.headers['entry']}`, { method: 'DELETE', headers: { 'x-api-key': at.gateway.token } });
    expect(removed.status).toBe(204);
    expect((await ask(question)).headers['status']).toBe('miss');
  });
});

test('nothing of all this is in the log', async () => {
  expect(at.logged.join('')).not.toMatch(/monad|sk-ann|sk-bob/);
  expect(await jsonOf(await fetch(`${at.gateway.url}/healthz`))).toMatchObject({ status: 'ok' });
});
