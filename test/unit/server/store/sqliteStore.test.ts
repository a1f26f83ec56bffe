// What SQLite's store promises beyond the contract of every store.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { openSqliteStore } from '../../../../server/store/sqliteStore.ts';
import { anEntry, axis, scattered } from '../../../contract/entries.ts';
import { FakeClock } from '../../../fakes/fakeClock.ts';

function opened() {
  const folder = mkdtempSync(join(tmpdir(), 'semcache-sqlite-'));
  const path = join(folder, 'cache.db');
  const clock = new FakeClock();
  const open = () => openSqliteStore(path, { now: clock.now, maxEntries: 1000 });
  const store = open();
  onTestFinished(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { store, open, clock, path };
}

test('recordHit() and addCounts() write nothing before they resolve, and what they say is in the file after close()', async () => {
  const { store, open, clock, path } = opened();
  await store.put(anEntry(clock.now()));
  const other = new DatabaseSync(path, { readOnly: true });
  const dataVersion = () => other.prepare('PRAGMA data_version').get()!.data_version;
  const before = dataVersion();
  await store.recordHit('entry', { at: clock.now() });
  await store.addCounts({ hits: 1, saved: { model: 'm', promptTokens: 1, completionTokens: 2 } });
  expect(dataVersion()).toBe(before);
  other.close();
  await store.close();
  const again = open();
  onTestFinished(() => again.close());
  expect(await again.get('entry')).toMatchObject({ hits: 1 });
  expect(await again.counts()).toMatchObject({ hits: 1, saved: [{ model: 'm', promptTokens: 1, completionTokens: 2 }] });
});

test('hits and counts are in the file a moment later, without a further call', async () => {
  const { store, clock, path } = opened();
  await store.put(anEntry(clock.now()));
  await store.recordHit('entry', { at: clock.now() });
  const other = new DatabaseSync(path, { readOnly: true });
  onTestFinished(() => other.close());
  await expect.poll(() => other.prepare('SELECT hits FROM entries').get()!.hits, { timeout: 10_000 }).toBe(1);
});

test('close() can be called twice; after it a call says store-unreachable', async () => {
  const { store } = opened();
  await store.close();
  await store.close();
  await expect(store.get('entry')).rejects.toMatchObject({ code: 'store-unreachable' });
});

test('put() waits for another process that is writing', async () => {
  const { store, clock, path } = opened();
  const script = `
    import { DatabaseSync } from 'node:sqlite';
    const database = new DatabaseSync(${JSON.stringify(path)});
    database.exec('BEGIN IMMEDIATE');
    console.log('writing');
    setTimeout(() => database.exec('COMMIT'), 300);`;
  const writer = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void writer.kill('SIGKILL'));
  await once(writer.stdout, 'data');
  await store.put(anEntry(clock.now()));
  expect(await store.get('entry')).not.toBeNull();
});

test('put() leaves nothing behind when it fails half-way', async () => {
  const { store, clock } = opened();
  await store.put(anEntry(clock.now(), { id: 'first' }));
  await store.recordHit('first', { at: clock.now() });
  await expect(store.put(anEntry(clock.now(), { id: 'bad', vector: new Float32Array(3) }))).rejects.toThrow();
  expect(await store.size()).toMatchObject({ entries: 1 });
  expect(await store.get('bad')).toBeNull();
  expect(await store.get('first')).toMatchObject({ hits: 1 });
  expect((await store.list({ filter: {}, offset: 0, limit: 9 })).entries).toMatchObject([{ id: 'first', hits: 1 }]);
});

test('clear() gives the room back to the system', async () => {
  const { store, clock } = opened();
  const { bytes: empty } = await store.size();
  for (let i = 0; i < 50; i++) await store.put(anEntry(clock.now(), { id: `e${i}`, generations: [{ text: 'x'.repeat(100_000) }] }));
  await store.clear({});
  expect((await store.size()).bytes).toBeLessThan(empty + 100_000);
});

test('expired entries leave the file as others come in', async () => {
  const { store, clock, path } = opened();
  for (let i = 0; i < 5; i++) await store.put(anEntry(clock.now(), { id: `e${i}`, expiresAt: clock.now() + 10 }));
  clock.advance(10);
  await store.put(anEntry(clock.now(), { id: 'new', vector: axis(1) }));
  const other = new DatabaseSync(path, { readOnly: true });
  onTestFinished(() => other.close());
  const count = (table: string) => other.prepare(`SELECT count(*) AS count FROM ${table}`).get()!.count;
  expect(['entries', 'answers', 'vectors'].map(count)).toEqual([1, 1, 1]);
});

test('nearest() on a connection that slept through more removals than are remembered finds none of the removed', async () => {
  const { store: asleep, open, clock, path } = opened();
  const busy = open();
  onTestFinished(() => busy.close());
  for (let i = 0; i < 20; i++) await busy.put(anEntry(clock.now(), { id: `e${i}`, vector: scattered(i) }));
  const query = { scope: 'scope', fingerprint: 'embedder', vector: scattered(3), k: 3, instructionKey: '' };
  expect((await asleep.nearest(query))[0]).toMatchObject({ distance: 0, entry: { id: 'e3' } });

  await busy.clear({});
  const log = new DatabaseSync(path);
  log.exec(`INSERT INTO removed_vectors (row, space)
    WITH RECURSIVE numbers (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < 12000) SELECT -n, 'other' FROM numbers`);
  log.close();
  await busy.put(anEntry(clock.now(), { id: 'left', vector: scattered(3) }));
  expect((await asleep.nearest(query)).map(({ entry }) => entry.id)).toEqual(['left']);
});

test('eight processes that make the same new file at once all succeed', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'semcache-race-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const url = (path: string) => JSON.stringify(pathToFileURL(join(import.meta.dirname, path)).href);
  const script = `
    import { openStore } from ${url('../../../../server/store/openStore.ts')};
    import { anEntry } from ${url('../../../contract/entries.ts')};
    const { store, notices } = openStore(${JSON.stringify(join(folder, 'data'))}, { now: Date.now, maxEntries: 100 });
    await store.put(anEntry(Date.now(), { id: String(process.pid) }));
    await store.close();
    process.exitCode = notices.length;`;
  const starts = Array.from({ length: 8 }, () => spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' }));
  const codes = await Promise.all(starts.map(async start => (await once(start, 'exit'))[0]));
  expect(codes).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  const store = openSqliteStore(join(folder, 'data', 'cache.db'), { now: Date.now, maxEntries: 100 });
  onTestFinished(() => store.close());
  expect((await store.size()).entries).toBe(8);
});
