// When Redis misbehaves, on real servers: for each way, that prompts went on, what the user reads, that nothing was
// lost or stored twice, and that hits come back by themselves.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createClient } from 'redis';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { createAnswerPrompt } from '../../server/cache/answerPrompt.ts';
import { Counters } from '../../server/cache/counters.ts';
import { SemanticCache } from '../../server/cache/semanticCache.ts';
import type { Decision } from '../../server/protocol/decision.ts';
import { defaultCacheSettings } from '../../server/protocol/settings.ts';
import { openRedisStore, type RedisStoreOptions } from '../../server/store/openRedisStore.ts';
import { fingerprintTag, RedisLayout, tagOf } from '../../server/store/redisLayout.ts';
import { ResilientRedisStore } from '../../server/store/redisResilience.ts';
import { RedisSpool } from '../../server/store/redisSpool.ts';
import type { Store } from '../../server/store/store.ts';
import { anEntry, axis, scattered } from '../contract/entries.ts';
import { WordEmbedder } from '../fakes/wordEmbedder.ts';
import { startProxy } from './faultyProxy.ts';
import { freePort, startCluster, startRedis, until, type RedisServer, type ServerKind } from './redisServers.ts';
import { newPrefix, openedStore, optionsFor } from './redisStores.ts';

/** Long enough for a busy test machine; a Redis that hangs takes longer than any budget. */
const budgetMs = 500;

/** How long it took from the end of the trouble until all was well and all that waited was delivered: printed, never asserted. */
const recoveries: { after: string; 'back after, ms': number }[] = [];
afterAll(() => console.table(recoveries));

test('not there at start: prompts are answered, and what they brought is found once Redis has started', async () => {
  const server = await started('vector-sets');
  await server.kill();
  const { asked, store, recovered } = promptsOver(server.url);
  expect(await asked('first question')).toEqual({ status: 'bypass', text: 'answer to first question' });
  await until(() => store.problem !== null);
  expect(store.problem).toContain('is not running: nothing listens there. Prompts go straight to the model, and answers wait on this machine');
  expect(store.problem).toContain('1 answer waits to be delivered.');
  await server.restart();
  await recovered();
  await isHit(asked, 'first question');
  expect(store.problem).toBeNull();
});

test('killed in the middle of work: prompts go on, and hits come back with it', async () => {
  const server = await started('query-engine');
  const { asked, store, recovered } = promptsOver(server.url);
  await store.ready();
  await asked('before');
  expect(await asked('before')).toMatchObject({ status: 'hit' });
  await server.kill();
  expect(await asked('before')).toMatchObject({ status: 'bypass', text: 'answer to before' });
  expect(await asked('meanwhile')).toMatchObject({ status: 'bypass' });
  await server.restart();
  await recovered();
  await isHit(asked, 'meanwhile');
  await isHit(asked, 'before');
  expect((await store.size()).entries).toBe(2);
});

test('what the person says of two questions while it is away is kept and delivered, and nothing later is undone by it', async () => {
  const server = await started('query-engine');
  const proxy = await startProxy(server.port);
  onTestFinished(() => proxy.close());
  const { store, prefix, recovered } = promptsOver(proxy.url);
  await store.ready();
  await server.kill();
  await until(() => store.problem !== null);
  await store.addRuling({ a: 'a', b: 'b', same: true, createdAt: 10 });
  await store.addRuling({ a: 'a', b: 'b', same: false, createdAt: 20 });
  await store.addRuling({ a: 'a', b: 'c', same: true, createdAt: 10 });
  await store.addRuling({ a: 'a', b: 'd', same: true, createdAt: 30 });
  proxy.delayMs = 20;
  await server.restart();
  const other = await openedStore(server.url, { prefix, now: Date.now });
  await other.store.addRuling({ a: 'a', b: 'd', same: false, createdAt: 40 });
  const expected = [['b', false], ['c', true], ['d', false]];
  const seen = async (from: Store) => (await from.rulings()).map(({ b, same }) => [b, same]).sort();
  const during: Promise<unknown>[] = [];
  const reading = setInterval(() => during.push(seen(store).catch(() => null)), 5);
  onTestFinished(() => clearInterval(reading));
  await recovered();
  await until(async () => JSON.stringify(await seen(other.store)) === JSON.stringify(expected));
  clearInterval(reading);
  for (const rulings of (await Promise.all(during)).filter(answer => answer !== null)) expect(rulings).toEqual(expected);
  expect(await seen(store)).toEqual(expected);
  expect(await store.aliasesOf('a')).toEqual(['c']);
});

