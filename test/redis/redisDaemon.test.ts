// The daemon's parts over a Redis that a window chose, and that goes away and comes back.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openLog } from '../../server/daemon/log.ts';
import { openParts } from '../../server/daemon/openParts.ts';
import type { Parts } from '../../server/daemon/parts.ts';
import { defaultCacheSettings, defaultStoreSettings } from '../../server/protocol/settings.ts';
import { startRedis, until } from './redisServers.ts';

const settings = { ...defaultCacheSettings, matching: 'exact' as const };

function newParts(): { parts: Parts; lines: string[] } {
  const dataFolder = mkdtempSync(path.join(tmpdir(), 'semcache-parts-'));
  const lines: string[] = [];
  const parts = openParts({ dataFolder, now: Date.now, log: openLog({ now: Date.now, print: line => lines.push(line) }) });
  onTestFinished(async () => {
    await parts.close();
    rmSync(dataFolder, { recursive: true, force: true });
  });
  return { parts, lines };
}

const shared = { maxEntries: 1000, embeddingDeadlineMs: 2000, embeddingEndpoint: '', embeddingModel: '' };

test('a window chooses Redis: answers go there, each store keeps its own, and health says the level', async () => {
  const server = await startRedis('query-engine');
  onTestFinished(() => server.close());
  const { parts, lines } = newParts();
  const status = async (prompt: string) => (await parts.lookup({ prompt, llmString: 'm' }, settings)).decision.status;
  await parts.update({ prompt: 'in sqlite', llmString: 'm', generations: [{ text: 'a' }] }, settings);
  const store = { ...defaultStoreSettings, kind: 'redis' as const, url: server.url, budgetMs: 1000 };
  parts.configure({ ...shared, store });
  await until(() => parts.health().storeText.includes('Redis (query engine)'));
  expect(parts.health()).toMatchObject({ store: 'ready', problems: [] });
  expect(lines.join()).toContain('Redis (query engine)');
  expect(await status('in sqlite')).toBe('miss');
  await parts.update({ prompt: 'in redis', llmString: 'm', generations: [{ text: 'b' }] }, settings);
  expect(await status('in redis')).toBe('hit');
  expect((await server.command('KEYS', 'semcache:entry:*')) as string[]).toHaveLength(1);
  parts.configure({ ...shared, store: { ...store } });
  expect(await status('in redis')).toBe('hit');
  parts.configure({ ...shared, store: defaultStoreSettings });
  await until(() => parts.health().storeText.includes('SQLite'));
  expect(await status('in sqlite')).toBe('hit');
});

test('Redis stops in the middle of a session: it costs nothing but hits, and they come back by themselves', async () => {
  const server = await startRedis('vector-sets');
  onTestFinished(() => server.close());
  const { parts, lines } = newParts();
  parts.configure({ ...shared, store: { ...defaultStoreSettings, kind: 'redis', url: server.url, budgetMs: 1000 } });
  await until(() => parts.health().storeText.includes('vector sets'));
  const ask = async (prompt: string) => (await parts.lookup({ prompt, llmString: 'm' }, settings)).decision.status;
  await parts.update({ prompt: 'before', llmString: 'm', generations: [{ text: 'a' }] }, settings);
  expect(await ask('before')).toBe('hit');
  await server.kill();
  expect(await ask('before')).toBe('bypass');
  await parts.update({ prompt: 'before', llmString: 'm', generations: [{ text: 'a' }] }, settings);
  await parts.update({ prompt: 'meanwhile', llmString: 'm', generations: [{ text: 'b' }] }, settings);
  await until(() => parts.health().store === 'failed');
  expect(parts.health().problems.join()).toContain('2 answers wait to be delivered');
  await server.restart();
  await until(() => parts.health().store === 'ready');
  await until(async () => (await parts.store.size()).entries === 2);
  expect([await ask('before'), await ask('meanwhile')]).toEqual(['hit', 'hit']);
  expect(lines.filter(line => line.includes('The store is open: Redis (vector sets)'))).toHaveLength(2);
});

test('an address that is none is a problem in health, and prompts go on', async () => {
  const { parts } = newParts();
  parts.configure({ ...shared, store: { ...defaultStoreSettings, kind: 'redis', url: 'localhost:6379' } });
  await until(() => parts.health().store === 'failed');
  expect(parts.health().problems.join()).toContain('is no address of a Redis');
  expect((await parts.lookup({ prompt: 'p', llmString: 'm' }, settings)).decision.status).toBe('bypass');
});
