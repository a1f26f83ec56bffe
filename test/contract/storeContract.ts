// What every store promises, as tests. A store brings its own opener and runs all of them.
//
// Time: a test moves it through `StoreUnderTest.pass(ms)`. With an injected clock that takes no time; a store whose
// engine keeps its own time waits there instead. Tests that need a moment hit exactly are skipped for such a store.

import { randomBytes } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Entry, EntryFilter } from '../../server/protocol/entry.ts';
import type { Store } from '../../server/store/store.ts';
import { anEntry, axis, fullEntry, normalised, scattered } from './entries.ts';

/** A store, open and empty, with the time it goes by. */
export interface StoreUnderTest {
  store: Store;
  now: () => number;
  /** Resolves when this many milliseconds have passed for the store. */
  pass: (ms: number) => Promise<void>;
  /** Closes the store and opens what it stored again; absent when what it stores goes with it (`outlivesClose`). */
  reopen?: () => Promise<Store>;
}

export interface StoreTraits {
  /** False when the engine keeps its own time, so that no test can stand at an exact millisecond. */
  exactTime?: boolean;
  /** False when what it stored is gone, or cannot be opened again by this test, once it was closed. */
  outlivesClose?: boolean;
}

export type OpenStoreUnderTest = (options: { maxEntries: number }) => Promise<StoreUnderTest>;

const hour = 3_600_000;

