// Several providers: which one is asked, with whose key, at which address; and what they offer together.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { upstreamFor, upstreamUrl } from '../../server/gateway/upstreamChoice.ts';
import type { HttpUpstreamConfig } from '../../server/protocol/messages.ts';
import { ScriptedProvider } from '../fakes/scriptedProvider.ts';
import { apiForms } from './apiForms.ts';
import { jsonOf, openGatewayForTest, type TestGateway } from './openGatewayForTest.ts';

let at: TestGateway;
let other: ScriptedProvider;
let upstreams: HttpUpstreamConfig[];
let later = 0;
beforeAll(async () => {
  other = await ScriptedProvider.open();
  at = await openGatewayForTest({ options: { upstreams: () => upstreams, now: () => Date.now() + later } });
});
afterAll(async () => {
  await at.close();
  await other.close();
});
beforeEach(async () => {
  await at.parts.clear({});
  at.provider.seen.length = 0;
  other.seen.length = 0;
  at.provider.models = ['m'];
  upstreams = [
    { name: 'open', kind: 'openai', baseUrl: `${at.provider.url}/v1/`, apiKey: 'sk-openai', models: ['gpt-*', 'tiny'] },
    { name: 'claude', kind: 'anthropic', baseUrl: other.url, apiKey: 'sk-anthropic', models: ['claude-large'] },
  ];
});

const [chat, messages] = apiForms;
const ask = async (form: (typeof apiForms)[number], model: string, headers: Record<string, string> = {}): Promise<Response> => {
  const response = await at.post(form.path, form.ask('What is a monad?', { model }), headers);
  await response.text();
  return response;
};

describe('the provider that is asked', () => {
  test('is the one that lists the model, whatever the API', async () => {
    await ask(chat!, 'gpt-9');
    await ask(messages!, 'tiny');
    await ask(chat!, 'claude-large');
    expect([at.provider.asked, other.asked]).toEqual([2, 1]);
  });

  test('is the one whose API it is, for a model that nobody lists', async () => {
    await ask(messages!, 'claude-next');
    await ask(chat!, 'o9');
    expect([at.provider.asked, other.asked]).toEqual([1, 1]);
  });

  test('is the one without a list before those with one', () => {
    const local: HttpUpstreamConfig = { name: 'local', kind: 'ollama', baseUrl: 'http://localhost:11434', models: [] };
    expect(upstreamFor([...upstreams, local], 'llama', 'chat')).toBe(local);
    expect(upstreamFor([], 'llama', 'chat')).toBeNull();
  });

  test('gets its own key in its own header, and none of the client\'s', async () => {
    const headers = { 'x-semcache-token': at.gateway.token, authorization: 'Bearer sk-mine', 'x-api-key': 'sk-mine-too' };
    await ask(chat!, 'tiny', headers);
    await ask(messages!, 'claude-large', headers);
    expect(at.provider.seen[0]!.headers).toMatchObject({ authorization: 'Bearer sk-openai' });
    expect(at.provider.seen[0]!.headers['x-api-key']).toBeUndefined();
    expect(other.seen[0]!.headers).toMatchObject({ 'x-api-key': 'sk-anthropic' });
    expect(other.seen[0]!.headers.authorization).toBeUndefined();
  });

  test('with a key of its own is one person\'s: clients share entries whatever they bring', async () => {
    await ask(chat!, 'tiny', { 'x-api-key': 'sk-ann' });
    expect((await ask(chat!, 'tiny', { 'x-api-key': 'sk-bob' })).headers.get('x-semcache-status')).toBe('hit');
  });

  test('is nobody where none is set: 502 that says what to do', async () => {
    upstreams = [];
    const response = await at.post(chat!.path, chat!.ask('Hi'));
    expect(response.status).toBe(502);
    expect((await jsonOf(response)).error.message).toContain('semcache.upstreams');
  });
});

