// LangChain's layout: ours and langchain-community's RedisSemanticCache over one real query engine, with one model.
// The tests named after LangChain's defects show first, where that is possible, that LangChain has the defect.

import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { bundledModelFolder, openMiniLmEmbedder, type MiniLmEmbedder } from '../../server/embedding/miniLmEmbedder.ts';
import { SeedCache, type SeedCacheOptions } from '../../server/langchain/seedCache.ts';
import { constructed, seedKey, seedNames } from '../../server/langchain/seedLayout.ts';
import { startPeer, type PeerProcess } from './pythonPeer.ts';
import { startRedis, type RedisServer } from './redisServers.ts';

let server: RedisServer;
let python: PeerProcess;
let embedder: MiniLmEmbedder;

beforeAll(async () => {
  [server, python, embedder] = await Promise.all([
    startRedis('query-engine'),
    startPeer('community', 'community.py'),
    openMiniLmEmbedder({ modelFolder: bundledModelFolder, deadlineMs: 60_000 }),
  ]);
}, 600_000);
afterAll(async () => {
  python?.close();
  await Promise.all([server?.close(), embedder?.close()]);
});
beforeEach(() => server.command('FLUSHALL'));

const llm = "[('model', 'gpt-x'), ('temperature', 0)]";
const stored = 'how do I reverse a list in python';
const asked = 'how to reverse a python list?';
const unrelated = 'best way to bake sourdough bread';

async function embed(text: string): Promise<Float32Array> {
  const [vector] = await embedder.embed([text]);
  return vector!;
}

function ourCache(changes: Partial<SeedCacheOptions> = {}): SeedCache {
  const cache = new SeedCache({ target: { url: server.url }, embed, ...changes });
  onTestFinished(() => cache.close());
  return cache;
}

async function inPython<T>(verb: string, named: Record<string, unknown> = {}): Promise<T> {
  return python.call<T>(verb, { url: server.url, ...named });
}

interface Shown {
  kind: string;
  text: string;
  content: string | null;
}

test('both sides make the same vector of a text', async () => {
  for (const text of [stored, asked, unrelated, 'Größe ändern 日本 🧑‍🚀']) {
    const [ours, theirs] = await Promise.all([embed(text), python.call<number[]>('embed', { text })]);
    const dot = theirs.reduce((sum, value, at) => sum + value * ours[at]!, 0);
    expect(1 - dot).toBeLessThan(1e-4);
  }
});

test('what Python stored is hit by us, with the same distance and the same generations', async () => {
  await inPython('update', { prompt: stored, llm_string: llm, texts: ['Use xs[::-1]', 'Or reversed(xs)'] });
  const hit = await ourCache().lookup(asked, llm);
  expect(hit).toMatchObject({ prompt: stored, generations: [{ text: 'Use xs[::-1]' }, { text: 'Or reversed(xs)' }] });
  expect(Math.abs(hit!.distance - (await inPython<number>('distance', { prompt: asked, llm_string: llm })))).toBeLessThan(1e-4);
  expect(await ourCache().lookup(unrelated, llm)).toBeNull();
});

test('what we stored is hit by Python, with the same distance and the same generations', async () => {
  const cache = ourCache();
  await cache.update(stored, llm, [{ text: 'Use xs[::-1]' }, { text: 'Or reversed(xs)' }]);
  expect(await inPython('lookup', { prompt: asked, llm_string: llm })).toEqual([
    { kind: 'Generation', text: 'Use xs[::-1]', content: null },
    { kind: 'Generation', text: 'Or reversed(xs)', content: null },
  ]);
  const distance = await inPython<number>('distance', { prompt: asked, llm_string: llm });
  expect(Math.abs((await cache.lookup(asked, llm))!.distance - distance)).toBeLessThan(1e-4);
  expect(await inPython('lookup', { prompt: unrelated, llm_string: llm })).toBeNull();
});

test('a chat model of Python and we serve each other, message and all', async () => {
  const first = await inPython<{ content: string; prompt: string; llm_string: string }>('chat', { prompt: stored, answer: 'Use xs[::-1]' });
  const hit = await ourCache().lookup(first.prompt, first.llm_string);
  expect(hit).toMatchObject({ generations: [{ text: 'Use xs[::-1]', message: { kwargs: { content: 'Use xs[::-1]', type: 'ai' } } }] });
  const message = constructed('messages', 'AIMessage', { content: 'Use reversed(xs)', type: 'ai', tool_calls: [], invalid_tool_calls: [] });
  await ourCache().update(first.prompt, first.llm_string, [{ text: 'Use reversed(xs)', message: { ...message } }]);
  expect(await inPython('chat', { prompt: stored, answer: 'Use xs[::-1]' })).toMatchObject({ content: 'Use reversed(xs)' });
});

