// The command line over a real Redis: the verbs, LangChain's layout, and other caches' entries brought over and handed on.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { installPythonPeer } from '../../scripts/pythonPeers.ts';
import { startPeer, type PeerProcess } from './pythonPeer.ts';
import { startRedis, until, type RedisServer } from './redisServers.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const llm = "[('model', 'gpt-x')]";
const stored = 'how do I reverse a list in python';
const asked = 'how to reverse a python list?';

let server: RedisServer;
let community: PeerProcess;
let redisvl: PeerProcess;

beforeAll(async () => {
  [server, community, redisvl] = await Promise.all([
    startRedis('query-engine'), startPeer('community', 'community.py'), startPeer('redisvl', 'vl.py'),
  ]);
}, 600_000);
afterAll(async () => {
  community?.close();
  redisvl?.close();
  await server?.close();
});
beforeEach(() => server.command('FLUSHALL'));

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'semcache-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function semcache(data: string, words: string[], env: Record<string, string> = {}): Promise<Ended> {
  const child = spawn(process.execPath, [path.join(root, 'server/main.ts'), ...words, '--data', data, '--json'], {
    env: { ...process.env, NODE_NO_WARNINGS: '1', ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise(resolve => child.once('close', code => resolve({ code, stdout, stderr })));
}

async function done(data: string, words: string[], env: Record<string, string> = {}): Promise<Record<string, any>> {
  const { code, stdout, stderr } = await semcache(data, words, env);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return JSON.parse(stdout) as Record<string, any>;
}

const python = <T>(verb: string, named: Record<string, unknown>): Promise<T> => community.call<T>(verb, { url: server.url, ...named });
const vl = <T>(verb: string, named: Record<string, unknown>): Promise<T> => redisvl.call<T>(verb, { url: server.url, ...named });

test('--store redis://: what one machine stored another looks up, lists, counts and clears', async () => {
  const [one, other] = [newFolder(), newFolder()];
  const store = ['--store', server.url, '--namespace', 'ann'];
  await done(one, ['update', ...store, '--prompt', stored, '--llm-string', llm, '--answer', 'xs[::-1]']);
  expect(await done(other, ['lookup', ...store, '--prompt', asked, '--llm-string', llm])).toMatchObject({ status: 'hit', generations: [{ text: 'xs[::-1]' }] });
  expect(await done(other, ['list', ...store])).toMatchObject({ total: 1, entries: [{ instruction: stored, hits: 1 }] });
  expect(await done(one, ['stats', ...store])).toMatchObject({ hits: 1, entries: 1 });
  expect(await done(one, ['lookup', '--store', server.url, '--prompt', asked, '--llm-string', llm])).toMatchObject({ status: 'miss' });
  expect(await done(one, ['doctor', ...store])).toMatchObject({ ok: true, checks: expect.arrayContaining([expect.objectContaining({ name: 'store', text: expect.stringContaining('query engine') })]) });
  expect(await done(one, ['clear', ...store, '--all'])).toEqual({ removed: 1 });
});

test('--store of a Redis that is not there: the command says so and ends with 1', async () => {
  const { code, stderr } = await semcache(newFolder(), ['list', '--store', 'redis://127.0.0.1:9']);
  expect(code).toBe(1);
  expect(stderr).toContain('nothing listens there');
});

test('a password comes from the environment and shows nowhere', async () => {
  const guarded = await startRedis('plain', ['--requirepass', 'sesame']);
  onTestFinished(() => guarded.close());
  const folder = newFolder();
  expect(await done(folder, ['list', '--store', guarded.url], { SEMCACHE_REDIS_PASSWORD: 'sesame' })).toMatchObject({ total: 0 });
  const wrong = await semcache(folder, ['list', '--store', guarded.url.replace('//', '//user:sesame-not@')]);
  expect(wrong.code).toBe(1);
  expect(wrong.stderr + wrong.stdout).not.toContain('sesame');
});

test('--layout langchain: the command line and a Python LangChain process hit each other\'s entries', async () => {
  const folder = newFolder();
  const seed = ['--store', server.url, '--layout', 'langchain'];
  await done(folder, ['update', ...seed, '--prompt', stored, '--llm-string', llm, '--answer', 'xs[::-1]']);
  expect(await python('lookup', { prompt: asked, llm_string: llm })).toMatchObject([{ text: 'xs[::-1]' }]);
  await python('update', { prompt: 'what is a cat', llm_string: llm, texts: ['an animal'] });
  const hit = await done(folder, ['lookup', ...seed, '--prompt', 'what is a cat?', '--llm-string', llm]);
  expect(hit).toMatchObject({ status: 'hit', generations: [{ text: 'an animal' }] });
  expect(Math.abs(hit['distance'] - (await python<number>('distance', { prompt: 'what is a cat?', llm_string: llm })))).toBeLessThan(1e-4);
  expect(await done(folder, ['list', ...seed])).toMatchObject({ total: 2 });
  expect(await done(folder, ['clear', ...seed, '--llm-string', llm])).toEqual({ removed: 2 });
  expect(await python('lookup', { prompt: asked, llm_string: llm })).toBeNull();
});

test('--layout langchain: a threshold that looks like a similarity earns a warning that says what it means', async () => {
  const { code, stderr } = await semcache(newFolder(), ['lookup', '--store', server.url, '--layout', 'langchain', '--threshold', '0.95', '--prompt', stored, '--llm-string', llm]);
  expect(code).toBe(0);
  expect(stderr).toContain('a distance, not a similarity: smaller is stricter');
});

test.each(['stats', 'doctor', 'export'])('--layout langchain: %s says that there is nothing for it', async verb => {
  const { code, stderr } = await semcache(newFolder(), [verb, '--store', server.url, '--layout', 'langchain']);
  expect(code).toBe(2);
  expect(stderr).toContain('LangChain\'s layout');
});

test('import --from langchain: entries are hit, not embedded again, and a second import finds them there', async () => {
  const folder = newFolder();
  await python('update', { prompt: stored, llm_string: llm, texts: ['xs[::-1]'] });
  await python('update', { prompt: 'what is a cat', llm_string: 'other', texts: ['an animal'] });
  expect(await done(folder, ['import', server.url, '--from', 'langchain'])).toMatchObject({ imported: 2, alreadyThere: 0, reembedded: 0, failed: 0 });
  expect(await done(folder, ['lookup', '--prompt', asked, '--llm-string', llm])).toMatchObject({ status: 'hit', generations: [{ text: 'xs[::-1]' }] });
  expect(await done(folder, ['import', server.url, '--from', 'langchain'])).toMatchObject({ imported: 0, alreadyThere: 2 });
});

test('import --from langchain of another model\'s vectors: embedded again', async () => {
  const folder = newFolder();
  await python('update', { prompt: stored, llm_string: llm, texts: ['xs[::-1]'] });
  const [key] = (await server.command('KEYS', 'doc:cache:*')) as [string];
  const foreign = Float32Array.from({ length: 384 }, (_, i) => Math.sin(i));
  await server.binary('HSET', key, 'content_vector', Buffer.from(foreign.buffer));
  expect(await done(folder, ['import', server.url, '--from', 'langchain'])).toMatchObject({ imported: 1, reembedded: 1 });
  expect(await done(folder, ['lookup', '--prompt', asked, '--llm-string', llm])).toMatchObject({ status: 'hit' });
});

test('import --from langchain-redis and --from redisvl', async () => {
  const folder = newFolder();
  await vl('lc_update', { name: 'lc', prompt: stored, llm_string: llm, texts: ['xs[::-1]', 'reversed(xs)'] });
  await vl('store', { name: 'vl', prompt: 'what is a cat', response: 'an animal', metadata: { lang: 'en' } });
  expect(await done(folder, ['import', server.url, '--from', 'langchain-redis', '--name', 'lc'])).toMatchObject({ imported: 1, reembedded: 0 });
  expect(await done(folder, ['import', server.url, '--from', 'redisvl', '--name', 'vl', '--model', 'gpt-y'])).toMatchObject({ imported: 1, reembedded: 0 });
  expect(await done(folder, ['lookup', '--prompt', asked, '--llm-string', llm])).toMatchObject({ status: 'hit', generations: [{ text: 'xs[::-1]' }, { text: 'reversed(xs)' }] });
  expect(await done(folder, ['lookup', '--prompt', 'what is a cat?', '--llm-string', 'gpt-y'])).toMatchObject({ status: 'hit', generations: [{ text: 'an animal' }] });
});

test('import --from gptcache', async () => {
  const folder = newFolder();
  const file = path.join(folder, 'sqlite.db');
  const vector = await community.call<number[]>('embed', { text: stored });
  const rows = [{ prompt: stored, answers: ['xs[::-1]'], vector }, { prompt: 'what is a cat', answers: ['an animal'], vector: [1, 0, 0] }];
  execFileSync(await installPythonPeer('gptcache'), [fileURLToPath(new URL('./python/gpt.py', import.meta.url)), file], { input: JSON.stringify(rows), stdio: ['pipe', 'ignore', 'pipe'] });
  expect(await done(folder, ['import', file, '--from', 'gptcache', '--model', 'gpt-z'])).toMatchObject({ imported: 2, failed: 0 });
  expect(await done(folder, ['lookup', '--prompt', asked, '--llm-string', 'gpt-z'])).toMatchObject({ status: 'hit', generations: [{ text: 'xs[::-1]' }] });
  const { code, stderr } = await semcache(folder, ['import', path.join(folder, 'cache.db'), '--from', 'gptcache']);
  expect(code).toBe(2);
  expect(stderr).toContain('is no SQLite file of GPTCache');
});

test('export --to langchain and --to redisvl: Python hits them; what depends on code stays', async () => {
  const folder = newFolder();
  await done(folder, ['update', '--prompt', stored, '--llm-string', llm, '--answer', 'xs[::-1]']);
  await done(folder, ['update', '--prompt', 'explain this\n\n```\nx = 1\n```', '--llm-string', llm, '--answer', 'an assignment']);
  expect(await done(folder, ['export', server.url, '--to', 'langchain'])).toEqual({ exported: 1, leftOut: 1 });
  expect(await python('lookup', { prompt: asked, llm_string: llm })).toMatchObject([{ text: 'xs[::-1]' }]);
  expect(await done(folder, ['export', server.url, '--to', 'redisvl', '--name', 'handed'])).toEqual({ exported: 1, leftOut: 1 });
  const [found] = await vl<{ prompt: string; response: string; distance: number }[]>('check', { name: 'handed', prompt: asked });
  expect(found).toMatchObject({ prompt: stored, response: 'xs[::-1]' });
  expect(Number(await server.command('PTTL', ((await server.command('KEYS', 'handed:*')) as [string])[0]))).toBeGreaterThan(0);
});

test('an interrupted import loses nothing: what was read is stored, and the same command goes on', async () => {
  const folder = newFolder();
  const count = 300;
  for (let i = 0; i < count; i++) {
    await server.binary('HSET', `many:${i}`, 'prompt', `question number ${i} about something`, 'response', `answer ${i}`, 'prompt_vector', Buffer.alloc(12));
  }
  const child = spawn(process.execPath, [path.join(root, 'server/main.ts'), 'import', server.url, '--from', 'redisvl', '--name', 'many', '--model', 'm', '--store', server.url, '--data', folder, '--json'], { env: { ...process.env, NODE_NO_WARNINGS: '1' } });
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  const ended = new Promise<number | null>(resolve => child.once('close', resolve));
  await until(async () => ((await server.command('KEYS', 'semcache:entry:*')) as string[]).length > 0, 60_000);
  child.kill('SIGINT');
  expect(await ended).toBe(1);
  const first = JSON.parse(stdout) as { imported: number; interrupted: boolean };
  expect(first.interrupted).toBe(true);
  expect(((await server.command('KEYS', 'semcache:entry:*')) as string[]).length).toBe(first.imported);
  expect(first.imported).toBeLessThan(count);
  const rest = await done(folder, ['import', server.url, '--from', 'redisvl', '--name', 'many', '--model', 'm', '--store', server.url]);
  expect(rest).toMatchObject({ imported: count - first.imported, alreadyThere: first.imported, interrupted: false });
});
