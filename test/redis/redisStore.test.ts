// What only a store in Redis has to keep: racing daemons, lost indexes, shared namespaces, round trips.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { installRedis } from '../../scripts/redis.ts';
import type { Entry } from '../../server/protocol/entry.ts';
import { connectRedis, databaseOf } from '../../server/store/redisConnection.ts';
import { fingerprintTag, RedisLayout, tagOf } from '../../server/store/redisLayout.ts';
import { RedisPlain } from '../../server/store/redisPlain.ts';
import { RedisQueryEngine } from '../../server/store/redisQueryEngine.ts';
import { RedisStore } from '../../server/store/redisStore.ts';
import type { Store } from '../../server/store/store.ts';
import { anEntry, axis, scattered } from '../contract/entries.ts';
import { startProxy } from './faultyProxy.ts';
import { freePort, startRedis, until, type RedisServer, type ServerKind } from './redisServers.ts';
import { newPrefix, openedStore } from './redisStores.ts';

const kinds = ['query-engine', 'vector-sets', 'plain'] as const;
const servers = {} as Record<ServerKind, RedisServer>;
beforeAll(async () => {
  await Promise.all(kinds.map(async kind => void (servers[kind] = await startRedis(kind))));
});
afterAll(() => Promise.all(Object.values(servers).map(server => server.close())));

const tag = tagOf('ann', 'scope');
const fp = fingerprintTag('embedder');
const now = Date.now;

function near(store: Store, vector: Float32Array, k = 3): Promise<string[]> {
  return store
    .nearest({ scope: 'scope', fingerprint: 'embedder', vector, k, instructionKey: 'asked' })
    .then(found => found.map(({ entry }) => entry.id));
}

