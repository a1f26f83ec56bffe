// Models of the editor for tools outside it: what each API makes of their answers. The window is in editorWindow.test.ts.

import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { defaultCacheSettings } from '../../server/protocol/settings.ts';
import { asking, answering, ScriptedUpstream, type Step } from '../fakes/scriptedUpstream.ts';
import { apiForms, eventsIn } from './apiForms.ts';
import { jsonOf, openGatewayForTest, type TestGateway } from './openGatewayForTest.ts';

const model = 'editor:copilot/gpt/4o';
const question = 'What is a monad? Briefly.';

let at: TestGateway;
let editor: ScriptedUpstream;
let steps: Step[];
let offered: Array<{ model: string; name: string }>;
beforeAll(async () => {
  at = await openGatewayForTest({
    options: {
      editorModels: () => offered,
      editorUpstream: ref => (offered.some(offer => offer.model === ref) ? editor : null),
    },
  });
});
afterAll(() => at.close());
beforeEach(async () => {
  await at.parts.clear({});
  at.provider.seen.length = 0;
  offered = [{ model: 'copilot/gpt/4o', name: 'GPT 4o' }];
  steps = answering('A burrito 🌯.');
  editor = new ScriptedUpstream(() => steps);
});

/** Two words of the answer, and a wait between them. */
function halfway(): { wait: Step[]; release: () => void } {
  let release = (): void => undefined;
  const held = new Promise<void>(resolve => (release = resolve));
  return { wait: [{ type: 'text', text: 'A ' }, held, { type: 'text', text: 'burrito.' }, { type: 'end', finish: 'stop' }], release };
}

