// Look-ups and writes in a real Redis, at each level and size, beside SQLite, LangChain's RedisSemanticCache and RedisVL's
// SemanticCache on the same Redis with the same vectors. Embeddings are replayed, so that the cache alone is measured.
//
// The vectors are those of bench/search.ts. Redis's own time is the CPU time of its main thread, which serves nobody else
// meanwhile. SEMCACHE_BENCH_SIZES=1000,10000 measures less.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPythonPeer, type PythonPeer } from '../scripts/pythonPeers.ts';
import { SemanticCache } from '../server/cache/semanticCache.ts';
import { promptFromText } from '../server/cache/promptFromRequest.ts';
import { keysOf } from '../server/cache/scope.ts';
import { dumpedGenerations, seedKey, seedNames } from '../server/langchain/seedLayout.ts';
import { prepareRedisVl, writeRedisVl } from '../server/langchain/redisvlLayout.ts';
import type { Embedder } from '../server/embedding/embedder.ts';
import type { Entry } from '../server/protocol/entry.ts';
import { defaultCacheSettings } from '../server/protocol/settings.ts';
import { openRedisStore } from '../server/store/openRedisStore.ts';
import { connectRedis, type RedisConnection } from '../server/store/redisConnection.ts';
import { vectorBlob } from '../server/store/redisLayout.ts';
import { levelWords, type LevelName } from '../server/store/redisLevel.ts';
import { hnsw } from '../server/store/redisQueryEngine.ts';
import { openSqliteStore } from '../server/store/sqliteStore.ts';
import type { Store } from '../server/store/store.ts';
import { startRedis, until, type RedisServer } from '../test/redis/redisServers.ts';
import { percentile, type Row } from './row.ts';
import { exactNearest, wordingSource } from './search.ts';

const sizes = (process.env['SEMCACHE_BENCH_SIZES'] ?? '1000,10000,100000').split(',').map(Number);
const levels: LevelName[] = ['query-engine', 'vector-sets', 'plain'];
const queries = 200;
const peerQueries = 60;
const spreadScopes = 1000;
const writesAtOnce = 200;
const lookupsAtOnce = 50;
const year = 365 * 24 * 3600 * 1000;
const llm = 'bench model';
const answer = 'An answer of the usual length. '.repeat(20);

/** Questions and their vectors: stored ones, some near to stored ones, some far from all. */
interface Questions {
  stored: Float32Array[];
  near: Float32Array[];
  far: Float32Array[];
}

export async function benchRedis(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of sizes) {
    const questions = questionsFor(size);
    rows.push(...(await sqliteRows(size, questions)));
    for (const level of levels) rows.push(...(await levelRows(level, size, questions)));
    rows.push(...(await peerRows(size, questions)));
  }
  return rows;
}

function questionsFor(size: number): Questions {
  const wordings = wordingSource();
  const stored = Array.from({ length: size }, () => wordings());
  const near = Array.from({ length: queries }, (_, i) => reworded(stored[(i * 7919) % size]!));
  const far = Array.from({ length: queries }, (_, i) => unlike(stored[i % size]!));
  return { stored, near, far };
}

