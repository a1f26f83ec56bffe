// chat/completions through the gateway: passed on byte for byte, recorded, replayed.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { jsonOf, openGatewayForTest, type TestGateway } from './openGatewayForTest.ts';

let at: TestGateway;
beforeAll(async () => {
  at = await openGatewayForTest();
});
afterAll(() => at.close());
beforeEach(async () => {
  await at.parts.clear({});
  at.provider.seen.length = 0;
  at.provider.script = () => ({ text: 'A monad is a 🌯 burrito, they say.' });
});

const path = '/v1/chat/completions';
const question = 'What is a monad?';
const body = { model: 'gpt-4o', messages: [{ role: 'system', content: 'You are kind.' }, { role: 'user', content: question }] };
const reworded = { ...body, messages: [body.messages[0], { role: 'user', content: 'what is a monad' }] };
const statusOf = (response: Response): string | null => response.headers.get('x-semcache-status');

describe('a miss', () => {
  test.each([
    { why: 'not streamed', more: {} },
    { why: 'streamed', more: { stream: true } },
    { why: 'streamed with usage', more: { stream: true, stream_options: { include_usage: true } } },
  ])('passes body and answer on byte for byte, $why', async ({ more }) => {
    const sent = `{ "model":"gpt-4o",\n "messages":[{"content":"${question}","role":"user"}], "unknown_field":{"a":[1]}, ${JSON.stringify(more).slice(1, -1) || '"x":1'} }`;
    const response = await at.post(path, sent, { 'x-own': 'kept' });
    const received = Buffer.from(await response.arrayBuffer());
    const [seen] = at.provider.seen;
    expect(seen!.bytes.toString()).toBe(sent);
    expect(received.equals(seen!.answered)).toBe(true);
    expect(statusOf(response)).toBe('miss');
    expect(seen!.headers).toMatchObject({ 'x-own': 'kept', 'accept-encoding': 'identity' });
    expect(JSON.stringify(seen!.headers)).not.toContain(at.gateway.token);
  });
});

describe('a hit', () => {
  test('of the same question is served with the same text and usage, and a new id', async () => {
    const first = await jsonOf(await at.post(path, body));
    const response = await at.post(path, body);
    const second = await jsonOf(response);
    expect(statusOf(response)).toBe('hit');
    expect(response.headers.get('x-semcache-distance')).toBe('0');
    expect(response.headers.get('x-semcache-entry')).toMatch(/^[0-9a-f]{32}$/);
    expect({ ...second, id: 0, created: 0 }).toEqual({ ...first, id: 0, created: 0 });
    expect(second.id).not.toBe(first.id);
    expect(at.provider.asked).toBe(1);
  });

  test('of the same question in other words is served', async () => {
    await (await at.post(path, body)).text();
    const response = await at.post(path, reworded);
    expect(statusOf(response)).toBe('hit');
    expect(at.provider.asked).toBe(1);
  });

  test('recorded from a stream answers a request that is not streamed, and the other way round', async () => {
    await (await at.post(path, { ...body, stream: true, stream_options: { include_usage: true } })).text();
    const whole = await jsonOf(await at.post(path, body));
    expect(whole.choices[0]).toMatchObject({ message: { role: 'assistant', content: 'A monad is a 🌯 burrito, they say.' }, finish_reason: 'stop' });
    expect(whole.usage).toMatchObject({ prompt_tokens: 20, prompt_tokens_details: { cached_tokens: 8 } });
    const streamed = await (await at.post(path, { ...body, stream: true })).text();
    const chunks = streamed.trim().split('\n\n').map(line => line.replace('data: ', ''));
    expect(chunks.at(-1)).toBe('[DONE]');
    const deltas = chunks.slice(0, -1).map(chunk => JSON.parse(chunk));
    expect(deltas[0].choices[0].delta).toEqual({ role: 'assistant', content: '' });
    expect(deltas.map(chunk => chunk.choices[0]?.delta.content ?? '').join('')).toBe('A monad is a 🌯 burrito, they say.');
    expect(deltas.at(-1).choices[0].finish_reason).toBe('stop');
    expect(at.provider.asked).toBe(1);
  });
});