for (const form of apiForms) {
  describe(form.path, () => {
    const ask = (more: Record<string, unknown> = {}, signal?: AbortSignal): Promise<Response> => at.post(form.path, form.ask(question, { model, ...more }), {}, signal);

    test.each([false, true])('a miss is answered by the editor, the next ask by the cache, streamed first: %s', async stream => {
      const first = await ask({ stream });
      const [said, again] = [await first.text(), await ask({ stream: !stream })];
      const repeated = await again.text();
      expect([first, again].map(({ headers }) => headers.get('x-semcache-status'))).toEqual(['miss', 'hit']);
      const [whole, events] = stream ? [repeated, said] : [said, repeated];
      expect(form.textOf(JSON.parse(whole))).toBe('A burrito 🌯.');
      expect(form.streamedText(events)).toBe('A burrito 🌯.');
      expect(JSON.parse(whole).model).toBe(model);
      expect(editor.asked).toHaveLength(1);
      expect(at.provider.asked).toBe(0);
    });

    test('in other words is a hit, by meaning', async () => {
      await (await ask()).text();
      const reworded = await at.post(form.path, form.ask('Briefly: what is a monad?', { model }));
      expect(form.textOf(await jsonOf(reworded))).toBe('A burrito 🌯.');
      expect(reworded.headers.get('x-semcache-status')).toBe('hit');
    });

    test('the model gets system text, conversation, tools and the usual parameters, and none of the rest', async () => {
      const more = { temperature: 0.5, metadata: { user_id: 'x' }, stream: true, ...form.tools('read', 'write') };
      await (await ask(more)).text();
      const [{ messages, tools, parameters, model: asked }] = editor.asked as [ScriptedUpstream['asked'][number]];
      expect(asked).toBe('copilot/gpt/4o');
      expect(messages).toEqual([
        { role: 'system', parts: [{ type: 'text', text: 'You are kind.' }] },
        { role: 'user', parts: [{ type: 'text', text: question }] },
      ]);
      expect(tools.map(({ name, description }) => `${name}: ${description}`)).toEqual(['read: does read', 'write: does write']);
      expect(tools[0]!.inputSchema).toMatchObject({ type: 'object', required: ['path'] });
      expect(parameters).toEqual({ temperature: 0.5, max_tokens: 1000 });
    });

    test('a date that is not compared still reaches the model', async () => {
      await (await at.post(form.path, form.ask(question, { model }, 'Today\'s date: 2026-11-23.'))).text();
      expect(editor.asked[0]!.messages[0]!.parts).toEqual([{ type: 'text', text: 'Today\'s date: 2026-11-23.' }]);
    });

    test('results of tools and pictures reach the model', async () => {
      await (await ask({ ...form.tools('read'), ...form.afterTool(question) })).text();
      const parts = editor.asked[0]!.messages.flatMap(message => message.parts.map(({ type }) => `${message.role} ${type}`));
      expect(parts).toEqual(expect.arrayContaining(['user text', 'assistant tool-call', 'user tool-result']));
      await (await ask(form.withImage(question, 'AAAA'))).text();
      expect(editor.asked[1]!.messages.at(-1)!.parts).toContainEqual({ type: 'data', mimeType: 'image/png', base64: 'AAAA' });
    });

    test.each([false, true])('a tool call is written as the API writes one, and replayed for the same request, streamed: %s', async stream => {
      steps = [{ type: 'text', text: 'Let me look.' }, { type: 'tool-call', callId: 'c1', name: 'read', input: { path: 'a' } }, { type: 'end', finish: 'tool-calls' }];
      const said = await (await ask({ ...form.tools('read'), stream })).text();
      expect(said).toContain('c1');
      expect(said).toContain('Let me look.');
      const again = await ask({ ...form.tools('read'), stream });
      expect(again.headers.get('x-semcache-status')).toBe('hit');
      expect(await again.text()).toContain('c1');
      expect(editor.asked).toHaveLength(1);
    });

    test('the stream begins while the model still writes', async () => {
      const { wait, release } = halfway();
      steps = wait;
      const response = await ask({ stream: true });
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      let said = '';
      while (form.streamedText(whole(said)) !== 'A ') said += (await reader.read()).value ?? '';
      release();
      for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) said += chunk.value;
      expect(form.streamedText(said)).toBe('A burrito.');
    });

    test('equal requests at once ask the model once', async () => {
      const { wait, release } = halfway();
      steps = wait;
      const asked = [ask({ stream: true }), ask({ stream: true }), ask({ stream: true })];
      await expect.poll(() => editor.asked.length).toBe(1);
      release();
      for (const response of await Promise.all(asked)) expect(form.streamedText(await response.text())).toBe('A burrito.');
      expect(editor.asked).toHaveLength(1);
    });

    test('a client that leaves cancels the model, and nothing is stored', async () => {
      steps = halfway().wait;
      const abort = new AbortController();
      const response = await ask({ stream: true }, abort.signal);
      await response.body!.getReader().read();
      abort.abort();
      await expect.poll(() => editor.cancelled).toBe(1);
      expect((await at.parts.store.size()).entries).toBe(0);
    });

    test.each([false, true])('a refusal of the model before its first word is an error of the API, streamed: %s', async stream => {
      steps = [new Error('You have not allowed Semcache to use GPT 4o.')];
      const response = await ask({ stream });
      expect(response.status).toBe(502);
      expect((await jsonOf(response)).error.message).toContain('You have not allowed Semcache');
      expect((await at.parts.store.size()).entries).toBe(0);
    });

    test('a failure in the middle is told in the stream, and nothing is stored', async () => {
      steps = [{ type: 'text', text: 'Half' }, new Error('The model broke.')];
      const said = await (await ask({ stream: true })).text();
      const last = eventsIn(said).at(-1);
      expect(last.error?.message ?? last.message).toContain('The model broke.');
      expect(form.streamedText(said.split('event: error')[0]!.replace(/data: \{"error.*\n\n/, ''))).toBe('Half');
      expect((await at.parts.store.size()).entries).toBe(0);
    });

    test.each([
      { why: 'a cut answer', steps: [{ type: 'text', text: 'Half' }, { type: 'end', finish: 'length' }] as Step[] },
      { why: 'no end', steps: [{ type: 'text', text: 'Half' }] as Step[] },
      { why: 'an empty answer', steps: [{ type: 'end', finish: 'stop' }] as Step[] },
    ])('$why is never stored', async ({ steps: script }) => {
      steps = script;
      for (const stream of [false, true]) await (await ask({ stream })).text();
      expect((await at.parts.store.size()).entries).toBe(0);
      expect(editor.asked).toHaveLength(2);
    });

    test('says what to do where no window offers the model; what is stored is still served', async () => {
      await (await ask()).text();
      offered = [];
      expect(form.textOf(await jsonOf(await ask()))).toBe('A burrito 🌯.');
      const response = await at.post(form.path, form.ask('How do I boil an egg?', { model }));
      expect(response.status).toBe(502);
      expect(await response.json()).toEqual(form.api.error(502, expect.stringMatching(/gpt\/4o.*Open VS Code.*semcache\.gateway\.editorModels/) as unknown as string));
    });
  });
}

test.each([
  { why: 'several answers', path: '/v1/chat/completions', more: { n: 2 }, said: 'several answers' },
  { why: 'JSON of a given form, chat', path: '/v1/chat/completions', more: { response_format: { type: 'json_object' } }, said: 'JSON' },
  { why: 'JSON of a given form, responses', path: '/v1/responses', more: { text: { format: { type: 'json_schema', schema: {} } } }, said: 'JSON' },
  { why: 'JSON of a given form, messages', path: '/v1/messages', more: { output_config: { format: { type: 'json_schema' } } }, said: 'JSON' },
  { why: 'a picture by its address', path: '/v1/chat/completions', more: { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://a.example/b.png' } }] }] }, said: 'image block' },
  { why: 'a conversation that a provider would keep', path: '/v1/responses', more: { previous_response_id: 'resp_1' }, said: 'the provider keeps' },
  { why: 'text to complete', path: '/v1/completions', more: { prompt: 'a' }, said: '/v1/chat/completions' },
  { why: 'a count of tokens', path: '/v1/messages/count_tokens', more: {}, said: 'nothing else' },
  { why: 'an embedding', path: '/v1/embeddings', more: {}, said: 'nothing else' },
])('refused in words, and no provider is asked: $why', async ({ path, more, said }) => {
  const form = apiForms.find(each => each.path === path) ?? apiForms[0]!;
  const response = await at.post(path, form.ask(question, { model, ...more }));
  expect(response.status).toBe(400);
  expect((await jsonOf(response)).error.message).toContain(said);
  expect(at.provider.asked + editor.asked.length).toBe(0);
  expect(at.logged.join('')).not.toContain('fault in Semcache');
});

test.each([
  { choice: 'none', tools: [], required: undefined },
  { choice: 'auto', tools: ['read', 'write'], required: undefined },
  { choice: 'required', tools: ['read', 'write'], required: 'required' },
  { choice: { type: 'function', function: { name: 'write' } }, tools: ['write'], required: 'required' },
])('tool_choice $choice', async ({ choice, tools, required }) => {
  const [chat] = apiForms;
  const strict = { type: 'function', function: { name: 'write', description: 'does write', parameters: { type: 'object' }, strict: true } };
  const offer = [...(chat!.tools('read')['tools'] as object[]), strict, { type: 'web_search' }];
  await (await at.post(chat!.path, chat!.ask(question, { model, tools: offer, tool_choice: choice }))).text();
  expect(editor.asked[0]!.tools.map(({ name }) => name)).toEqual(tools);
  expect(editor.asked[0]!.parameters['tool_choice']).toBe(required);
});

test('what was asked in the editor is a hit outside, whatever the API, and the other way round', async () => {
  const ask = async (text: string): Promise<string> => {
    let status = '';
    const request = asking(text, { model: 'gpt/4o' });
    for await (const part of at.parts.answerPrompt({ request, upstream: editor, route: 'command', workspace: null, settings: defaultCacheSettings }, new AbortController().signal)) {
      if (part.type === 'decision') status = part.decision.status;
    }
    return status;
  };
  const outside = async (text: string): Promise<string | null> => {
    const response = await at.post('/v1/chat/completions', { model, messages: [{ role: 'user', content: text }] });
    await response.text();
    return response.headers.get('x-semcache-status');
  };
  expect([await ask(question), await outside(question)]).toEqual(['miss', 'hit']);
  expect([await outside('How do I boil an egg?'), await ask('How do I boil an egg?')]).toEqual(['miss', 'hit']);
});

describe('GET /v1/models', () => {
  const list = async (headers: Record<string, string> = {}) =>
    jsonOf(await fetch(`${at.gateway.url}/v1/models`, { headers: { 'x-api-key': at.gateway.token, ...headers } }));

  test('lists them behind the provider\'s, and not when no window offers any', async () => {
    expect((await list()).data).toMatchObject([{ id: 'm' }, { id: model, object: 'model', owned_by: 'editor' }]);
    expect((await list({ 'anthropic-version': '2023-06-01' })).data.at(-1)).toMatchObject({ id: model, display_name: 'GPT 4o' });
    offered = [];
    expect((await list()).data).toEqual([{ id: 'm', object: 'model' }]);
  });
});

describe('real SDKs', () => {
  test.each([false, true])('npm openai: chat and responses, streamed: %s', async stream => {
    const client = new OpenAI({ baseURL: `${at.gateway.url}/v1`, apiKey: at.gateway.token, maxRetries: 0 });
    for (const status of ['miss', 'hit']) {
      const messages = [{ role: 'user' as const, content: question }];
      const said = stream
        ? await client.chat.completions.stream({ model, messages }).finalContent()
        : (await client.chat.completions.create({ model, messages })).choices[0]!.message.content;
      const response = stream ? await client.responses.stream({ model, input: 'Tell me of burritos.' }).finalResponse() : await client.responses.create({ model, input: 'Tell me of burritos.' });
      expect({ status, said, text: response.output_text }).toEqual({ status, said: 'A burrito 🌯.', text: 'A burrito 🌯.' });
    }
    expect(editor.asked).toHaveLength(2);
    expect((await client.models.list()).data.map(({ id }) => id)).toContain(model);
  });

  test.each([false, true])('npm @anthropic-ai/sdk, streamed: %s', async stream => {
    const client = new Anthropic({ baseURL: at.gateway.url, apiKey: at.gateway.token, maxRetries: 0 });
    const body = { model, max_tokens: 100, messages: [{ role: 'user' as const, content: question }] };
    for (const _twice of [1, 2]) {
      const message = stream ? await client.messages.stream(body).finalMessage() : await client.messages.create(body);
      expect(message.content).toMatchObject([{ type: 'text', text: 'A burrito 🌯.' }]);
      expect(message).toMatchObject({ stop_reason: 'end_turn', model });
    }
    expect(editor.asked).toHaveLength(1);
  });
});

/** The events that are complete. */
function whole(stream: string): string {
  return stream.slice(0, stream.lastIndexOf('\n\n') + 2);
}