describe.each(kinds)('%s', kind => {
  test('eight daemons that race from nothing all store, and all find all', async () => {
    const prefix = newPrefix();
    const daemons = await Promise.all(Array.from({ length: 8 }, () => openedStore(servers[kind].url, { prefix, now })));
    await Promise.all(daemons.map(({ store }, i) => store.put(anEntry(now(), { id: `e${i}`, vector: axis(i) }))));
    for (const { store } of daemons) {
      for (const [i] of daemons.entries()) expect(await near(store, axis(i), 1)).toEqual([`e${i}`]);
    }
  });

  test('what one daemon stores, replaces or clears, another sees at once', async () => {
    const prefix = newPrefix();
    const [a, b] = await Promise.all([openedStore(servers[kind].url, { prefix, now }), openedStore(servers[kind].url, { prefix, now })]);
    for (let round = 0; round < 20; round++) {
      await a.store.put(anEntry(now(), { id: 'e', vector: axis(round), generations: [{ text: `${round}` }] }));
      const [found] = await b.store.nearest({ scope: 'scope', fingerprint: 'embedder', vector: axis(round), k: 1, instructionKey: '' });
      expect([found!.distance, found!.entry.generations[0]!.text]).toEqual([0, `${round}`]);
    }
    await a.store.clear({});
    expect(await near(b.store, axis(19))).toEqual([]);
  });

  test('FLUSHALL under it: nothing is found, and the next answers are', async () => {
    const server = await startRedis(kind);
    onTestFinished(() => server.close());
    const { store } = await openedStore(server.url, { now });
    await store.put(anEntry(now(), { id: 'before' }));
    expect(await near(store, axis(0))).toEqual(['before']);
    await server.command('FLUSHALL');
    await server.command('SCRIPT', 'FLUSH');
    expect(await near(store, axis(0))).toEqual([]);
    expect(await store.get('before', 'scope')).toBeNull();
    await store.put(anEntry(now(), { id: 'after' }));
    await until(async () => (await near(store, axis(0))).join() === 'after');
    expect((await store.size()).entries).toBe(1);
  });

  test('TTL is Redis\'s own EXPIRE, a hit does not change it, and an expired entry leaves nothing behind', async () => {
    const prefix = newPrefix();
    const layout = new RedisLayout(prefix);
    const { store } = await openedStore(servers[kind].url, { prefix, now });
    await store.put(anEntry(now(), { id: 'short', expiresAt: now() + 1500, vector: axis(0) }));
    await store.put(anEntry(now(), { id: 'long', vector: axis(1) }));
    const key = layout.entry(tag, 'short');
    const ttl = Number(await servers[kind].command('PTTL', key));
    expect(ttl).toBeGreaterThan(0);
    expect(ttl).toBeLessThanOrEqual(1500);
    await store.recordHit('short', { at: now() });
    await near(store, axis(0));
    expect(Number(await servers[kind].command('PTTL', key))).toBeLessThanOrEqual(ttl);
    await until(async () => Number(await servers[kind].command('EXISTS', key)) === 0);
    expect(await near(store, axis(0))).toEqual(['long']);
    await store.put(anEntry(now(), { id: 'next', vector: axis(2) }));
    await until(async () => String(await servers[kind].command('ZRANGE', layout.members(tag, fp), '0', '-1')) === 'long,next');
    expect(String(await servers[kind].command('HKEYS', layout.where('ann')))).toBe('long,next');
    if (kind === 'vector-sets') expect(await servers[kind].command('VCARD', layout.vectors(tag, fp))).toBe(2);
  });

  test('prefixes and namespaces that begin alike do not meet (user_1, user_10)', async () => {
    const open = (prefix: string, own: string) => openedStore(servers[kind].url, { prefix, namespaces: { own }, now });
    const base = newPrefix().slice(0, -1);
    const stores = await Promise.all([open(`${base}user_1`, 'ann'), open(`${base}user_10`, 'ann'), open(`${base}both`, 'user_1'), open(`${base}both`, 'user_10')]);
    for (const [i, { store }] of stores.entries()) await store.put(anEntry(now(), { id: `of ${i}`, generations: [{ text: `secret of ${i}` }] }));
    for (const [i, { store }] of stores.entries()) {
      expect(await near(store, axis(0))).toEqual([`of ${i}`]);
      expect((await store.list({ filter: {}, offset: 0, limit: 10 })).total).toBe(1);
    }
    expect(await stores[0]!.store.clear({})).toBe(1);
    expect(await stores[2]!.store.clear({})).toBe(1);
    expect(await near(stores[1]!.store, axis(0))).toEqual(['of 1']);
    expect(await near(stores[3]!.store, axis(0))).toEqual(['of 3']);
  });

  test('an exact hit takes one round trip, a look-up by meaning one more, and counting it waits for nothing else', async () => {
    const proxy = await startProxy(servers[kind].port);
    onTestFinished(() => proxy.close());
    const { store } = await openedStore(proxy.url, { now });
    for (let i = 0; i < 20; i++) await store.put(anEntry(now(), { id: `e${i}`, vector: axis(i) }));
    await near(store, axis(3));
    proxy.trips = 0;
    const [entry, aliases] = await Promise.all([store.get('e3', 'scope'), store.aliasesOf('key')]);
    expect([entry!.id, aliases]).toEqual(['e3', []]);
    expect(proxy.trips).toBe(1);
    proxy.trips = 0;
    expect(await near(store, axis(4), 1)).toEqual(['e4']);
    expect(proxy.trips).toBe(1);
  });

  test('what a person said costs a look-up no round trip, but the first one after each change', async () => {
    const proxy = await startProxy(servers[kind].port);
    onTestFinished(() => proxy.close());
    const prefix = newPrefix();
    const [{ store }, elsewhere] = [await openedStore(proxy.url, { prefix, now }), await openedStore(servers[kind].url, { prefix, now })];
    await store.put(anEntry(now()));
    await near(store, axis(0));
    for (const [i, other] of ['a', 'b'].entries()) {
      await elsewhere.store.addRuling({ a: other, b: 'key', same: false, createdAt: now() });
      for (const trips of [2, 1, 1]) {
        proxy.trips = 0;
        const [found] = await store.nearest({ scope: 'scope', fingerprint: 'embedder', vector: axis(0), k: 3, instructionKey: other });
        expect([found!.tombstoned, found!.disputes.length, proxy.trips]).toEqual([true, i + 1, trips]);
      }
    }
  });

  test('rulings that went with the rest of Redis are forgotten, and later ones count', async () => {
    const server = await startRedis(kind);
    onTestFinished(() => server.close());
    const { store } = await openedStore(server.url, { now });
    await store.addRuling({ a: 'a', b: 'b', same: true, createdAt: 1 });
    expect(await store.aliasesOf('a')).toEqual(['b']);
    await server.command('FLUSHALL');
    expect(await store.aliasesOf('a')).toEqual([]);
    await server.command('SCRIPT', 'FLUSH');
    await store.addRuling({ a: 'a', b: 'c', same: true, createdAt: 2 });
    expect(await store.aliasesOf('a')).toEqual(['c']);
  });

  test('what a person says of two questions holds at once on all machines of that person, and on nobody else\'s', async () => {
    const prefix = newPrefix();
    const open = (own: string) => openedStore(servers[kind].url, { prefix, now, namespaces: { own, team: { name: 'team.x', share: 'everything' } } });
    const [here, there, bobs] = await Promise.all([open('ann'), open('ann'), open('bob')]);
    await here.store.addRuling({ a: 'a', b: 'b', same: true, createdAt: now() });
    expect(await there.store.aliasesOf('b')).toEqual(['a']);
    expect([await bobs.store.aliasesOf('b'), await bobs.store.rulings()]).toEqual([[], []]);
    await bobs.store.clear({});
    expect(await there.store.aliasesOf('b')).toEqual(['a']);
    await here.store.addRuling({ a: 'b', b: 'c', same: true, createdAt: now() + 1 });
    expect(await there.store.aliasesOf('b')).toEqual(['c', 'a']);
    await here.store.addRuling({ a: 'b', b: 'c', same: false, createdAt: now() + 2 });
    expect(await there.store.aliasesOf('b')).toEqual(['a']);
    await here.store.clear({});
    expect(await there.store.aliasesOf('b')).toEqual([]);
  });

  test('clear() of everything leaves no key behind but those that count', async () => {
    const prefix = newPrefix();
    const { store } = await openedStore(servers[kind].url, { prefix, now });
    for (let i = 0; i < 3; i++) await store.put(anEntry(now(), { id: `e${i}`, vector: axis(i), instructionKey: `k${i}` }));
    await near(store, axis(0));
    await store.addRuling({ a: 'k0', b: 'k1', same: true, createdAt: now() });
    await store.addRuling({ a: 'k0', b: 'k2', same: false, createdAt: now() });
    await store.addCounts({ hits: 1 });
    expect(await store.clear({})).toBe(3);
    expect(await servers[kind].command('KEYS', `${prefix}*`)).toEqual([new RedisLayout(prefix).counts('ann')]);
  });

  test('no command of a look-up or of storing walks over keys', async () => {
    const server = await startRedis(kind);
    onTestFinished(() => server.close());
    const { store } = await openedStore(server.url, { now, maxEntries: 30 });
    for (let i = 0; i < 40; i++) await store.put(anEntry(now(), { id: `e${i}`, vector: axis(i) }));
    await near(store, axis(39));
    await store.recordHit('e39', { at: now() });
    const stats = String(await server.command('INFO', 'commandstats'));
    expect([...stats.matchAll(/cmdstat_(\w+)/g)].map(match => match[1]).filter(name => /^(?:keys|scan|hscan|zscan|sscan)$/.test(name!))).toEqual([]);
  });

  test('share "nothing": another person\'s entries are not found', async () => {
    const [ann, bob] = await people(kind, {}, {});
    await ann.put(anEntry(now(), { id: 'of ann' }));
    expect(await near(bob, axis(0))).toEqual([]);
    expect(await bob.get('of ann', 'scope')).toBeNull();
  });

  test('share "everything": what one stores the other hits at once, with the name only of who wants it', async () => {
    const team = { name: 'team.x', share: 'everything' as const };
    const [ann, bob] = await people(kind, { team, storedBy: 'Ann' }, { team });
    await ann.put(anEntry(now(), { id: 'of ann', vector: axis(0) }));
    await bob.put(anEntry(now(), { id: 'of bob', vector: axis(1) }));
    expect(await bob.get('of ann', 'scope')).toMatchObject({ storedBy: 'Ann' });
    expect(await near(bob, axis(0), 1)).toEqual(['of ann']);
    expect(await ann.get('of bob', 'scope')).not.toHaveProperty('storedBy');
    expect((await bob.list({ filter: {}, offset: 0, limit: 10 })).total).toBe(2);
    expect(await bob.clear({})).toBe(1);
    expect(await near(ann, axis(0), 1)).toEqual(['of ann']);
    expect(await bob.clear({ ids: ['of ann'] })).toBe(1);
  });

  test('share "general": questions with code, files or history stay with who asked them', async () => {
    const team = { name: 'team.y', share: 'general' as const };
    const [ann, bob] = await people(kind, { team }, { team });
    const kindsOf = (...names: Entry['context'][number]['kind'][]): Entry['context'] => names.map(name => ({ kind: name, name, sha256: 'x' }));
    await ann.put(anEntry(now(), { id: 'general', vector: axis(0), context: kindsOf('system', 'tools', 'language') }));
    for (const [i, one] of (['code', 'file', 'selection', 'turn', 'trace', 'diagnostics', 'terminal', 'data'] as const).entries()) {
      await ann.put(anEntry(now(), { id: `with ${one}`, vector: axis(i + 1), context: kindsOf('system', one) }));
    }
    expect((await near(bob, axis(0), 20))).toEqual(['general']);
    expect((await near(ann, axis(0), 20)).length).toBe(9);
    expect((await bob.list({ filter: {}, offset: 0, limit: 20 })).total).toBe(1);
  });
});