export function testStoreContract(name: string, open: OpenStoreUnderTest, { exactTime = true, outlivesClose = true }: StoreTraits = {}): void {
  const opened = async (maxEntries = 1000): Promise<StoreUnderTest> => {
    const under = await open({ maxEntries });
    onTestFinished(() => under.store.close());
    return under;
  };

  describe(`${name}: get() and put()`, () => {
    test('an entry comes back as it was put, in every field', async () => {
      const { store, now } = await opened();
      const entry = fullEntry(now());
      await store.put(entry);
      expect(await store.get(entry.id)).toEqual(entry);
    });

    test('get() is null for an id that was never put', async () => {
      const { store } = await opened();
      expect(await store.get('nobody')).toBeNull();
    });

    test('an entry without a vector is found by id and never by nearest()', async () => {
      const { store, now } = await opened();
      const entry = anEntry(now(), { fingerprint: null, vector: null });
      await store.put(entry);
      expect(await store.get(entry.id)).toEqual(entry);
      expect(await near(store, axis(0))).toEqual([]);
    });

    test('put() of the same id replaces the answer and keeps createdAt, hits and lastHitAt', async () => {
      const { store, now, pass } = await opened();
      const first = anEntry(now());
      await store.put(first);
      const hitAt = now() + 10;
      await store.recordHit(first.id, { at: hitAt });
      await pass(1000);
      const second = anEntry(now(), { generations: [{ text: 'other' }], model: 'other model' });
      await store.put(second);
      expect(await store.get(first.id)).toEqual({ ...second, createdAt: first.createdAt, hits: 1, lastHitAt: hitAt });
      expect((await store.size()).entries).toBe(1);
    });

    test('put() of the same id with another vector moves the entry to the new one', async () => {
      const { store, now } = await opened();
      await store.put(anEntry(now(), { vector: axis(0) }));
      expect(await near(store, axis(0))).toEqual([['entry', 0]]);
      await store.put(anEntry(now(), { vector: axis(1) }));
      expect(await near(store, axis(0))).toEqual([['entry', 1]]);
      expect(await near(store, axis(1))).toEqual([['entry', 0]]);
    });

    test('put() of the same id without a vector takes the entry out of nearest()', async () => {
      const { store, now } = await opened();
      await store.put(anEntry(now()));
      await near(store, axis(0));
      await store.put(anEntry(now(), { vector: null, fingerprint: null }));
      expect(await near(store, axis(0))).toEqual([]);
    });

    test.each([
      { what: 'no generation', generations: [] },
      { what: 'an empty text', generations: [{ text: '' }] },
      { what: 'an answer of one megabyte', generations: [{ text: randomBytes(524_288).toString('hex') }] },
      { what: 'emoji, right-to-left text and a NUL', generations: [{ text: 'naïve 🧑‍🚀 שלום \u0000 \u2028 日本' }] },
      {
        what: 'several generations with metadata, messages and recorded content',
        generations: [
          {
            text: 'one',
            generationInfo: { finish_reason: 'stop', logprobs: null, nested: { deep: [1, 2.5, 'three', false] } },
            message: { type: 'ai', data: { content: 'one', additional_kwargs: {} } },
          },
          {
            text: 'two',
            content: [
              { type: 'text' as const, text: 'two' },
              { type: 'data' as const, mimeType: 'image/png', base64: 'AAECAw==' },
              { type: 'tool-call' as const, callId: 'c1', name: 'search', input: { query: 'x', limit: 3 } },
            ],
          },
        ],
      },
    ])('put() keeps $what', async ({ generations }) => {
      const { store, now } = await opened();
      await store.put(anEntry(now(), { generations }));
      expect((await store.get('entry'))?.generations).toEqual(generations);
    });

    test('put() keeps any Unicode in every text of an entry', async () => {
      const { store, now } = await opened();
      const text = 'Größe 日本 🧑‍🚀 "quoted" \'single\' \\ \n\t \u0000 %_*{}[]|-@';
      const entry = anEntry(now(), { llmString: text, instruction: text, model: text, workspace: text });
      await store.put(entry);
      expect(await store.get(entry.id)).toEqual(entry);
      expect(await store.clear({ llmString: text, model: text, workspace: text })).toBe(1);
    });

    test('what the caller changes afterwards changes nothing stored', async () => {
      const { store, now } = await opened();
      const entry = anEntry(now());
      await store.put(entry);
      entry.generations[0]!.text = 'changed';
      entry.vector!.fill(0);
      const found = (await store.get(entry.id))!;
      found.generations[0]!.text = 'changed too';
      expect((await store.get(entry.id))!.generations[0]!.text).toBe('answer');
      expect(await near(store, axis(0))).toEqual([['entry', 0]]);
    });

    test('many puts at once are all there, one entry an id', async () => {
      const { store, now } = await opened();
      const puts = Array.from({ length: 200 }, (_, i) => store.put(anEntry(now(), { id: `e${i % 100}`, vector: axis(i % 100) })));
      await Promise.all(puts);
      expect((await store.size()).entries).toBe(100);
      expect((await near(store, axis(7), { k: 1 }))).toEqual([['e7', 0]]);
    });
  });

  describe(`${name}: expiry`, () => {
    if (exactTime) test('an entry is gone at the millisecond it expires, everywhere', async () => {
      const { store, now, pass } = await opened();
      await store.put(anEntry(now(), { expiresAt: now() + 1000 }));
      await pass(999);
      expect(await everywhere(store)).toEqual({ get: true, nearest: 1, list: 1, total: 1, entries: 1, size: 1 });
      await pass(1);
      expect(await everywhere(store)).toEqual({ get: false, nearest: 0, list: 0, total: 0, entries: 0, size: 0 });
    });

    test('an entry is gone once its time is over, everywhere', async () => {
      const { store, now, pass } = await opened();
      await store.put(anEntry(now(), { expiresAt: now() + 700 }));
      expect(await everywhere(store)).toEqual({ get: true, nearest: 1, list: 1, total: 1, entries: 1, size: 1 });
      await pass(800);
      expect(await everywhere(store)).toEqual({ get: false, nearest: 0, list: 0, total: 0, entries: 0, size: 0 });
    });

    test('an entry whose time was over before put() is not there', async () => {
      const { store, now } = await opened();
      await store.put(anEntry(now(), { expiresAt: now() - 1 }));
      expect(await store.get('entry')).toBeNull();
      expect(await near(store, axis(0))).toEqual([]);
    });

    test('put() after expiry begins anew: createdAt and hits of the expired entry are not kept', async () => {
      const { store, now, pass } = await opened();
      await store.put(anEntry(now(), { expiresAt: now() + 500 }));
      await store.recordHit('entry', { at: now() });
      await pass(600);
      const anew = anEntry(now());
      await store.put(anew);
      expect(await store.get('entry')).toEqual(anew);
    });

    test('put() again moves the end of an entry\'s time', async () => {
      const { store, now, pass } = await opened();
      await store.put(anEntry(now(), { expiresAt: now() + 500 }));
      await store.put(anEntry(now(), { expiresAt: now() + hour }));
      await pass(600);
      expect(await near(store, axis(0))).toEqual([['entry', 0]]);
    });

    test('recordHit() does not move the end of an entry\'s time', async () => {
      const { store, now, pass } = await opened();
      await store.put(anEntry(now(), { expiresAt: now() + 500 }));
      await store.recordHit('entry', { at: now() });
      await pass(600);
      expect(await store.get('entry')).toBeNull();
    });

    test('clear() counts no expired entry', async () => {
      const { store, now, pass } = await opened();
      await store.put(anEntry(now(), { id: 'short', expiresAt: now() + 500 }));
      await store.put(anEntry(now(), { id: 'long' }));
      await pass(600);
      expect(await store.clear({})).toBe(1);
    });
  });

  describe(`${name}: nearest()`, () => {
    test('the nearest come first, at most k, with exact distances', async () => {
      const { store, now } = await opened();
      for (const degrees of [50, 10, 90, 30, 70]) await store.put(anEntry(now(), { id: `at${degrees}`, vector: turned(degrees) }));
      const found = await store.nearest({ ...query(turned(0)), k: 3 });
      expect(found.map(({ entry }) => entry.id)).toEqual(['at10', 'at30', 'at50']);
      for (const [i, degrees] of [10, 30, 50].entries()) {
        expect(found[i]!.distance).toBeCloseTo(1 - Math.cos((degrees * Math.PI) / 180), 6);
      }
    });

    test.each([
      { what: 'the same direction', other: axis(0), distance: 0 },
      { what: 'unrelated', other: axis(1), distance: 1 },
      { what: 'opposite', other: axis(0, -1), distance: 2 },
    ])('the distance of $what is $distance', async ({ other, distance }) => {
      const { store, now } = await opened();
      await store.put(anEntry(now(), { vector: other }));
      const [found] = await store.nearest(query(axis(0)));
      expect(found!.distance).toBeCloseTo(distance, 6);
    });

    test('an identical vector is at distance 0 exactly, a nearly identical one is not', async () => {
      const { store, now } = await opened();
      const vector = scattered(1);
      const nearly = vector.slice();
      nearly[0] = vector[0]! * 1.01 + 0.001;
      await store.put(anEntry(now(), { id: 'same', vector }));
      await store.put(anEntry(now(), { id: 'nearly', vector: normalised(nearly) }));
      const found = await store.nearest(query(vector.slice()));
      expect(found.map(({ entry }) => entry.id)).toEqual(['same', 'nearly']);
      expect(found[0]!.distance).toBe(0);
      expect(found[1]!.distance).toBeGreaterThan(0);
    });

    test('only entries of the same scope and fingerprint are found', async () => {
      const { store, now } = await opened();
      await store.put(anEntry(now(), { id: 'mine' }));
      await store.put(anEntry(now(), { id: 'other scope', scope: 'scope 2' }));
      await store.put(anEntry(now(), { id: 'other fingerprint', fingerprint: 'embedder 2' }));
      expect(await near(store, axis(0))).toEqual([['mine', 0]]);
      expect(await store.nearest({ ...query(axis(0)), scope: 'unknown' })).toEqual([]);
    });

    test('candidates are whole entries but for their vectors and use', async () => {
      const { store, now } = await opened();
      const entry = fullEntry(now());
      await store.put(entry);
      await store.recordHit(entry.id, { at: now() });
      const [found] = await store.nearest({ ...query(entry.vector!), scope: entry.scope, fingerprint: entry.fingerprint! });
      const { vector: _vector, hits: _hits, lastHitAt: _lastHitAt, ...whole } = entry;
      expect(found!.entry).toMatchObject(whole);
    });

    test('candidates that share a tombstone with the instruction at hand are marked', async () => {
      const { store, now } = await opened();
      await store.put(anEntry(now(), { id: 'wrong', instructionKey: 'key of wrong', vector: turned(5) }));
      await store.put(anEntry(now(), { id: 'right', instructionKey: 'key of right', vector: turned(10) }));
      const [a, b] = ['key of wrong', 'asked'].sort() as [string, string];
      await store.addRuling({ a, b, same: false, createdAt: now() });
      const found = await store.nearest({ ...query(axis(0)), instructionKey: 'asked' });
      expect(found.map(({ entry, tombstoned }) => [entry.id, tombstoned])).toEqual([['wrong', true], ['right', false]]);
      const other = await store.nearest({ ...query(axis(0)), instructionKey: 'asked otherwise' });
      expect(other.map(({ tombstoned }) => tombstoned)).toEqual([false, false]);
    });

    test('a pair that was called the same is not marked', async () => {
      const { store, now } = await opened();
      await store.put(anEntry(now(), { instructionKey: 'key' }));
      await store.addRuling({ a: 'asked', b: 'key', same: true, createdAt: now() });
      expect(await store.nearest(query(axis(0)))).toMatchObject([{ tombstoned: false, disputes: [] }]);
    });

    test('a candidate comes with the instructions that it was called wrong for, whichever is asked', async () => {
      const { store, now } = await opened();
      await store.put(anEntry(now(), { id: 'twice', instructionKey: 'm', vector: turned(5) }));
      await store.put(anEntry(now(), { id: 'never', instructionKey: 'n', vector: turned(10) }));
      await store.addRuling({ a: 'a', b: 'm', same: false, createdAt: now() });
      await store.addRuling({ a: 'm', b: 'z', same: false, createdAt: now() });
      await store.addRuling({ a: 'm', b: 'y', same: true, createdAt: now() });
      for (const instructionKey of ['a', 'asked']) {
        const found = await store.nearest({ ...query(axis(0)), instructionKey });
        expect(found.map(({ entry, disputes }) => [entry.id, disputes.sort()])).toEqual([['twice', ['a', 'z']], ['never', []]]);
      }
    });

    test('a vector of another length is refused, by nearest() and by put()', async () => {
      const { store, now } = await opened();
      await store.put(anEntry(now()));
      const short = new Float32Array([1, 0, 0]);
      await expect(store.nearest(query(short))).rejects.toMatchObject({ code: 'vector-length-mismatch' });
      await expect(store.put(anEntry(now(), { id: 'short', vector: short }))).rejects.toMatchObject({ code: 'vector-length-mismatch' });
      expect(await store.get('short')).toBeNull();
      expect(await near(store, axis(0))).toEqual([['entry', 0]]);
    });

    test('among many the nearest is found, before and after some of them go', async () => {
      const { store, now } = await opened(5000);
      const count = 1200;
      for (let i = 0; i < count; i++) await store.put(anEntry(now(), { id: `e${i}`, vector: scattered(i) }));
      for (const i of [0, 777, count - 1]) {
        const [first, second] = await store.nearest({ ...query(scattered(i)), k: 2 });
        expect([first!.entry.id, first!.distance]).toEqual([`e${i}`, 0]);
        expect(second!.distance).toBeGreaterThan(0);
      }
      const gone = Array.from({ length: count / 2 }, (_, i) => `e${i * 2}`);
      expect(await store.clear({ ids: gone })).toBe(count / 2);
      expect((await near(store, scattered(777), { k: 1 }))).toEqual([['e777', 0]]);
      const [left] = await near(store, scattered(778), { k: 1 });
      expect(left![0]).not.toBe('e778');
      await store.put(anEntry(now(), { id: 'back', vector: scattered(778) }));
      expect(await near(store, scattered(778), { k: 1 })).toEqual([['back', 0]]);
    });
  });

  describe(`${name}: hits and the size bound`, () => {
    test('recordHit() counts, tells when, and does nothing for an entry that is gone', async () => {
      const { store, now } = await opened();
      await store.put(anEntry(now()));
      await store.recordHit('entry', { at: now() + 1 });
      await store.recordHit('entry', { at: now() + 2 });
      await store.recordHit('nobody', { at: now() });
      expect(await store.get('entry')).toMatchObject({ hits: 2, lastHitAt: now() + 2 });
      expect((await store.list(everything)).entries).toMatchObject([{ hits: 2, lastHitAt: now() + 2 }]);
      expect(await collected(store)).toMatchObject([{ hits: 2, lastHitAt: now() + 2 }]);
      expect(await store.get('nobody')).toBeNull();
    });

    test('hits of a cleared entry are not counted for a later one of the same id', async () => {
      const { store, now } = await opened();
      await store.put(anEntry(now()));
      await store.recordHit('entry', { at: now() });
      await store.clear({ ids: ['entry'] });
      await store.put(anEntry(now()));
      expect(await store.get('entry')).toMatchObject({ hits: 0, lastHitAt: null });
    });

    test('beyond maxEntries the least recently used go; a hit and a put() are uses', async () => {
      const { store, now, pass } = await opened(3);
      for (const id of ['a', 'b', 'c']) {
        await store.put(anEntry(now(), { id }));
        await pass(10);
      }
      await store.recordHit('a', { at: now() });
      await pass(10);
      await store.put(anEntry(now(), { id: 'b' }));
      await pass(10);
      await store.put(anEntry(now(), { id: 'd' }));
      expect(await ids(store)).toEqual(['a', 'b', 'd']);
      await pass(10);
      await store.put(anEntry(now(), { id: 'e' }));
      expect(await ids(store)).toEqual(['b', 'd', 'e']);
      expect((await near(store, axis(0), { k: 10 })).map(([id]) => id).sort()).toEqual(['b', 'd', 'e']);
    });

    test('an expired entry makes room before a live one', async () => {
      const { store, now, pass } = await opened(2);
      await store.put(anEntry(now(), { id: 'live' }));
      await pass(10);
      await store.put(anEntry(now(), { id: 'short', expiresAt: now() + 500 }));
      await pass(600);
      await store.put(anEntry(now(), { id: 'new' }));
      expect(await ids(store)).toEqual(['live', 'new']);
    });

    test('setMaxEntries() removes what is too much, and holds from then on', async () => {
      const { store, now, pass } = await opened();
      for (let i = 0; i < 5; i++) {
        await store.put(anEntry(now(), { id: `e${i}` }));
        await pass(5);
      }
      await store.setMaxEntries(2);
      expect(await ids(store)).toEqual(['e3', 'e4']);
      await store.put(anEntry(now(), { id: 'e5' }));
      expect(await ids(store)).toEqual(['e4', 'e5']);
      await store.setMaxEntries(3);
      await pass(5);
      await store.put(anEntry(now(), { id: 'e6' }));
      expect(await ids(store)).toEqual(['e4', 'e5', 'e6']);
    });
  });

  describe(`${name}: clear()`, () => {
    const kinds: Partial<Entry>[] = [
      { id: '1', llmString: 'm', model: 'x', workspace: 'w' },
      { id: '2', llmString: 'm', model: 'x', workspace: null },
      { id: '3', llmString: 'm', model: 'y', workspace: 'w' },
      { id: '4', llmString: 'n', model: 'y', workspace: 'v' },
    ];
    test.each<{ filter: EntryFilter; left: string[] }>([
      { filter: {}, left: [] },
      { filter: { ids: ['1', '4', 'nobody'] }, left: ['2', '3'] },
      { filter: { ids: [] }, left: ['1', '2', '3', '4'] },
      { filter: { llmString: 'm' }, left: ['4'] },
      { filter: { llmString: 'M' }, left: ['1', '2', '3', '4'] },
      { filter: { model: 'y' }, left: ['1', '2'] },
      { filter: { workspace: 'w' }, left: ['2', '4'] },
      { filter: { llmString: 'm', model: 'x' }, left: ['3', '4'] },
      { filter: { llmString: 'm', model: 'y', workspace: 'w', ids: ['1', '3'] }, left: ['1', '2', '4'] },
      { filter: { llmString: 'm', workspace: 'v' }, left: ['1', '2', '3', '4'] },
    ])('clear($filter) leaves $left and tells how many went', async ({ filter, left }) => {
      const { store, now } = await opened();
      for (const kind of kinds) await store.put(anEntry(now(), kind));
      await near(store, axis(0));
      expect(await store.clear(filter)).toBe(kinds.length - left.length);
      expect(await ids(store)).toEqual(left);
      expect((await near(store, axis(0), { k: 10 })).map(([id]) => id).sort()).toEqual(left);
    });

    test('clear() of some leaves rulings and counters; of everything it removes the rulings, too', async () => {
      const { store, now } = await opened();
      await store.put(anEntry(now(), { instructionKey: 'b' }));
      const ruling = { a: 'a', b: 'b', same: false, createdAt: now() };
      await store.addRuling(ruling);
      await store.addRuling({ a: 'a', b: 'c', same: true, createdAt: now() });
      await store.addCounts({ hits: 1 });
      await store.clear({ model: 'another' });
      expect(await store.rulings()).toHaveLength(2);
      expect(await store.clear({})).toBe(1);
      expect([await store.rulings(), await store.aliasesOf('a')]).toEqual([[], []]);
      await store.put(anEntry(now(), { instructionKey: 'b' }));
      expect(await store.nearest({ ...query(axis(0)), instructionKey: 'a' })).toMatchObject([{ tombstoned: false, disputes: [] }]);
      expect((await store.counts()).hits).toBe(1);
    });

    test('clear() of hundreds of entries leaves none', async () => {
      const { store, now } = await opened(5000);
      for (let i = 0; i < 600; i++) await store.put(anEntry(now(), { id: `e${i}`, vector: null, fingerprint: null }));
      expect(await store.clear({})).toBe(600);
      expect(await everywhere(store)).toEqual({ get: false, nearest: 0, list: 0, total: 0, entries: 0, size: 0 });
    });
  });

  describe(`${name}: list(), entries() and size()`, () => {
    test('list() gives summaries, newest update first, in pages, with the total', async () => {
      const { store, now } = await opened();
      for (let i = 0; i < 7; i++) await store.put(anEntry(now(), { id: `e${i}`, updatedAt: now() + i }));
      const pages = [0, 3, 6, 9].map(async offset => (await store.list({ filter: {}, offset, limit: 3 })).entries.map(({ id }) => id));
      expect(await Promise.all(pages)).toEqual([['e6', 'e5', 'e4'], ['e3', 'e2', 'e1'], ['e0'], []]);
      expect((await store.list({ filter: {}, offset: 3, limit: 3 })).total).toBe(7);
    });

    test('a summary is the entry without vector, context and answers, with a preview on one line', async () => {
      const { store, now } = await opened();
      const entry = fullEntry(now());
      entry.generations[0]!.text = `first line\n\n  second ${'🚀'.repeat(300)}`;
      await store.put(entry);
      const { vector, context, generations, ...rest } = entry;
      const { entries } = await store.list(everything);
      expect(entries).toEqual([{ ...rest, preview: `first line second ${'🚀'.repeat(182)}` }]);
    });

    test('list() and its total keep to the filter', async () => {
      const { store, now } = await opened();
      await store.put(anEntry(now(), { id: 'a', model: 'x' }));
      await store.put(anEntry(now(), { id: 'b', model: 'y' }));
      const found = await store.list({ ...everything, filter: { model: 'y' } });
      expect([found.total, found.entries.map(({ id }) => id)]).toEqual([1, ['b']]);
    });

    test.each([
      { search: 'reverse', found: ['list', 'string'] },
      { search: 'REVERSE python', found: ['list'] },
      { search: 'python reverse', found: ['list'] },
      { search: 'rever thon', found: ['list'] },
      { search: 'größe', found: ['umlaut'] },
      { search: 'GRÖSSE 100%', found: [] },
      { search: '100%', found: ['umlaut'] },
      { search: '_', found: [] },
      { search: '  ', found: ['list', 'string', 'umlaut'] },
      { search: 'reverse nothing', found: [] },
    ])('list() with the search "$search" finds $found', async ({ search, found }) => {
      const { store, now } = await opened();
      await store.put(anEntry(now(), { id: 'list', instruction: 'How do I reverse a list in Python?' }));
      await store.put(anEntry(now(), { id: 'string', instruction: 'reverse a string in Rust' }));
      await store.put(anEntry(now(), { id: 'umlaut', instruction: 'GRÖßE auf 100% setzen' }));
      const { total, entries } = await store.list({ filter: {}, search, offset: 0, limit: 10 });
      expect([entries.map(({ id }) => id).sort(), total]).toEqual([found, found.length]);
    });

    test('entries() gives every entry once, whole', async () => {
      const { store, now } = await opened();
      const put = Array.from({ length: 100 }, (_, i) => anEntry(now(), { id: `e${i}`, vector: scattered(i) }));
      for (const entry of put) await store.put(entry);
      const found = await collected(store);
      expect(found.sort((a, b) => Number(a.id.slice(1)) - Number(b.id.slice(1)))).toEqual(put);
    });

    test('size() counts the entries and grows with them', async () => {
      const { store, now } = await opened();
      const before = await store.size();
      expect(before.entries).toBe(0);
      await store.put(anEntry(now(), { generations: [{ text: 'x'.repeat(200_000) }] }));
      const after = await store.size();
      expect(after.entries).toBe(1);
      expect(after.bytes - before.bytes).toBeGreaterThan(100_000);
    });
  });

  describe(`${name}: withInstruction()`, () => {
    test('gives the entries of one instruction in any scope, newest update first, whole', async () => {
      const { store, now } = await opened();
      const entry = fullEntry(now());
      await store.put(anEntry(now(), { id: 'newer', scope: 'another', instructionKey: entry.instructionKey, updatedAt: now() + 5 }));
      await store.put(entry);
      await store.put(anEntry(now(), { id: 'other', instructionKey: `${entry.instructionKey}y` }));
      const found = await store.withInstruction(entry.instructionKey, 10);
      expect(found.map(({ id }) => id)).toEqual(['newer', 'full']);
      const { vector, generations, ...facts } = entry;
      expect(found[1]).toEqual(facts);
      expect((await store.withInstruction(entry.instructionKey, 1)).map(({ id }) => id)).toEqual(['newer']);
      expect(await store.withInstruction('nobody asked', 10)).toEqual([]);
    });

    test('entries that are replaced are there once; those cleared, expired or evicted are gone', async () => {
      const { store, now, pass } = await opened(3);
      const left = async (): Promise<string[]> => (await store.withInstruction('key', 10)).map(({ id }) => id).sort();
      await store.put(anEntry(now(), { id: 'a' }));
      await store.put(anEntry(now(), { id: 'a', generations: [{ text: 'again' }] }));
      await pass(5);
      await store.put(anEntry(now(), { id: 'b', expiresAt: now() + 500 }));
      await pass(5);
      await store.put(anEntry(now(), { id: 'c', scope: 'another' }));
      expect(await left()).toEqual(['a', 'b', 'c']);
      await pass(600);
      expect(await left()).toEqual(['a', 'c']);
      await store.clear({ ids: ['c'] });
      expect(await left()).toEqual(['a']);
      for (const id of ['d', 'e', 'f']) await store.put(anEntry(now(), { id, instructionKey: 'another' }));
      expect(await left()).toEqual([]);
    });
  });

  describe(`${name}: counters and rulings`, () => {
    test('counts() begins at 0 and adds up what addCounts() gives, tokens by model', async () => {
      const { store, now } = await opened();
      const { since, ...zero } = await store.counts();
      expect(zero).toEqual({ hits: 0, exactHits: 0, misses: 0, bypasses: 0, refreshes: 0, wrongHits: 0, savedMs: 0, judgeYes: 0, judgeNo: 0, judgeNoVerdict: 0, judgeMs: 0, saved: [] });
      expect(Math.abs(since - now())).toBeLessThan(60_000);
      await store.addCounts({ hits: 1, exactHits: 1, savedMs: 1200.5, saved: { model: 'x', promptTokens: 10, completionTokens: 20 } });
      await store.addCounts({ hits: 1, savedMs: 300, saved: { model: 'x', promptTokens: 1, completionTokens: 2 } });
      await store.addCounts({ hits: 1, saved: { model: 'y', promptTokens: 5, completionTokens: 6 } });
      await store.addCounts({ misses: 2, bypasses: 3, refreshes: 4, wrongHits: 5 });
      await store.addCounts({ judgeYes: 1, judgeNo: 2, judgeNoVerdict: 3, judgeMs: 40.5 });
      const { saved, ...counts } = await store.counts();
      expect(counts).toEqual({ hits: 3, exactHits: 1, misses: 2, bypasses: 3, refreshes: 4, wrongHits: 5, savedMs: 1500.5, judgeYes: 1, judgeNo: 2, judgeNoVerdict: 3, judgeMs: 40.5, since });
      expect(saved.sort((a, b) => a.model.localeCompare(b.model))).toEqual([
        { model: 'x', promptTokens: 11, completionTokens: 22 },
        { model: 'y', promptTokens: 5, completionTokens: 6 },
      ]);
    });

    test('resetCounts() sets all to 0, forgets saved tokens and counts from now', async () => {
      const { store, pass } = await opened();
      const { since } = await store.counts();
      await store.addCounts({ hits: 2, savedMs: 5, saved: { model: 'x', promptTokens: 1, completionTokens: 1 } });
      await pass(500);
      await store.resetCounts();
      const counts = await store.counts();
      expect(counts).toMatchObject({ hits: 0, savedMs: 0, saved: [] });
      expect(counts.since).toBeGreaterThanOrEqual(since + 400);
      await store.addCounts({ hits: 1 });
      expect((await store.counts()).hits).toBe(1);
    });

    test('rulings() gives each pair once', async () => {
      const { store, now } = await opened();
      await store.addRuling({ a: 'a', b: 'b', same: false, createdAt: now() });
      await store.addRuling({ a: 'a', b: 'b', same: false, createdAt: now() });
      await store.addRuling({ a: 'a', b: 'c', same: true, createdAt: now() });
      expect((await store.rulings()).map(({ a, b, same }) => [a, b, same]).sort()).toEqual([['a', 'b', false], ['a', 'c', true]]);
    });

    test.each([
      { first: true, later: false },
      { first: false, later: true },
    ])('of two rulings on a pair the later counts, whichever arrives first: same $first, then $later', async ({ first, later }) => {
      const { store, now } = await opened();
      await store.put(anEntry(now(), { instructionKey: 'b' }));
      const earlier = { a: 'a', b: 'b', same: first, createdAt: now() - 1000 };
      const latest = { a: 'a', b: 'b', same: later, createdAt: now() };
      for (const order of [[earlier, latest], [latest, earlier]]) {
        for (const ruling of order) await store.addRuling(ruling);
        expect(await store.rulings()).toEqual([latest]);
        expect(await store.aliasesOf('b')).toEqual(later ? ['a'] : []);
        const [found] = await store.nearest({ ...query(axis(0)), instructionKey: 'a' });
        expect(found).toMatchObject({ tombstoned: !later, disputes: later ? [] : ['a'] });
        await store.clear({});
        await store.put(anEntry(now(), { instructionKey: 'b' }));
      }
    });

    test('aliasesOf() gives what was called the same as an instruction, from either side, latest first', async () => {
      const { store, now } = await opened();
      await store.addRuling({ a: 'a', b: 'm', same: true, createdAt: now() });
      await store.addRuling({ a: 'm', b: 'z', same: true, createdAt: now() + 1 });
      await store.addRuling({ a: 'm', b: 'n', same: false, createdAt: now() + 2 });
      expect(await store.aliasesOf('m')).toEqual(['z', 'a']);
      expect(await store.aliasesOf('a')).toEqual(['m']);
      expect(await store.aliasesOf('n')).toEqual([]);
      expect(await store.aliasesOf('nobody')).toEqual([]);
    });
  });

  if (outlivesClose) test(`${name}: entries, hits, rulings and counters outlive close()`, async () => {
    const under = await open({ maxEntries: 1000 });
    const { now } = under;
    const entry = fullEntry(now());
    await under.store.put(entry);
    await under.store.recordHit(entry.id, { at: now() });
    await under.store.addRuling({ a: 'a', b: 'b', same: true, createdAt: now() });
    await under.store.addCounts({ hits: 1, saved: { model: 'x', promptTokens: 1, completionTokens: 2 } });
    const counts = await under.store.counts();
    const store = await under.reopen!();
    onTestFinished(() => store.close());
    expect(await store.get(entry.id)).toEqual({ ...entry, hits: entry.hits + 1, lastHitAt: now() });
    const [found] = await store.nearest({ ...query(entry.vector!), scope: entry.scope, fingerprint: entry.fingerprint! });
    expect(found!.distance).toBe(0);
    expect(await store.rulings()).toEqual([{ a: 'a', b: 'b', same: true, createdAt: now() }]);
    expect(await store.counts()).toEqual(counts);
  });
}