async function sqliteRows(size: number, questions: Questions): Promise<Row[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'semcache-bench-'));
  const store = openSqliteStore(path.join(folder, 'cache.db'), { now: Date.now, maxEntries: 1_000_000 });
  try {
    const writes = await fill(store, questions.stored, () => llm);
    const name = `SQLite, ${size.toLocaleString('en')}`;
    return [...(await lookupRows(name, store, questions, null)), { name: `${name}, writes`, value: writes, unit: '1/s', what: 'puts, one commit each' }];
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function levelRows(level: LevelName, size: number, questions: Questions): Promise<Row[]> {
  const server = await startRedis(level);
  try {
    const name = `Redis, ${levelWords[level].split(',')[0]}, ${size.toLocaleString('en')}`;
    const rows: Row[] = [];
    const { store } = await openRedisStore(optionsFor(server, 'one:'));
    const before = await usedMemory(server);
    const writes = await fill(store, questions.stored, () => llm);
    await settled(server, store, questions);
    rows.push(...(await lookupRows(name, store, questions, server)));
    if (level === 'query-engine') rows.push(...(await overheadRows(name, store, server, questions)));
    rows.push({ name: `${name}, writes`, value: writes, unit: '1/s', what: `${writesAtOnce} puts at once, indexed as they come` });
    rows.push({ name: `${name}, bytes an entry`, value: (await usedMemory(server) - before) / size, unit: 'B', what: '384 numbers and an answer of 620 characters, with every index' });
    await store.close();
    await server.command('FLUSHALL');
    if (size >= spreadScopes * 10) rows.push(...(await spreadRows(name, server, questions)));
    return rows;
  } finally {
    await server.close();
  }
}

/** The search alone, sent as it is over a connection of its own, in turns with whole look-ups: what these take beyond it is ours. */
async function overheadRows(name: string, store: Store, server: RedisServer, { near }: Questions): Promise<Row[]> {
  const [index] = (await server.command('FT._LIST')) as string[];
  const key = String(await server.command('RANDOMKEY'));
  const tag = /\{(.*?)\}/.exec(key)![1]!;
  const [filter, options] = index!.includes(':hnsw') ? ['*', ` EF_RUNTIME ${hnsw.searchEffort}`] : [`(@scope:{${tag}})`, ''];
  const connection = await connectRedis({ url: server.url }, 2000);
  try {
    const search = (vector: Float32Array) =>
      connection.send('', [
        'FT.SEARCH', index!, `${filter}=>[KNN 5 @vector $vector${options} AS distance]`,
        'PARAMS', '2', 'vector', vectorBlob(vector), 'SORTBY', 'distance', 'LIMIT', '0', '5', 'DIALECT', '2',
      ]);
    for (const vector of near.slice(0, 20)) await search(vector);
    const bareTimes: number[] = [];
    const wholeTimes: number[] = [];
    for (const vector of near) {
      const begun = performance.now();
      await search(vector);
      bareTimes.push(performance.now() - begun);
      wholeTimes.push(await cacheOver(store, vector).find(llm));
    }
    const [bare, whole] = [percentile(bareTimes, 0.5), percentile(wholeTimes, 0.5)];
    return [
      { name: `${name}, bare query, p50`, value: bare, unit: 'ms', what: 'FT.SEARCH for 5 whole entries, sent by node-redis' },
      { name: `${name}, own overhead, p50`, value: whole - bare, unit: 'ms', what: 'look-ups in turns with the bare query, less it: the exact step, what was said of questions, the decision' },
    ];
  } finally {
    connection.close();
  }
}

/** The same entries over 1,000 scopes. */
async function spreadRows(name: string, server: RedisServer, questions: Questions): Promise<Row[]> {
  const { store } = await openRedisStore(optionsFor(server, 'spread:'));
  await fill(store, questions.stored, i => `${llm} ${i % spreadScopes}`);
  const times: number[] = [];
  for (let i = 0; i < queries; i++) {
    const { find } = cacheOver(store, questions.stored[i]!);
    times.push(await find(`${llm} ${i % spreadScopes}`));
  }
  await store.close();
  return percentiles(`${name} over ${spreadScopes.toLocaleString('en')} scopes, hit`, times, 'a look-up by meaning in one of them');
}

/** LangChain's and RedisVL's own caches on the same Redis, filled with the same vectors in their own layouts. */
async function peerRows(size: number, questions: Questions): Promise<Row[]> {
  const server = await startRedis('query-engine');
  const connection = await connectRedis({ url: server.url }, 2000);
  try {
    await fillLangChain(connection, questions.stored);
    const community = await timePeer('community', server, llm, questions);
    await server.command('FLUSHALL');
    await prepareRedisVl(connection, 'bench', questions.stored[0]!.length);
    await inBatches(questions.stored, (vector, i) =>
      writeRedisVl(connection, 'bench', { prompt: `question ${i}`, response: answer, vector, llmString: llm, insertedAt: Date.now(), updatedAt: Date.now(), ttlMs: year }),
    );
    const redisvl = await timePeer('redisvl', server, 'bench', questions);
    return [
      ...peerFigures(`LangChain (langchain-community 0.4.2), ${size.toLocaleString('en')}`, community),
      ...peerFigures(`RedisVL 0.28.0, ${size.toLocaleString('en')}`, redisvl),
    ];
  } finally {
    connection.close();
    await server.close();
  }
}

async function fillLangChain(connection: RedisConnection, stored: Float32Array[]): Promise<void> {
  const { index, prefix } = seedNames(llm);
  await connection.send(index, [
    'FT.CREATE', index, 'ON', 'HASH', 'PREFIX', '1', prefix.slice(0, -1), 'SCORE', '1.0', 'SCHEMA', 'prompt', 'TEXT', 'WEIGHT', '1',
    'content_vector', 'VECTOR', 'FLAT', '6', 'TYPE', 'FLOAT32', 'DIM', String(stored[0]!.length), 'DISTANCE_METRIC', 'COSINE',
  ]);
  await inBatches(stored, (vector, i) => {
    const key = seedKey(llm, `question ${i}`);
    return connection.send(key, ['HSET', key, 'prompt', `question ${i}`, 'content_vector', vectorBlob(vector), 'llm_string', llm, 'return_val', dumpedGenerations([{ text: answer }])]);
  });
}

interface PeerFigures {
  ms: number[];
  hits: number;
  cpuMs: number;
}

async function timePeer(peer: PythonPeer, server: RedisServer, name: string, { near }: Questions): Promise<PeerFigures> {
  const file = fileURLToPath(new URL('../test/redis/python/bench.py', import.meta.url));
  const child = spawn(await installPythonPeer(peer), [file, peer, server.url, name], {
    env: { ...process.env, PYTHONWARNINGS: 'ignore', PYTHONDONTWRITEBYTECODE: '1' }, stdio: ['pipe', 'pipe', 'inherit'],
  });
  const asked = near.slice(0, peerQueries);
  child.stdin.write(`${JSON.stringify(asked.map((vector, i) => ({ prompt: `asked ${i}`, vector: Array.from(vector) })))}\n`);
  let begunAt = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('{')) continue;
    const said = JSON.parse(line) as { ready?: true; ms: number[]; hits: number };
    if (said.ready) {
      begunAt = await mainThreadMs(server);
      child.stdin.end('go\n');
    } else return { ms: said.ms, hits: said.hits, cpuMs: ((await mainThreadMs(server)) - begunAt) / asked.length };
  }
  throw new Error(`${peer} ended without figures.`);
}