describe('of several providers that take every model', () => {
  const prompts = (provider: ScriptedProvider): string[] => provider.seen.filter(({ method }) => method === 'POST').map(({ body }) => String(body['model']));
  const listings = (provider: ScriptedProvider): number => provider.seen.filter(({ method }) => method === 'GET').length;
  let tries = 0;
  beforeEach(() => {
    // Other names: what was told of the last ones is still known.
    tries += 1;
    later = 0;
    at.provider.models = ['gpt-9', 'both'];
    other.models = ['llama', 'both'];
    upstreams = [
      { name: `cloud ${tries}`, kind: 'openai', baseUrl: at.provider.url, apiKey: 'sk-cloud', models: [] },
      { name: `local ${tries}`, kind: 'ollama', baseUrl: other.url, models: [] },
    ];
  });

  test('the one is asked that offers the model; the first where both do, or nobody does', async () => {
    for (const model of ['llama', 'gpt-9', 'both', 'nobody-has-it']) for (const form of apiForms) await ask(form, model);
    expect(new Set(prompts(other))).toEqual(new Set(['llama']));
    expect(new Set(prompts(at.provider))).toEqual(new Set(['gpt-9', 'both', 'nobody-has-it']));
    expect([listings(at.provider), listings(other)]).toEqual([1, 1]);
    expect(at.provider.seen[0]!.headers.authorization).toBe('Bearer sk-cloud');
  });

  test('what lists the model in the settings comes first, and nobody is asked for a list', async () => {
    upstreams.push({ name: 'named', kind: 'openai', baseUrl: other.url, models: ['gpt-9'] });
    await ask(chat!, 'gpt-9');
    expect([prompts(other), listings(at.provider), listings(other)]).toEqual([['gpt-9'], 0, 0]);
  });

  test('token counts go where the model is', async () => {
    await (await at.post('/v1/messages/count_tokens', { model: 'llama', messages: [] })).text();
    expect(prompts(other)).toEqual(['llama']);
  });

  test('a model that was added later is found within half a minute', async () => {
    await ask(chat!, 'new');
    other.models.push('new');
    later = 20_000;
    await ask(messages!, 'new');
    expect(prompts(other)).toEqual([]);
    later = 31_000;
    await at.parts.clear({});
    await ask(chat!, 'new');
    expect(prompts(other)).toEqual(['new']);
    expect(listings(other)).toBe(2);
  });

  test('one that is away stops nobody', async () => {
    upstreams.unshift({ name: `away ${tries}`, kind: 'openai', baseUrl: 'http://127.0.0.1:1', models: [] });
    expect((await ask(chat!, 'llama')).status).toBe(200);
    expect(prompts(other)).toEqual(['llama']);
  });

  test('Anthropic is asked for all of its models, in its version', async () => {
    upstreams[1] = { name: `claude ${tries}`, kind: 'anthropic', baseUrl: other.url, apiKey: 'sk-anthropic', models: [] };
    await ask(chat!, 'llama');
    const [listing] = other.seen;
    expect(listing!.path).toBe('/v1/models?limit=1000');
    expect(listing!.headers).toMatchObject({ 'anthropic-version': '2023-06-01', 'x-api-key': 'sk-anthropic' });
    expect(prompts(other)).toEqual(['llama']);
  });
});

test.each([
  ['https://api.openai.com', 'https://api.openai.com/v1/chat/completions?a=b'],
  ['https://api.openai.com/v1', 'https://api.openai.com/v1/chat/completions?a=b'],
  ['https://openrouter.ai/api/v1/', 'https://openrouter.ai/api/v1/chat/completions?a=b'],
  ['https://generativelanguage.googleapis.com/v1beta', 'https://generativelanguage.googleapis.com/v1beta/chat/completions?a=b'],
  ['http://localhost:11434', 'http://localhost:11434/v1/chat/completions?a=b'],
])('upstreamUrl() of base %s', (baseUrl, url) => {
  expect(upstreamUrl({ name: 'n', kind: 'openai', baseUrl, models: [] }, '/v1/chat/completions?a=b').href).toBe(url);
});

describe('GET /v1/models', () => {
  const list = async (headers: Record<string, string> = {}) =>
    jsonOf(await fetch(`${at.gateway.url}/v1/models`, { headers: { 'x-api-key': at.gateway.token, ...headers } }));

  test('merges what is listed with what is offered, patterns left out', async () => {
    upstreams.push({ name: 'local', kind: 'ollama', baseUrl: at.provider.url, models: [] }, { name: 'away', kind: 'openai', baseUrl: 'http://127.0.0.1:1', models: [] });
    const { data } = await list();
    expect(data.map(({ id, owned_by }: { id: string; owned_by: string }) => `${id} ${owned_by}`)).toEqual(['tiny open', 'claude-large claude', 'm local']);
  });

  test('has Anthropic\'s form for Anthropic\'s clients', async () => {
    expect(await list({ 'anthropic-version': '2023-06-01' })).toMatchObject({ data: [{ type: 'model', id: 'tiny' }, { id: 'claude-large' }], has_more: false });
  });

  test('of a single provider is its own, as it is', async () => {
    upstreams = [{ name: 'local', kind: 'ollama', baseUrl: at.provider.url, models: [] }];
    expect(await list()).toEqual({ object: 'list', data: [{ id: 'm', object: 'model' }] });
  });
});
