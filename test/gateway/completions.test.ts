// /v1/completions, which editors ask for code to fill in: compared exactly, else as the other APIs.

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Script } from '../fakes/scriptedProvider.ts';
import { eventsIn } from './apiForms.ts';
import { jsonOf, openGatewayForTest, type TestGateway } from './openGatewayForTest.ts';

const where = '/v1/completions';
const text = 'return a 🌯 + b;';
let at: TestGateway;
beforeAll(async () => {
  at = await openGatewayForTest();
});
afterAll(() => at.close());
beforeEach(async () => {
  await at.parts.clear({});
  at.provider.seen.length = 0;
  at.provider.script = () => ({ text });
});

const fill = (more: Record<string, unknown> = {}) => ({ model: 'coder', prompt: 'function add(a, b) {', suffix: '}', max_tokens: 50, ...more });
const ask = (more?: Record<string, unknown>, headers?: Record<string, string>): Promise<Response> => at.post(where, fill(more), headers);
const statusOf = ({ headers }: Response): string | null => headers.get('x-semcache-status');
const status = async (more?: Record<string, unknown>): Promise<string | null> => {
  const response = await ask(more);
  await response.text();
  return statusOf(response);
};
const streamedText = (stream: string): string => eventsIn(stream).map(chunk => chunk.choices[0]?.text ?? '').join('');

test.each([false, true])('a miss passes byte for byte; a hit has the same answer in both forms, and a new id; streamed first: %s', async stream => {
  const first = await ask({ stream });
  const received = Buffer.from(await first.arrayBuffer());
  expect(statusOf(first)).toBe('miss');
  expect(received.equals(at.provider.seen[0]!.answered)).toBe(true);
  expect(at.provider.seen[0]!.body).toEqual(fill({ stream }));
  const [whole, streamed] = [await ask(), await ask({ stream: true })];
  expect([statusOf(whole), statusOf(streamed)]).toEqual(['hit', 'hit']);
  const final = await jsonOf(whole);
  expect(final).toMatchObject({ object: 'text_completion', model: 'coder', choices: [{ index: 0, text, finish_reason: 'stop' }] });
  expect(received.toString()).not.toContain(final.id);
  const events = await streamed.text();
  expect(streamedText(events)).toBe(text);
  expect(events.endsWith('data: [DONE]\n\n')).toBe(true);
  expect(at.provider.asked).toBe(1);
});

test.each([
  { why: 'another beginning', more: { prompt: 'function sub(a, b) {' } },
  { why: 'another end', more: { suffix: '};' } },
  { why: 'another model', more: { model: 'coder-2' } },
  { why: 'another temperature', more: { temperature: 0.9 } },
])('$why is a miss', async ({ more }) => {
  await status();
  expect(await status(more)).toBe('miss');
});

test('a prompt in words is compared exactly, too: it is to be continued, not answered', async () => {
  await status({ prompt: 'What is a monad? Briefly.' });
  expect(await status({ prompt: 'Briefly: what is a monad?' })).toBe('miss');
});

test.each([{ prompt: ['a', 'b'] }, { n: 2 }, { best_of: 3 }, { echo: true }, { logprobs: 1 }])('%j is passed on', async more => {
  for (const _twice of [1, 2]) expect(await status(more)).toBe('bypass');
  expect(at.provider.asked).toBe(2);
});

test.each<{ why: string; script: Script; stream: boolean }>([
  { why: 'an error', script: { status: 500, raw: 'oh' }, stream: false },
  { why: 'a cut answer', script: { text, finish: 'length' }, stream: true },
  { why: 'a stream without its end', script: { text, noTerminal: true }, stream: true },
  { why: 'an error in the stream', script: { text, errorAfter: 2 }, stream: true },
])('$why is never stored', async ({ script, stream }) => {
  at.provider.script = () => script;
  await status({ stream });
  at.provider.script = () => ({ text });
  expect(await status({ stream })).toBe('miss');
});

test('only-if-cached is refused in OpenAI\'s shape', async () => {
  const response = await ask({}, { 'x-semcache-control': 'only-if-cached' });
  expect(response.status).toBe(504);
  expect(await jsonOf(response)).toMatchObject({ error: { type: 'server_error', message: expect.stringContaining('only-if-cached') } });
});