test('clear in the middle of the delivery of what waited: nothing that waited comes afterwards', async () => {
  const server = await started('query-engine');
  const proxy = await startProxy(server.port);
  onTestFinished(() => proxy.close());
  const { store, recovered } = promptsOver(proxy.url);
  await store.ready();
  await server.kill();
  await until(() => store.problem !== null);
  for (let i = 0; i < 20; i++) await store.put(anEntry(Date.now(), { id: `e${i}`, vector: axis(i) }));
  proxy.delayMs = 10;
  await server.restart();
  await until(async () => Number(await server.command('DBSIZE')) > 0);
  await store.clear({});
  await recovered();
  expect((await store.size()).entries).toBe(0);
});

test('stopped (it accepts connections and hangs): prompts go on, and each answer is there once when it goes on', async () => {
  const server = await started('vector-sets');
  const { asked, store, recovered } = promptsOver(server.url);
  await store.ready();
  await asked('before');
  server.freeze();
  onTestFinished(() => server.thaw());
  for (const question of ['one', 'two', 'three', 'four']) expect(await asked(question)).toMatchObject({ status: 'bypass' });
  expect(store.problem).toContain('does not answer');
  server.thaw();
  await recovered();
  for (const question of ['before', 'one', 'two', 'three', 'four']) await isHit(asked, question);
  expect((await store.size()).entries).toBe(5);
  expect((await store.list({ filter: {}, offset: 0, limit: 10 })).entries.map(({ instruction }) => instruction).sort()).toEqual([
    'before', 'four', 'one', 'three', 'two',
  ]);
});

test('slow (every answer takes longer than the budget): prompts do not wait for it, answers are still stored in it', async () => {
  const server = await started('vector-sets');
  const proxy = await startProxy(server.port);
  onTestFinished(() => proxy.close());
  const { asked, store, prefix, recovered } = promptsOver(proxy.url, { budgetMs: 100 });
  await store.ready();
  await asked('before');
  proxy.delayMs = 150;
  for (const question of ['one', 'two', 'three', 'four']) expect(await asked(question)).toMatchObject({ status: 'bypass' });
  await until(() => /ms for an answer, and a prompt waits 100 ms at most/.test(store.problem ?? ''));
  const direct = await openedStore(server.url, { prefix, now: Date.now });
  await until(async () => (await direct.store.size()).entries === 5);
  proxy.delayMs = 0;
  await recovered();
  await isHit(asked, 'four');
  expect(store.problem).toBeNull();
});

test('loading its data after a start: prompts go on until it is ready', async () => {
  const server = await started('plain');
  const { asked, store, recovered } = promptsOver(server.url);
  await store.ready();
  await asked('before');
  await server.command('DEBUG', 'POPULATE', '400', 'filler', '1000');
  await server.command('SAVE');
  await server.restart(['--key-load-delay', '10000', '--loading-process-events-interval-bytes', '1024']);
  expect(await server.command('PING').catch((error: Error) => error.message)).toContain('LOADING');
  await until(() => store.problem?.includes('still loading its data') === true);
  expect(await asked('meanwhile')).toMatchObject({ status: 'bypass', text: 'answer to meanwhile' });
  await recovered();
  await isHit(asked, 'before');
  await isHit(asked, 'meanwhile');
});

test('a read-only replica: stored answers are served, new ones wait until it is a master', async () => {
  const [master, replica] = [await started('plain'), await started('plain')];
  const prefix = newPrefix();
  await promptsOver(master.url, { prefix }).asked('before');
  await replica.command('REPLICAOF', '127.0.0.1', String(master.port));
  await until(async () => String(await replica.command('INFO', 'replication')).includes('master_link_status:up'));

  const { asked, store, recovered } = promptsOver(replica.url, { prefix });
  await store.ready();
  await isHit(asked, 'before');
  expect(await asked('meanwhile')).toMatchObject({ text: 'answer to meanwhile' });
  expect(store.problem).toContain('is a read-only replica');
  expect(await asked('before')).toMatchObject({ status: 'hit' });
  await replica.command('REPLICAOF', 'NO', 'ONE');
  await recovered();
  await isHit(asked, 'meanwhile');
  await until(() => store.problem === null);
});

test('out of memory with noeviction: stored answers are served, new ones wait until there is room', async () => {
  const server = await started('vector-sets');
  const { asked, store, recovered } = promptsOver(server.url);
  await store.ready();
  await asked('before');
  await server.command('CONFIG', 'SET', 'maxmemory', '1mb', 'maxmemory-policy', 'noeviction');
  expect(await asked('meanwhile')).toMatchObject({ text: 'answer to meanwhile' });
  expect(store.problem).toContain('out of memory');
  expect(await asked('before')).toMatchObject({ status: 'hit' });
  await server.command('CONFIG', 'SET', 'maxmemory', '0');
  await recovered();
  await isHit(asked, 'meanwhile');
  expect((await store.size()).entries).toBe(2);
});