function peerFigures(name: string, { ms, hits, cpuMs }: PeerFigures): Row[] {
  const what = `its own lookup, vector given, ${ms.length} look-ups, ${hits} hits`;
  return [...percentiles(`${name}, hit`, ms, what), { name: `${name}, Redis CPU a look-up`, value: cpuMs, unit: 'ms', what: 'main thread of Redis' }];
}

/** Hits, misses, fifty at once, and what Redis spends; recall against an exact scan. */
async function lookupRows(name: string, store: Store, questions: Questions, server: RedisServer | null): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [what, vectors] of [['hit', questions.near], ['miss', questions.far]] as const) {
    const times: number[] = [];
    for (const vector of vectors.slice(0, 20)) await cacheOver(store, vector).find(llm);
    const cpu = server === null ? 0 : await mainThreadMs(server);
    for (const vector of vectors) times.push(await cacheOver(store, vector).find(llm));
    rows.push(...percentiles(`${name}, ${what}`, times, `a look-up by meaning with its exact step before, embedding replayed, ${vectors.length} look-ups`));
    if (server !== null) {
      rows.push({ name: `${name}, ${what}, Redis CPU a look-up`, value: ((await mainThreadMs(server)) - cpu) / vectors.length, unit: 'ms', what: 'main thread of Redis' });
    }
  }
  rows.push(await recallRow(name, store, questions));
  rows.push(await concurrentRow(name, store, questions));
  return rows;
}

async function recallRow(name: string, store: Store, { stored, near }: Questions): Promise<Row> {
  let right = 0;
  const { scope } = keysOf(promptFromText('x', llm));
  for (const vector of near) {
    const [found] = await store.nearest({ scope, fingerprint, vector, k: 3, instructionKey: '' });
    if (found !== undefined && found.distance <= exactNearest(stored, vector) + 1e-5) right += 1;
  }
  return { name: `${name}, recall@1`, value: right / near.length, unit: 'share', what: 'the nearest by an exact scan is the first candidate' };
}