describe('query engine', () => {
  test('an index that was dropped is made again, and everything is found again', async () => {
    const prefix = newPrefix();
    const { store } = await openedStore(servers['query-engine'].url, { prefix, now });
    await store.put(anEntry(now()));
    expect(await near(store, axis(0))).toEqual(['entry']);
    await servers['query-engine'].command('FT.DROPINDEX', new RedisLayout(prefix).index(fp, 'flat'));
    await until(async () => (await near(store, axis(0))).join() === 'entry');
  });

  test.each([
    { what: 'another metric', options: ['TYPE', 'FLOAT32', 'DIM', '384', 'DISTANCE_METRIC', 'L2'], code: 'store-damaged' },
    { what: 'another type', options: ['TYPE', 'FLOAT64', 'DIM', '384', 'DISTANCE_METRIC', 'COSINE'], code: 'store-damaged' },
    { what: 'another dimension', options: ['TYPE', 'FLOAT32', 'DIM', '3', 'DISTANCE_METRIC', 'COSINE'], code: 'vector-length-mismatch' },
  ])('a live index of $what is refused and nothing is written under it', async ({ options, code }) => {
    const prefix = newPrefix();
    const layout = new RedisLayout(prefix);
    await servers['query-engine'].command(
      'FT.CREATE', layout.index(fp, 'flat'), 'ON', 'HASH', 'PREFIX', '1', layout.entryPrefix, 'SCHEMA', 'scope', 'TAG', `vector:${fp}`, 'AS', 'vector', 'VECTOR', 'FLAT', '6', ...options,
    );
    const { store } = await openedStore(servers['query-engine'].url, { prefix, now });
    await expect(store.put(anEntry(now()))).rejects.toMatchObject({ code });
    await expect(near(store, axis(0))).rejects.toMatchObject({ code });
    expect(await servers['query-engine'].command('KEYS', `${prefix}*`)).toEqual([]);
  });

  test('a scope that grows large is searched by HNSW, by every daemon, and nothing is lost on the way', async () => {
    const prefix = newPrefix();
    const open = async (): Promise<RedisStore> => {
      const connection = await connectRedis({ url: servers['query-engine'].url }, 2000);
      const parts = { connection, layout: new RedisLayout(prefix) };
      const store = new RedisStore({ ...parts, level: new RedisQueryEngine(parts, { flatUpTo: 50 }), namespaces: { own: 'ann' } }, { now, maxEntries: 1000 });
      onTestFinished(() => store.close());
      return store;
    };
    const [a, b] = [await open(), await open()];
    for (let i = 0; i < 200; i++) await a.put(anEntry(now(), { id: `e${i}`, vector: scattered(i) }));
    expect(await near(b, scattered(7), 1)).toEqual(['e7']);
    const layout = new RedisLayout(prefix);
    await until(async () => {
      expect(await near(a, scattered(9), 1)).toEqual(['e9']);
      const names = String(await servers['query-engine'].command('FT._LIST')).split(',');
      return names.includes(layout.index(fp, 'hnsw')) && !names.includes(layout.index(fp, 'flat'));
    });
    await b.put(anEntry(now(), { id: 'later', vector: scattered(999) }));
    for (const store of [a, b]) {
      expect(await near(store, scattered(999), 1)).toEqual(['later']);
      for (const i of [0, 50, 199]) expect(await near(store, scattered(i), 1)).toEqual([`e${i}`]);
    }
  });

  test('a scope that is all there is of a large index is searched whole, and others that come are not found in it', async () => {
    const connection = await connectRedis({ url: servers['query-engine'].url }, 2000);
    const searches: string[] = [];
    const told = {
      ...connection,
      send: (key: string, words: readonly (string | Buffer)[]) => {
        if (words[0] === 'FT.SEARCH') searches.push(String(words[2]));
        return connection.send(key, words);
      },
    };
    const parts = { connection: told, layout: new RedisLayout(newPrefix()) };
    const store = new RedisStore({ ...parts, level: new RedisQueryEngine(parts, { flatUpTo: 50 }), namespaces: { own: 'ann' } }, { now, maxEntries: 1000 });
    onTestFinished(() => store.close());
    for (let i = 0; i < 100; i++) await store.put(anEntry(now(), { id: `e${i}`, vector: scattered(i) }));
    await until(async () => {
      expect(await near(store, scattered(9), 1)).toEqual(['e9']);
      return searches.at(-1)!.startsWith('*=>');
    });
    for (let i = 0; i < 5; i++) await store.put(anEntry(now(), { id: `other ${i}`, scope: 'other', vector: scattered(9) }));
    expect((await near(store, scattered(9), 5))[0]).toBe('e9');
    expect(await near(store, scattered(9), 5)).toHaveLength(5);
    expect(searches.at(-1)).toMatch(/^\(@scope:.* HYBRID_POLICY BATCHES /);
  });

  test('a search that runs into the engine\'s TIMEOUT is a miss, not an error', async () => {
    const connection = await connectRedis({ url: servers['query-engine'].url }, 2000);
    onTestFinished(() => connection.close());
    const failing = {
      ...connection,
      send: (key: string, words: readonly (string | Buffer)[]) =>
        words[0] === 'FT.SEARCH' ? Promise.reject(new Error('Timeout limit was reached')) : connection.send(key, words),
    };
    const layout = new RedisLayout(newPrefix());
    const level = new RedisQueryEngine({ connection: failing, layout });
    await level.prepare(fp, 384);
    expect(await level.nearest({ tags: [tag], fp, vector: axis(0), count: 1 })).toEqual([]);
  });
});

describe('levels that meet', () => {
  test('a vector set that was deleted is made again from the entries', async () => {
    const prefix = newPrefix();
    const { store } = await openedStore(servers['vector-sets'].url, { prefix, now });
    for (let i = 0; i < 250; i++) await store.put(anEntry(now(), { id: `e${i}`, vector: scattered(i) }));
    await servers['vector-sets'].command('DEL', new RedisLayout(prefix).vectors(tag, fp));
    for (const i of [0, 100, 249]) expect(await near(store, scattered(i), 1)).toEqual([`e${i}`]);
  });

  test('what a daemon without vectors stored is found by vector sets, and the other way round', async () => {
    const prefix = newPrefix();
    const { store: sets } = await openedStore(servers['vector-sets'].url, { prefix, now });
    const connection = await connectRedis({ url: servers['vector-sets'].url }, 2000);
    const parts = { connection, layout: new RedisLayout(prefix) };
    const plain = new RedisStore({ ...parts, level: new RedisPlain(parts), namespaces: { own: 'ann' } }, { now, maxEntries: 1000 });
    onTestFinished(() => plain.close());
    await plain.put(anEntry(now(), { id: 'of plain', vector: axis(0) }));
    await sets.put(anEntry(now(), { id: 'of sets', vector: axis(1) }));
    expect(await near(sets, axis(0), 1)).toEqual(['of plain']);
    expect(await near(plain, axis(1), 1)).toEqual(['of sets']);
  });

  test('plain: more vectors than may be kept in this process are searched as far as they are kept', async () => {
    const connection = await connectRedis({ url: servers.plain.url }, 2000);
    const parts = { connection, layout: new RedisLayout(newPrefix()) };
    const store = new RedisStore({ ...parts, level: new RedisPlain(parts, { maxVectors: 100 }), namespaces: { own: 'ann' } }, { now, maxEntries: 1000 });
    onTestFinished(() => store.close());
    for (let i = 0; i < 150; i++) await store.put(anEntry(now(), { id: `e${i}`, vector: scattered(i) }));
    expect(await near(store, scattered(149), 1)).toEqual(['e149']);
    expect(await near(store, scattered(0), 1)).not.toEqual(['e0']);
    expect(await store.get('e0', 'scope')).not.toBeNull();
  });
});

describe('addresses', () => {
  test('a unix socket and a database number', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'semcache-sock-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const server = await startRedis('plain', ['--unixsocket', path.join(folder, 'redis.sock')]);
    onTestFinished(() => server.close());
    const { store } = await openedStore(`redis+unix://${folder}/redis.sock?db=3`, { now });
    await store.put(anEntry(now()));
    expect(String(await server.command('INFO', 'keyspace'))).toContain('db3');
  });

  test.each([
    { url: 'redis://h', database: 0 },
    { url: 'redis://u:p@h:1/5', database: 5 },
    { url: 'redis+unix:///a/b/7.sock?db=2', database: 2 },
    { url: 'redis+sentinel://h:1,i:2/main', database: 0 },
    { url: 'redis+sentinel://h:1,i:2/main/4', database: 4 },
    { url: 'redis://h:1,redis://i:2', database: 0 },
  ])('$url leads to database $database', ({ url, database }) => {
    expect(databaseOf({ url })).toBe(database);
  });

  test('the query engine indexes database 0 only: another database is searched by vector sets', async () => {
    const { store, level } = await openedStore(`${servers['query-engine'].url}/3`, { now });
    expect(level).toBe('vector-sets');
    await store.put(anEntry(now()));
    expect(await near(store, axis(0))).toEqual(['entry']);
  });

  test('a master found through Sentinels, and the next one after a failover', async () => {
    const { redis8 } = await installRedis();
    const master = await startRedis('vector-sets');
    const replica = await startRedis('vector-sets', ['--replicaof', '127.0.0.1', String(master.port)]);
    onTestFinished(async () => void (await Promise.all([master.close(), replica.close()])));
    const folder = mkdtempSync(path.join(tmpdir(), 'semcache-sentinel-'));
    const port = await freePort();
    writeFileSync(
      path.join(folder, 'sentinel.conf'),
      `port ${port}\nbind 127.0.0.1\ndir ${folder}\nsentinel monitor main 127.0.0.1 ${master.port} 1\nsentinel down-after-milliseconds main 500\nsentinel failover-timeout main 2000\n`,
    );
    const sentinel = spawn(redis8, [path.join(folder, 'sentinel.conf'), '--sentinel'], { stdio: 'ignore' });
    onTestFinished(() => {
      sentinel.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    });
    const url = `redis+sentinel://127.0.0.1:${port}/main`;
    const prefix = newPrefix();
    await until(() => connectRedis({ url }, 1000).then(connection => { connection.close(); return true; }, () => false));
    const { store, connection } = await openedStore(url, { prefix, now });
    expect(connection.topology).toBe('sentinel');
    await store.put(anEntry(now()));
    expect(await near(store, axis(0))).toEqual(['entry']);
    await until(async () => Number(await replica.command('EXISTS', new RedisLayout(prefix).entry(tag, 'entry'))) === 1);
    await master.kill();
    await until(async () => {
      const again = await openedStore(url, { prefix, now, connectTimeoutMs: 1000 }).catch(() => null);
      return again !== null && (await again.store.get('entry', 'scope').catch(() => null)) !== null;
    }, 40_000);
  });

  test.each(['http://localhost', 'localhost:6379', 'redis+sentinel://localhost'])('%s is refused with what to write', async url => {
    await expect(connectRedis({ url }, 500)).rejects.toMatchObject({ code: 'bad-request' });
  });
});

/** Two people on one Redis, under one prefix. */
async function people(kind: ServerKind, ofAnn: object, ofBob: object): Promise<[Store, Store]> {
  const prefix = newPrefix();
  const open = (own: string, more: object) => openedStore(servers[kind].url, { prefix, now, namespaces: { own, ...more } });
  const [ann, bob] = await Promise.all([open('ann', ofAnn), open('bob', ofBob)]);
  return [ann.store, bob.store];
}