test('the older JSON list is read', async () => {
  await ourCache().update(stored, llm, [{ text: 'new form' }]);
  await server.command('HSET', seedKey(llm, stored), 'return_val', JSON.stringify([{ text: 'old form', generation_info: { a: 1 } }]));
  expect((await ourCache().lookup(asked, llm))!.generations).toEqual([{ text: 'old form', generationInfo: { a: 1 } }]);
});

test('clear() on either side is seen by the other', async () => {
  const cache = ourCache();
  await cache.update(stored, llm, [{ text: 'ours' }]);
  await inPython<Shown[]>('lookup', { prompt: asked, llm_string: llm });
  await inPython('clear', { llm_string: llm });
  expect(await cache.lookup(asked, llm)).toBeNull();

  await cache.update(stored, llm, [{ text: 'again' }]);
  await inPython('update', { prompt: 'what is a cat', llm_string: llm, texts: ['an animal'] });
  expect(await cache.clear(llm)).toBe(2);
  expect(await inPython('lookup', { prompt: asked, llm_string: llm })).toBeNull();
  expect(await inPython('lookup', { prompt: 'what is a cat', llm_string: llm })).toBeNull();
});

test('defect: threshold 0 always hits (ours: identical vectors only)', async () => {
  const cache = ourCache({ scoreThreshold: 0 });
  await cache.update(stored, llm, [{ text: 'answer' }]);
  expect(await inPython('lookup', { prompt: unrelated, llm_string: llm, threshold: 0 })).not.toBeNull();
  expect(await cache.lookup(unrelated, llm)).toBeNull();
  expect(await cache.lookup(asked, llm)).toBeNull();
  expect(await cache.lookup(stored, llm)).toMatchObject({ distance: 0 });
});

test('defect: clear() in a fresh process is a no-op (ours removes, ours and theirs)', async () => {
  await ourCache().update(stored, llm, [{ text: 'answer' }]);
  await inPython('clear', { llm_string: llm });
  const fresh = await startPeer('community', 'community.py');
  onTestFinished(() => fresh.close());
  await ourCache().update(stored, llm, [{ text: 'answer' }]);
  await fresh.call('clear', { url: server.url, llm_string: llm });
  expect(await ourCache().lookup(stored, llm)).not.toBeNull();
  expect(await ourCache().clear(llm)).toBe(1);
  expect(await ourCache().lookup(stored, llm)).toBeNull();
});

test('defect: a client whose index another process dropped raises (ours misses, and stores again)', async () => {
  const cache = ourCache();
  await cache.update(stored, llm, [{ text: 'answer' }]);
  await cache.lookup(stored, llm);
  await server.command('FT.DROPINDEX', seedNames(llm).index, 'DD');
  expect(await cache.lookup(stored, llm)).toBeNull();
  await cache.update(stored, llm, [{ text: 'again' }]);
  expect(await cache.lookup(stored, llm)).toMatchObject({ generations: [{ text: 'again' }] });
});

test('our clear() leaves the index, so that a running Python process does not raise', async () => {
  await inPython('update', { prompt: stored, llm_string: llm, texts: ['answer'] });
  await ourCache().clear(llm);
  expect(await inPython('lookup', { prompt: stored, llm_string: llm })).toBeNull();
});

test('defect: update() duplicates and the oldest is served (ours replaces, theirs too)', async () => {
  const other = 'other model';
  await inPython('update', { prompt: stored, llm_string: other, texts: ['first'] });
  await inPython('update', { prompt: stored, llm_string: other, texts: ['second'] });
  expect(await inPython<Shown[]>('lookup', { prompt: stored, llm_string: other })).toMatchObject([{ text: 'first' }]);

  const cache = ourCache();
  await cache.update(stored, other, [{ text: 'third' }]);
  expect(await cache.lookup(stored, other)).toMatchObject({ generations: [{ text: 'third' }] });
  expect(await inPython<Shown[]>('lookup', { prompt: stored, llm_string: other })).toMatchObject([{ text: 'third' }]);
  await cache.update(stored, other, [{ text: 'fourth' }]);
  expect(await inPython<Shown[]>('lookup', { prompt: stored, llm_string: other })).toMatchObject([{ text: 'fourth' }]);
  expect(await cache.clear(other)).toBe(1);
});