async function concurrentRow(name: string, store: Store, { near }: Questions): Promise<Row> {
  const total = 1000;
  let begun = 0;
  const start = performance.now();
  await Promise.all(
    Array.from({ length: lookupsAtOnce }, async () => {
      while (begun < total) {
        const vector = near[begun % near.length]!;
        begun += 1;
        await cacheOver(store, vector).find(llm);
      }
    }),
  );
  return { name: `${name}, ${lookupsAtOnce} at once`, value: (total / (performance.now() - start)) * 1000, unit: '1/s', what: 'look-ups a second, embedding replayed' };
}

const fingerprint = 'bench';
let asked = 0;

/** The cache with an embedder that knows the answer. */
function cacheOver(store: Store, vector: Float32Array): { find: (llmString: string) => Promise<number> } {
  const embedder: Embedder = { fingerprint, dimensions: vector.length, embed: async () => [vector], close: async () => undefined };
  const cache = new SemanticCache({ store, embedder, now: Date.now });
  return {
    async find(llmString) {
      asked += 1;
      const prompt = promptFromText(`asked in words of its own ${asked}`, llmString);
      const begun = performance.now();
      await cache.find(prompt, { ...defaultCacheSettings, matching: 'distance', scoreThreshold: 0.2 });
      return performance.now() - begun;
    },
  };
}

/** Writes a second. */
async function fill(store: Store, vectors: Float32Array[], llmOf: (i: number) => string): Promise<number> {
  const begun = performance.now();
  await inBatches(vectors, (vector, i) => store.put(entryOf(i, vector, llmOf(i))));
  return (vectors.length / (performance.now() - begun)) * 1000;
}

async function inBatches(vectors: Float32Array[], work: (vector: Float32Array, i: number) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < vectors.length; at += writesAtOnce) {
    await Promise.all(vectors.slice(at, at + writesAtOnce).map((vector, i) => work(vector, at + i)));
  }
}

function entryOf(i: number, vector: Float32Array, llmString: string): Entry {
  const instruction = `question ${i}`;
  const { scope, entryId, instructionKey } = keysOf(promptFromText(instruction, llmString));
  const now = Date.now();
  return {
    id: entryId, scope, llmString, instruction, instructionKey, context: [], fingerprint, vector, generations: [{ text: answer }],
    model: 'model', route: 'command', workspace: null, usage: null, upstreamMs: 1000, createdAt: now, updatedAt: now,
    expiresAt: now + year, lastHitAt: null, hits: 0,
  };
}

/** Searches until the index that fits the size is built. */
async function settled(server: RedisServer, store: Store, { near, stored }: Questions): Promise<void> {
  const { scope } = keysOf(promptFromText('x', llm));
  const ask = () => store.nearest({ scope, fingerprint, vector: near[0]!, k: 3, instructionKey: '' });
  await ask();
  if (stored.length <= 4000) return;
  await until(async () => {
    await ask();
    const names = await server.command('FT._LIST').catch(() => ['hnsw']);
    return !String(names).includes(':flat');
  }, 900_000);
}

function optionsFor(server: RedisServer, prefix: string) {
  return { target: { url: server.url }, prefix, namespaces: { own: 'bench' }, connectTimeoutMs: 2000, now: Date.now, maxEntries: 1_000_000 };
}

function percentiles(name: string, times: readonly number[], what: string): Row[] {
  return [0.5, 0.95, 0.99].map(share => ({ name: `${name}, p${share * 100}`, value: percentile(times, share), unit: 'ms' as const, what }));
}

async function usedMemory(server: RedisServer): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(String(await server.command('INFO', 'memory')))![1]);
}

async function mainThreadMs(server: RedisServer): Promise<number> {
  const cpu = String(await server.command('INFO', 'cpu'));
  const seconds = (name: string): number => Number(new RegExp(`used_cpu_${name}_main_thread:([\\d.]+)`).exec(cpu)![1]);
  return (seconds('user') + seconds('sys')) * 1000;
}

/** A vector at a distance of about 0.07 from this one, as a paraphrase's is. */
function reworded(vector: Float32Array): Float32Array {
  const moved = vector.map((value, i) => value + 0.034 * Math.sin(i * 12.9898 + value * 78_233));
  const norm = Math.hypot(...moved);
  return moved.map(value => value / norm);
}

/** A vector that is far from this one and from all like it. */
function unlike(vector: Float32Array): Float32Array {
  return vector.map((value, i) => (i % 2 === 0 ? -value : value));
}
