// RedisSemanticCache as the cache of a real ChatOpenAI from LangChain.js, over a provider on this machine.

import { createServer } from 'node:http';
import { HumanMessage, SystemMessage } from '@langchain/core/messages';
import { BaseCache } from '@langchain/core/caches';
import { ChatOpenAI, OpenAI } from '@langchain/openai';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { RedisSemanticCache, type RedisSemanticCacheFields } from '../../server/langchain/redisSemanticCache.ts';
import { WordEmbedder } from '../fakes/wordEmbedder.ts';
import { startRedis, type RedisServer } from './redisServers.ts';

let server: RedisServer;
let provider: { url: string; asked: string[]; close(): void };

beforeAll(async () => {
  stayHere();
  [server, provider] = await Promise.all([startRedis('query-engine'), startProvider()]);
});
afterAll(async () => {
  provider?.close();
  await server?.close();
});
beforeEach(async () => {
  provider.asked.length = 0;
  await server.command('FLUSHALL');
});

const words = new WordEmbedder();
const embedding = { embedQuery: async (text: string) => Array.from((await words.embed([text]))[0]!) };

function cacheHere(changes: Partial<RedisSemanticCacheFields> = {}): RedisSemanticCache {
  const cache = new RedisSemanticCache({ redisUrl: server.url, embedding, ...changes });
  onTestFinished(() => cache.close());
  return cache;
}

function chatModel(cache: BaseCache, changes: { streaming?: boolean; model?: string } = {}): ChatOpenAI {
  return new ChatOpenAI({ model: 'gpt-x', temperature: 0, apiKey: 'key', maxRetries: 0, configuration: { baseURL: provider.url }, cache, ...changes });
}

test('it is a BaseCache of LangChain.js', () => {
  expect(cacheHere()).toBeInstanceOf(BaseCache);
});

test.each([false, true])('new ChatOpenAI({ cache, streaming: %s }): the second ask comes from the cache, the same message', async streaming => {
  const cache = cacheHere();
  const first = await chatModel(cache, { streaming }).invoke('How do I reverse a list?');
  const second = await chatModel(cache, { streaming }).invoke('How do I reverse a list?');
  expect(provider.asked).toHaveLength(1);
  expect(second.content).toBe(first.content);
  expect(second.content).toBe('answer 1');
  expect(second._getType()).toBe('ai');
});

test('streaming with a cache: tokens come one by one, and a hit gives all of them', async () => {
  const cache = cacheHere();
  const tokensOf = async (): Promise<string> => {
    let text = '';
    await chatModel(cache, { streaming: true }).invoke('How do I reverse a list?', { callbacks: [{ handleLLMNewToken: token => void (text += token) }] });
    return text;
  };
  expect(await tokensOf()).toBe('answer 1');
  expect(await tokensOf()).toBe('answer 1');
  expect(provider.asked).toHaveLength(1);
});

test('stream() works beside the cache: LangChain.js asks no cache there', async () => {
  const chunks: string[] = [];
  for await (const chunk of await chatModel(cacheHere()).stream('How do I reverse a list?')) chunks.push(String(chunk.content));
  expect(chunks.join('')).toBe('answer 1');
  expect(chunks.length).toBeGreaterThan(1);
});

test('a near question is a hit, one of another model or far away is not', async () => {
  const cache = cacheHere({ scoreThreshold: 0.2 });
  const system = new SystemMessage('Be terse.');
  await chatModel(cache).invoke([system, new HumanMessage('how do I reverse a list in python')]);
  await chatModel(cache).invoke([system, new HumanMessage('how do I reverse a list in python please')]);
  expect(provider.asked).toHaveLength(1);
  await chatModel(cache, { model: 'gpt-y' }).invoke([system, new HumanMessage('how do I reverse a list in python')]);
  await chatModel(cache).invoke([new HumanMessage('an altogether different question with many new words about sourdough bread baking at home')]);
  expect(provider.asked).toHaveLength(3);
});

test('tool calls of an answer come back as they were', async () => {
  const cache = cacheHere();
  const tools = [{ type: 'function' as const, function: { name: 'search', parameters: { type: 'object', properties: {} } } }];
  const ask = () => chatModel(cache).bindTools(tools).invoke('call a tool');
  const [first, second] = [await ask(), await ask()];
  expect(provider.asked).toHaveLength(1);
  expect(first.tool_calls).toMatchObject([{ name: 'search', args: { q: 'x' } }]);
  expect(second.tool_calls).toEqual(first.tool_calls);
});

