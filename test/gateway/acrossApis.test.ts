// An answer recorded through one API, asked for through another: served where nothing is lost, else a miss.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { WireAnswer } from '../fakes/providerWires.ts';
import { apiForms } from './apiForms.ts';
import { jsonOf, openGatewayForTest, type TestGateway } from './openGatewayForTest.ts';

let at: TestGateway;
beforeAll(async () => {
  at = await openGatewayForTest();
});
afterAll(() => at.close());
beforeEach(async () => {
  await at.parts.clear({});
  at.provider.seen.length = 0;
});

const question = 'What is a monad? Briefly.';
const answer = 'A monad is a 🌯 burrito,\n\nthey say.';
const statusOf = (response: Response): string | null => response.headers.get('x-semcache-status');
const pairs = apiForms.flatMap(from => apiForms.filter(to => to !== from).map(to => ({ from, to, name: `${from.name} to ${to.name}` })));

describe.each(pairs)('$name', ({ from, to }) => {
  const record = async (script: WireAnswer, more = {}): Promise<void> => {
    at.provider.script = () => script;
    await (await at.post(from.path, from.ask(question, more))).text();
  };
  const status = async (more = {}): Promise<string | null> => {
    const response = await at.post(to.path, to.ask(question, more));
    await response.text();
    return statusOf(response);
  };

  test.each([false, true])('an answer of text is served, streamed: %s', async stream => {
    await record({ text: answer }, { stream });
    const response = await at.post(to.path, to.ask(question));
    expect(statusOf(response)).toBe('hit');
    const whole = await jsonOf(response);
    expect(to.textOf(whole)).toBe(answer);
    expect(whole.model).toBe('m-large');
    const streamed = await at.post(to.path, to.ask('Briefly: what is a monad?', { stream: true, stream_options: { include_usage: true } }));
    expect(statusOf(streamed)).toBe('hit');
    expect(to.streamedText(await streamed.text())).toBe(answer);
    expect(at.provider.asked).toBe(1);
  });

  test('usage is told in the other API\'s way, cached tokens included', async () => {
    await record({ text: answer });
    const { usage } = await jsonOf(await at.post(to.path, to.ask(question)));
    const cached = usage.cache_read_input_tokens ?? (usage.prompt_tokens_details ?? usage.input_tokens_details).cached_tokens;
    const input = to.name === 'messages' ? usage.input_tokens + cached : (usage.prompt_tokens ?? usage.input_tokens);
    expect({ cached, input, output: usage.completion_tokens ?? usage.output_tokens }).toEqual({ cached: 8, input: 20, output: 9 });
  });

  test.each<{ why: string; script: WireAnswer }>([
    { why: 'thinking', script: { text: answer, thinking: 'Let me think.' } },
    { why: 'a tool call', script: { toolCall: { name: 'read', input: { path: 'a' } } } },
  ])('$why would be lost: a miss', async ({ script }) => {
    await record(script);
    at.provider.script = () => ({ text: answer });
    expect(await status()).toBe('miss');
  });
});

test('a tool offered through any API is the same tool', async () => {
  at.provider.script = () => ({ text: answer });
  for (const form of apiForms) {
    const response = await at.post(form.path, form.ask(question, form.tools('read', 'write')));
    await response.text();
    expect(statusOf(response)).toBe(form === apiForms[0] ? 'miss' : 'hit');
  }
});

describe('responses that the provider is asked to keep', () => {
  const [chat, , responses] = apiForms;

  test('are not answered from another API: a later request may name the id', async () => {
    at.provider.script = () => ({ text: answer });
    await (await at.post(chat!.path, chat!.ask(question))).text();
    const response = await at.post(responses!.path, responses!.ask(question, { store: undefined }));
    await response.text();
    expect(statusOf(response)).toBe('miss');
  });

  test('keep the id that the provider knows, while others get a new one', async () => {
    at.provider.script = () => ({ text: answer });
    const ask = async (store?: boolean): Promise<{ id: string; store: boolean }> =>
      jsonOf(await at.post(responses!.path, responses!.ask(question, { store })));
    const first = await ask();
    expect(await ask()).toMatchObject({ id: first.id, store: true });
    const unkept = await ask(false);
    expect(unkept.store).toBe(false);
    expect(unkept.id).not.toBe(first.id);
    expect(at.provider.asked).toBe(1);
  });

  test('repeat the metadata of the request at hand, not those of the one that was recorded', async () => {
    at.provider.script = () => ({ text: answer });
    await (await at.post(responses!.path, responses!.ask(question, { metadata: { who: 'ann' }, user: 'ann' }))).text();
    const response = await at.post(responses!.path, responses!.ask(question, { metadata: { who: 'bob' } }));
    expect(statusOf(response)).toBe('hit');
    expect(await jsonOf(response)).toMatchObject({ metadata: { who: 'bob' }, user: null });
  });
});