test.each(['query-engine', 'vector-sets', 'plain'] as const)('allkeys-lru evicting our keys (%s): no lookup meets a ghost, and the sweep takes them all', async kind => {
  const server = await started(kind);
  const prefix = newPrefix();
  const { store } = await openedStore(server.url, { prefix, now: Date.now, maxEntries: 100_000 });
  const layout = new RedisLayout(prefix);
  const base = Number(/used_memory:(\d+)/.exec(String(await server.command('INFO', 'memory')))![1]);
  await server.command('CONFIG', 'SET', 'maxmemory', String(base + 6_000_000), 'maxmemory-policy', 'allkeys-lru', 'maxmemory-samples', '10');
  const count = 1500;
  for (let i = 0; i < count; i++) {
    const entry = anEntry(Date.now(), { id: `e${i}`, vector: scattered(i), generations: [{ text: 'x'.repeat(8000) }] });
    await store.put(entry).catch(() => undefined);
  }
  await server.command('CONFIG', 'SET', 'maxmemory', '0');
  const tag = tagOf('ann', 'scope');
  const present = new Set<string>();
  for (let i = 0; i < count; i++) if (Number(await store.get(`e${i}`, 'scope').then(entry => entry !== null)) === 1) present.add(`e${i}`);
  expect(present.size).toBeGreaterThan(0);
  expect(present.size).toBeLessThan(count);
  for (let i = 0; i < count; i += 50) {
    const found = await store.nearest({ scope: 'scope', fingerprint: 'embedder', vector: scattered(i), k: 3, instructionKey: 'asked' });
    expect(found.filter(({ entry }) => !present.has(entry.id))).toEqual([]);
  }
  const again = anEntry(Date.now(), { id: 'last', vector: axis(0) });
  for (let i = 0; i < 30; i++) await Promise.all(Array.from({ length: 100 }, () => store.put(again)));
  await store.nearest({ scope: 'scope', fingerprint: 'embedder', vector: axis(0), k: 3, instructionKey: 'asked' });
  await store.close();
  const members = (await server.command('ZRANGE', layout.members(tag, fingerprintTag('embedder')), '0', '-1')) as string[];
  expect(members.filter(id => id !== 'last' && !present.has(id))).toEqual([]);
  const listed = (await server.command('HKEYS', layout.where('ann'))) as string[];
  expect(listed.filter(id => id !== 'last' && !present.has(id))).toEqual([]);
  if (kind === 'vector-sets') {
    expect(Number(await server.command('VCARD', layout.vectors(tag, fingerprintTag('embedder'))))).toBe(members.length);
  }
});

test('a wrong password: the user reads so, prompts go on, and it works once it is right', async () => {
  const server = await started('plain', ['--requirepass', 'right']);
  const { asked, store, recovered } = promptsOver(server.url, { target: { url: server.url, password: 'wrong' } });
  await expect(store.ready()).rejects.toMatchObject({ code: 'store-unreachable' });
  expect(store.problem).toContain('refused the user name or password');
  expect(store.problem).not.toContain('wrong ');
  expect(await asked('question')).toMatchObject({ status: 'bypass' });
  await commandAs(server, 'right', ['CONFIG', 'SET', 'requirepass', 'wrong']);
  await recovered();
  await isHit(asked, 'question');
});

test('no password where one is wanted: the user reads so', async () => {
  const server = await started('plain', ['--requirepass', 'right']);
  const { store } = promptsOver(server.url);
  await expect(store.ready()).rejects.toThrow('wants a password');
});

test.each([
  { what: 'the query engine', rules: ['-@search', '-ft.search', '-ft.info', '-ft.create'], level: 'vector-sets' },
  { what: 'the query engine and vector sets', rules: ['-ft.search', '-ft.info', '-vcard', '-vadd', '-vsim'], level: 'plain' },
])('an ACL without $what: the next level is used', async ({ rules, level }) => {
  const server = await started('query-engine');
  await server.command('ACL', 'SETUSER', 'bob', 'on', '>secret', '~*', '&*', '+@all', ...rules).catch(async () => {
    await server.command('ACL', 'SETUSER', 'bob', 'on', '>secret', '~*', '&*', '+@all', ...rules.filter(rule => !rule.includes('@')));
  });
  const opened = await openedStore(server.url, { target: { url: server.url, username: 'bob', password: 'secret' }, now: Date.now });
  expect(opened.level).toBe(level);
  await opened.store.put(anEntry(Date.now()));
  const found = await opened.store.nearest({ scope: 'scope', fingerprint: 'embedder', vector: axis(0), k: 1, instructionKey: '' });
  expect(found.map(({ entry }) => entry.id)).toEqual(['entry']);
});