test('defect: threads that race to create the index lose answers (ours: eight processes\' worth of clients store all)', async () => {
  const caches = Array.from({ length: 8 }, () => ourCache());
  await Promise.all(caches.map((cache, i) => cache.update(`prompt ${i}`, 'race', [{ text: `answer ${i}` }])));
  for (const [i] of caches.entries()) {
    expect(await caches[0]!.lookup(`prompt ${i}`, 'race')).toMatchObject({ distance: 0, generations: [{ text: `answer ${i}` }] });
  }
});

test('defect: another model\'s entry hides or overwrites ours (here each llm_string has its own)', async () => {
  const cache = ourCache();
  await cache.update(stored, 'model a', [{ text: 'of a' }]);
  await cache.update(asked, 'model b', [{ text: 'near, of b' }]);
  await cache.update(stored, 'model b', [{ text: 'of b' }]);
  expect(await cache.lookup(asked, 'model a')).toMatchObject({ generations: [{ text: 'of a' }] });
  expect(await cache.lookup(stored, 'model a')).toMatchObject({ generations: [{ text: 'of a' }] });
  expect(await cache.lookup(stored, 'model b')).toMatchObject({ generations: [{ text: 'of b' }] });
});

test('defect: clear(llm_string) wipes all (here the others stay)', async () => {
  const cache = ourCache();
  await cache.update(stored, 'model a', [{ text: 'of a' }]);
  await cache.update(stored, 'model b', [{ text: 'of b' }]);
  expect(await cache.clear('model a')).toBe(1);
  expect(await cache.lookup(stored, 'model b')).toMatchObject({ generations: [{ text: 'of b' }] });
});

test('defect: a hit changes a TTL (ours changes nothing)', async () => {
  const cache = ourCache();
  await cache.update(stored, llm, [{ text: 'answer' }]);
  await server.command('EXPIRE', seedKey(llm, stored), '1000');
  const before = await server.command('PEXPIRETIME', seedKey(llm, stored));
  await cache.lookup(stored, llm);
  expect(await server.command('PEXPIRETIME', seedKey(llm, stored))).toBe(before);
});

test('a live index of another dimension is refused and never written to', async () => {
  await ourCache({ embed: async () => new Float32Array([1, 0, 0]) }).update(stored, llm, [{ text: 'three numbers' }]);
  await expect(ourCache().update(stored, llm, [{ text: 'answer' }])).rejects.toMatchObject({ code: 'vector-length-mismatch' });
  await expect(ourCache().lookup(stored, llm)).rejects.toMatchObject({ code: 'vector-length-mismatch' });
  expect(await server.command('HGET', seedKey(llm, stored), 'return_val')).toContain('three numbers');
});

test('a live index of another metric is refused and never written to', async () => {
  const { index, prefix } = seedNames(llm);
  await server.command('FT.CREATE', index, 'ON', 'HASH', 'PREFIX', '1', prefix, 'SCHEMA', 'content_vector', 'VECTOR', 'FLAT', '6', 'TYPE', 'FLOAT32', 'DIM', '384', 'DISTANCE_METRIC', 'L2');
  await expect(ourCache().update(stored, llm, [{ text: 'answer' }])).rejects.toThrow(/COSINE over FLOAT32.*found l2/);
  expect(await server.command('EXISTS', seedKey(llm, stored))).toBe(0);
});

test.each([
  { threshold: 0.2, warned: null },
  { threshold: 0.95, warned: 'For a similarity of 0.95 write 0.05' },
  { threshold: 0.5, warned: 'is a distance, not a similarity: smaller is stricter' },
])('a threshold of $threshold warns: $warned', ({ threshold, warned }) => {
  const warnings: string[] = [];
  ourCache({ scoreThreshold: threshold, warn: text => warnings.push(text) });
  expect(warnings).toHaveLength(warned === null ? 0 : 1);
  expect(warnings.join('')).toContain(warned ?? '');
});

test('a Redis without the query engine is refused with what to do', async () => {
  const plain = await startRedis('plain');
  onTestFinished(() => plain.close());
  const cache = ourCache({ target: { url: plain.url } });
  await expect(cache.lookup(stored, llm)).rejects.toThrow(/no query engine.*"semcache"/);
});