test('a completion model (no chat) is cached too', async () => {
  const cache = cacheHere();
  const ask = () => new OpenAI({ model: 'gpt-3.5-turbo-instruct', apiKey: 'key', maxRetries: 0, configuration: { baseURL: provider.url }, cache }).invoke('complete this');
  expect([await ask(), await ask()]).toEqual(['completion 1', 'completion 1']);
  expect(provider.asked).toHaveLength(1);
});

test('defect: Redis down raises (ours: the model answers, and the error is told)', async () => {
  const told: string[] = [];
  const cache = cacheHere({ redisUrl: 'redis://127.0.0.1:9', onError: error => void told.push((error as Error).message) });
  expect((await chatModel(cache).invoke('question')).content).toBe('answer 1');
  expect(told.join()).toContain('nothing listens there');
});

test('a Redis that hangs holds up no model', async () => {
  const hanging = await startRedis('query-engine');
  onTestFinished(() => hanging.close());
  const told: string[] = [];
  const cache = cacheHere({ redisUrl: hanging.url, timeoutMs: 200, onError: error => void told.push((error as Error).message) });
  await cache.update('p', 'm', [{ text: 'a' }]);
  hanging.freeze();
  expect((await chatModel(cache).invoke('question')).content).toBe('answer 1');
  hanging.thaw();
  expect(told.join()).toContain('does not answer');
});

test('clear() removes what was stored for one model', async () => {
  const cache = cacheHere();
  await cache.update('p', 'model a', [{ text: 'a' }]);
  await cache.update('p', 'model b', [{ text: 'b' }]);
  await cache.clear('model a');
  expect(await cache.lookup('p', 'model a')).toBeNull();
  expect(await cache.lookup('p', 'model b')).toEqual([{ text: 'b' }]);
});

test('JSON that names another class makes no object of it', async () => {
  const cache = cacheHere();
  await cache.update('p', 'm', [{ text: 'a' }]);
  const [key] = (await server.command('KEYS', 'doc:cache:*')) as [string];
  const hostile = { lc: 1, type: 'constructor', id: ['langchain', 'chat_models', 'openai', 'ChatOpenAI'], kwargs: { text: 'a', configuration: { baseURL: 'http://elsewhere' } } };
  await server.command('HSET', key, 'return_val', JSON.stringify([hostile]));
  expect(await cache.lookup('p', 'm')).toBeNull();
});

/** A streaming ChatOpenAI fetches a token table from the network, and estimates without it. */
function stayHere(): void {
  const realFetch = globalThis.fetch;
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  vi.stubGlobal('fetch', (input: string | URL | Request, init?: RequestInit) => {
    const url = input instanceof Request ? input.url : String(input);
    if (new URL(url).hostname === '127.0.0.1') return realFetch(input, init);
    return Promise.reject(Object.assign(new Error('tests stay on this machine'), { status: 400 }));
  });
}

/** Speaks as much of the OpenAI API as these tests need. */
async function startProvider(): Promise<{ url: string; asked: string[]; close(): void }> {
  const asked: string[] = [];
  const http = createServer((request, response) => {
    let body = '';
    request.on('data', chunk => (body += chunk));
    request.on('end', () => {
      asked.push(body);
      const { stream, messages } = JSON.parse(body) as { stream?: boolean; messages?: { content: string }[] };
      const base = { id: 'x', created: 1, model: 'gpt-x' };
      if (messages === undefined) {
        response.setHeader('content-type', stream ? 'text/event-stream' : 'application/json');
        const whole = { ...base, object: 'text_completion', choices: [{ index: 0, text: `completion ${asked.length}`, finish_reason: 'stop' }] };
        response.end(stream ? `data: ${JSON.stringify(whole)}\n\ndata: [DONE]\n\n` : JSON.stringify(whole));
        return;
      }
      const answer = `answer ${asked.length}`;
      const calls = String(messages.at(-1)?.content).includes('tool')
        ? { tool_calls: [{ id: 'c1', index: 0, type: 'function', function: { name: 'search', arguments: '{"q":"x"}' } }] }
        : {};
      if (!stream) {
        response.setHeader('content-type', 'application/json');
        const message = { role: 'assistant', content: answer, ...calls };
        response.end(JSON.stringify({ ...base, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'stop' }], usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } }));
        return;
      }
      response.setHeader('content-type', 'text/event-stream');
      for (const piece of [...answer.match(/.{1,3}/g)!]) {
        response.write(`data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta: { role: 'assistant', content: piece } }] })}\n\n`);
      }
      response.end(`data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\ndata: [DONE]\n\n`);
    });
  });
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(http.address() as { port: number }).port}/v1`, asked, close: () => http.close() };
}