test('TLS with an unknown authority: the user reads what to set, and with it the connection opens', async () => {
  const { folder, ca } = certificates();
  const tlsPort = await freePort();
  await started('plain', [
    '--tls-port', String(tlsPort), '--tls-cert-file', path.join(folder, 'server.crt'), '--tls-key-file', path.join(folder, 'server.key'),
    '--tls-ca-cert-file', path.join(folder, 'ca.crt'), '--tls-auth-clients', 'no',
  ]);
  const url = `rediss://localhost:${tlsPort}`;
  const { asked, store } = promptsOver(url);
  await expect(store.ready()).rejects.toThrow('does not trust');
  expect(store.problem).toContain('semcache.redis.ca');
  expect(await asked('question')).toMatchObject({ status: 'bypass' });
  const trusting = await openedStore(url, { target: { url, ca }, now: Date.now });
  await trusting.store.put(anEntry(Date.now()));
  expect(await trusting.store.get('entry', 'scope')).not.toBeNull();
});

test('a connection cut in the middle of a reply: that prompt goes to the model, the next is a hit', async () => {
  const server = await started('vector-sets');
  const proxy = await startProxy(server.port);
  onTestFinished(() => proxy.close());
  const { asked, store, recovered } = promptsOver(proxy.url);
  await store.ready();
  await asked('before');
  proxy.cutAfterBytes = 100;
  expect(await asked('before')).toMatchObject({ status: 'bypass', text: 'answer to before' });
  await recovered();
  await isHit(asked, 'before');
  expect((await store.size()).entries).toBe(1);
});

test('slots that move between masters: no prompt fails, and nothing is lost', async () => {
  const cluster = await startCluster('vector-sets');
  onTestFinished(() => cluster.close());
  const { asked, store, recovered } = promptsOver(cluster.url);
  await store.ready();
  for (let i = 0; i < 10; i++) await asked(`question ${i}`);
  const [from, to] = cluster.masters as [RedisServer, RedisServer];
  const other = cluster.masters[2]!;
  const key = String((await keysOf(cluster.masters)).find(name => name.includes('entry:'))!);
  const slot = String(await from.command('CLUSTER', 'KEYSLOT', key));
  const owner = (await ownerOf(slot, cluster.masters))!;
  const target = [from, to, other].find(master => master !== owner)!;
  const [ownerId, targetId] = [String(await owner.command('CLUSTER', 'MYID')), String(await target.command('CLUSTER', 'MYID'))];

  await target.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', ownerId);
  await owner.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', targetId);
  const moving = (await owner.command('CLUSTER', 'GETKEYSINSLOT', slot, '1000')) as string[];
  expect(moving.length).toBeGreaterThan(2);
  for (const [at, one] of moving.entries()) {
    await owner.command('MIGRATE', '127.0.0.1', String(target.port), one, '0', '5000');
    const { text } = await asked(`meanwhile ${at}`);
    expect(text).toBe(`answer to meanwhile ${at}`);
  }
  for (const master of [target, owner, ...cluster.masters.filter(one => one !== owner && one !== target)]) {
    await master.command('CLUSTER', 'SETSLOT', slot, 'NODE', targetId);
  }
  await recovered();
  for (let i = 0; i < 10; i++) await isHit(asked, `question ${i}`);
  for (const at of moving.keys()) await isHit(asked, `meanwhile ${at}`);
  expect((await store.size()).entries).toBe(10 + moving.length);
});

test('a master of the Cluster killed: prompts go on, and what they brought is found when it is back', async () => {
  const cluster = await startCluster('vector-sets', ['--cluster-require-full-coverage', 'no', '--appendonly', 'yes', '--appendfsync', 'always']);
  onTestFinished(() => cluster.close());
  const { asked, store, recovered } = promptsOver(cluster.url);
  await store.ready();
  const questions = Array.from({ length: 12 }, (_, i) => `question ${i} alone`);
  for (const question of questions) await asked(question, { system: question });
  await cluster.masters[1]!.kill();
  for (const question of questions) {
    expect(await asked(`${question}, again`, { system: question })).toMatchObject({ text: `answer to ${question}, again` });
  }
  await cluster.masters[1]!.restart();
  await recovered();
  for (const question of questions) {
    await isHit(asked, question, { system: question });
    await isHit(asked, `${question}, again`, { system: question });
  }
});