const everything = { filter: {}, offset: 0, limit: 100 };

/** axis(0) turned towards axis(1). */
function turned(degrees: number): Float32Array {
  const vector = axis(0, Math.cos((degrees * Math.PI) / 180));
  vector[1] = Math.sin((degrees * Math.PI) / 180);
  return vector;
}

function query(vector: Float32Array) {
  return { scope: 'scope', fingerprint: 'embedder', vector, k: 8, instructionKey: 'asked' };
}

async function near(store: Store, vector: Float32Array, changes: { k?: number } = {}): Promise<[string, number][]> {
  const found = await store.nearest({ ...query(vector), ...changes });
  return found.map(({ entry, distance }) => [entry.id, Math.round(distance * 1e6) / 1e6]);
}

async function ids(store: Store): Promise<string[]> {
  return (await store.list({ filter: {}, offset: 0, limit: 10_000 })).entries.map(({ id }) => id).sort();
}

async function collected(store: Store): Promise<Entry[]> {
  const found: Entry[] = [];
  for await (const entry of store.entries()) found.push(entry);
  return found;
}

/** Where `anEntry()` shows, alone in its store. */
async function everywhere(store: Store) {
  const list = await store.list(everything);
  return {
    get: (await store.get('entry')) !== null,
    nearest: (await near(store, axis(0))).length,
    list: list.entries.length,
    total: list.total,
    entries: (await collected(store)).length,
    size: (await store.size()).entries,
  };
}
