// Every store against the one contract.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { MemoryStore } from '../../server/store/memoryStore.ts';
import { openSqliteStore } from '../../server/store/sqliteStore.ts';
import type { Store } from '../../server/store/store.ts';
import { FakeClock } from '../fakes/fakeClock.ts';
import { anEntry, axis } from './entries.ts';
import { testStoreContract } from './storeContract.ts';

const folder = mkdtempSync(join(tmpdir(), 'semcache-store-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const newPath = () => join(folder, `${++files}.db`);

const passed = (clock: FakeClock) => async (ms: number) => clock.advance(ms);

testStoreContract('MemoryStore', async ({ maxEntries }) => {
  const clock = new FakeClock();
  return { store: new MemoryStore({ now: clock.now, maxEntries }), now: clock.now, pass: passed(clock) };
}, { outlivesClose: false });

testStoreContract('SQLite', async ({ maxEntries }) => {
  const clock = new FakeClock();
  const path = newPath();
  const store = openSqliteStore(path, { now: clock.now, maxEntries });
  const reopen = async () => {
    await store.close();
    return openSqliteStore(path, { now: clock.now, maxEntries });
  };
  return { store, now: clock.now, pass: passed(clock), reopen };
});

testStoreContract('SQLite, two connections to one file in turn', async ({ maxEntries }) => {
  const clock = new FakeClock();
  const path = newPath();
  const both = [1, 2].map(() => openSqliteStore(path, { now: clock.now, maxEntries }));
  return { store: inTurn(both), now: clock.now, pass: passed(clock) };
}, { outlivesClose: false });

/** Each call goes to the next store. Hits and counts are written at once, as they would be a moment later. */
function inTurn(stores: Store[]): Store {
  let calls = 0;
  return new Proxy(stores[0]!, {
    get: (_, name: keyof Store) => {
      if (name === 'close' || name === 'setMaxEntries') {
        return async (maxEntries: number) => void (await Promise.all(stores.map(store => store[name](maxEntries))));
      }
      const store = stores[calls++ % stores.length]!;
      const member = store[name];
      if (typeof member !== 'function') return member;
      if (name !== 'recordHit' && name !== 'addCounts') return member.bind(store);
      return async (...args: never[]) => {
        await (member as (...args: never[]) => Promise<void>).apply(store, args);
        await store.counts();
      };
    },
  });
}

test('SQLite: two connections that write at the same time lose nothing', async () => {
  const path = newPath();
  const clock = new FakeClock();
  const stores = [1, 2].map(() => openSqliteStore(path, { now: clock.now, maxEntries: 1000 }));
  onTestFinished(async () => void (await Promise.all(stores.map(store => store.close()))));
  await Promise.all(
    Array.from({ length: 100 }, (_, i) => stores[i % 2]!.put(anEntry(clock.now(), { id: `e${i}`, vector: axis(i) }))),
  );
  for (const store of stores) expect((await store.size()).entries).toBe(100);
});