async function started(kind: ServerKind, options: string[] = []): Promise<RedisServer> {
  const server = await startRedis(kind, options);
  onTestFinished(() => server.close());
  return server;
}

interface Asked {
  status: Decision['status'];
  text: string;
}
type Ask = (question: string, context?: { system?: string }) => Promise<Asked>;

/** The whole way of a prompt over a store in this Redis, with an upstream that answers everything. */
function promptsOver(
  url: string,
  changes: Partial<RedisStoreOptions> & { budgetMs?: number } = {},
): { asked: Ask; store: ResilientRedisStore; prefix: string; recovered: () => Promise<void> } {
  const folder = mkdtempSync(path.join(tmpdir(), 'semcache-spool-'));
  const options = optionsFor(url, { now: Date.now, ...changes });
  const spool = new RedisSpool(path.join(folder, 'spool.db'));
  const store = new ResilientRedisStore({
    open: () => openRedisStore(options),
    spool,
    address: url,
    now: Date.now,
    budgetMs: changes.budgetMs ?? budgetMs,
  });
  onTestFinished(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const cache = new SemanticCache({ store, embedder: new WordEmbedder(), now: Date.now });
  const counters = new Counters({ store, onFailure: () => undefined });
  const answerPrompt = createAnswerPrompt({ cache, counters, now: Date.now, onFailure: () => undefined });
  const asked: Ask = async (question, { system } = {}) => {
    const messages = [
      ...(system === undefined ? [] : [{ role: 'system' as const, parts: [{ type: 'text' as const, text: system }] }]),
      { role: 'user' as const, parts: [{ type: 'text' as const, text: question }] },
    ];
    const ask = {
      request: { model: 'm', parameters: {}, messages, tools: [] },
      upstream: {
        name: 'test',
        async *answer() {
          yield { type: 'text' as const, text: `answer to ${question}` };
          yield { type: 'end' as const, finish: 'stop' as const };
        },
      },
      route: 'command' as const,
      workspace: null,
      settings: { ...defaultCacheSettings, matching: 'distance' as const, scoreThreshold: 0 },
    };
    let status: Decision['status'] | null = null;
    let text = '';
    for await (const part of answerPrompt(ask, new AbortController().signal)) {
      if (part.type === 'decision') status = part.decision.status;
      if (part.type === 'text') text += part.text;
    }
    return { status: status!, text };
  };
  const recovered = async (): Promise<void> => {
    const begun = performance.now();
    await until(() => store.problem === null && spool.answers === 0, 30_000);
    recoveries.push({ after: expect.getState().currentTestName!.split(':')[0]!, 'back after, ms': Math.round(performance.now() - begun) });
  };
  return { asked, store, prefix: options.prefix, recovered };
}

/** Asked once: asking again would store the answer itself. */
async function isHit(asked: Ask, question: string, context: { system?: string } = {}): Promise<void> {
  expect(await asked(question, context)).toEqual({ status: 'hit', text: `answer to ${question}` });
}

async function commandAs(server: RedisServer, password: string, words: string[]): Promise<void> {
  const client = createClient({ url: server.url, password, RESP: 2 });
  await client.connect();
  await client.sendCommand(words);
  client.destroy();
}

async function keysOf(servers: RedisServer[]): Promise<string[]> {
  return (await Promise.all(servers.map(server => server.command('KEYS', '*')))).flat() as string[];
}

async function ownerOf(slot: string, masters: RedisServer[]): Promise<RedisServer> {
  const ranges = (await masters[0]!.command('CLUSTER', 'SLOTS')) as [number, number, [string, number]][];
  const [, , [, port]] = ranges.find(([from, to]) => from <= Number(slot) && Number(slot) <= to)!;
  return masters.find(master => master.port === port)!;
}

/** A certificate for localhost, signed by an authority that no system knows. */
function certificates(): { folder: string; ca: string } {
  const folder = mkdtempSync(path.join(tmpdir(), 'semcache-tls-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const openssl = (...words: string[]): unknown => execFileSync('openssl', words, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=Test authority');
  openssl('req', '-new', ...key.slice(0, 5), '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=localhost');
  writeFileSync(path.join(folder, 'names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1');
  openssl('x509', '-req', '-in', 'server.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names', '-out', 'server.crt');
  return { folder, ca: readFileSync(path.join(folder, 'ca.crt'), 'utf8') };
}
