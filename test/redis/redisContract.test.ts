// The store contract on every level of Redis, on real servers.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRedisStore, type OpenedRedisStore } from '../../server/store/openRedisStore.ts';
import type { LevelName } from '../../server/store/redisLevel.ts';
import { testStoreContract } from '../contract/storeContract.ts';
import { FakeClock } from '../fakes/fakeClock.ts';
import { startCluster, startRedis, type ServerKind } from './redisServers.ts';
import { openedStore, optionsFor } from './redisStores.ts';

const deployments: { what: string; kind: ServerKind; cluster: boolean; level: LevelName }[] = [
  { what: 'Redis 8.2 with the query engine', kind: 'query-engine', cluster: false, level: 'query-engine' },
  { what: 'Redis 8.2 with vector sets only', kind: 'vector-sets', cluster: false, level: 'vector-sets' },
  { what: 'Redis 7.0', kind: 'plain', cluster: false, level: 'plain' },
  { what: 'Valkey 9.1', kind: 'valkey', cluster: false, level: 'plain' },
  { what: 'a Cluster of three Redis 8.2', kind: 'vector-sets', cluster: true, level: 'vector-sets' },
  { what: 'a Cluster of three Redis 7.0', kind: 'plain', cluster: true, level: 'plain' },
];

describe.each(deployments)('$what', ({ what, kind, cluster, level }) => {
  let server: { url: string; close(): Promise<void> };
  beforeAll(async () => {
    server = await (cluster ? startCluster(kind) : startRedis(kind));
  }, 120_000);
  afterAll(() => server?.close());

  test('openRedisStore() finds the level by itself and says it', async () => {
    const opened = await openedStore(server.url);
    expect(opened.level).toBe(level);
    expect(opened.connection.topology).toBe(cluster ? 'cluster' : 'single');
    expect(opened.store.description).toContain(server.url.split(',')[0]!);
  });

  testStoreContract(what, async ({ maxEntries }) => {
    const clock = new FakeClock();
    const options = optionsFor(server.url, { now: clock.now, maxEntries });
    let opened: OpenedRedisStore = await openRedisStore(options);
    return {
      store: opened.store,
      now: clock.now,
      pass: async ms => clock.advance(ms),
      reopen: async () => {
        await opened.store.close();
        opened = await openRedisStore(options);
        return opened.store;
      },
    };
  });
});
