import { describe, expect, test } from 'vitest';
import { SemanticCache } from '../../../../server/cache/semanticCache.ts';
import type { Generation } from '../../../../server/protocol/answer.ts';
import { defaultCacheSettings, type CacheSettings } from '../../../../server/protocol/settings.ts';
import { MemoryStore } from '../../../../server/store/memoryStore.ts';
import { FakeClock } from '../../../fakes/fakeClock.ts';
import { promptFromRequest } from '../../../../server/cache/promptFromRequest.ts';
import { asking } from '../../../fakes/scriptedUpstream.ts';
import { WordEmbedder } from '../../../fakes/wordEmbedder.ts';

const settings: CacheSettings = { ...defaultCacheSettings, matching: 'distance' };

function open(): { cache: SemanticCache; store: MemoryStore; clock: FakeClock; another: (embedder: WordEmbedder | null) => SemanticCache } {
  const clock = new FakeClock();
  const store = new MemoryStore({ now: clock.now, maxEntries: 100 });
  const another = (embedder: WordEmbedder | null): SemanticCache => new SemanticCache({ store, embedder, now: clock.now });
  return { cache: another(new WordEmbedder()), store, clock, another };
}

const says = (text: string): Generation[] => [{ text }];

describe('the seed\'s contract', () => {
  test('lookup() is null before update() and its generations after', async () => {
    const { cache } = open();
    expect((await cache.lookup('a b', 'm', settings)).generations).toBeNull();
    await cache.update('a b', 'm', says('x'), settings);
    expect((await cache.lookup('a b', 'm', settings)).generations).toEqual(says('x'));
  });

  test('lookup() misses when only the llmString differs, even if that entry is nearer', async () => {
    const { cache } = open();
    await cache.update('a b c', 'n', says('of n'), settings);
    await cache.update('a b c d', 'm', says('of m'), settings);
    expect((await cache.lookup('c a b', 'm', settings)).generations).toEqual(says('of m'));
    expect((await cache.lookup('c a b', 'o', settings)).generations).toBeNull();
  });

  test('update() of the same prompt and llmString replaces', async () => {
    const { cache, store } = open();
    await cache.update('a', 'm', says('old'), settings);
    await cache.update('a', 'm', says('new'), settings);
    expect((await cache.lookup('a', 'm', settings)).generations).toEqual(says('new'));
    expect(await store.size()).toMatchObject({ entries: 1 });
  });

  test('several generations and chat generations keep shape and metadata', async () => {
    const { cache } = open();
    const generations: Generation[] = [
      { text: 'one', generationInfo: { finish_reason: 'stop', logprobs: null } },
      { text: 'two', message: { type: 'ai', content: 'two', usage_metadata: { input_tokens: 3 } }, content: [{ type: 'text', text: 'two' }] },
    ];
    await cache.update('a', 'm', generations, settings);
    expect((await cache.lookup('a', 'm', settings)).generations).toEqual(generations);
  });

  test('clear() by llmString leaves the others, works in a process that opened nothing, and clears all without one', async () => {
    const { cache, another } = open();
    await cache.update('a', 'm', says('x'), settings);
    await cache.update('b', 'm', says('x'), settings);
    await cache.update('a', 'n', says('y'), settings);
    const fresh = another(new WordEmbedder());
    expect(await fresh.clear({ llmString: 'm' })).toBe(2);
    expect((await cache.lookup('a', 'n', settings)).generations).toEqual(says('y'));
    expect(await fresh.clear()).toBe(1);
  });

  test.each([
    { threshold: 0, asked: 'b a', hit: true, why: 'equal vectors at threshold 0' },
    { threshold: 0, asked: 'a b c', hit: false, why: 'unequal vectors at threshold 0' },
    { threshold: 0.3, asked: 'a b c', hit: true, why: 'a distance within the threshold' },
    { threshold: 0.1, asked: 'a b c', hit: false, why: 'a distance beyond the threshold' },
    { threshold: 2, asked: 'x y', hit: true, why: 'anything at threshold 2' },
  ])('threshold $threshold: hit is $hit for $why', async ({ threshold, asked, hit }) => {
    const { cache } = open();
    await cache.update('a b', 'm', says('x'), settings);
    const { generations } = await cache.lookup(asked, 'm', { ...settings, scoreThreshold: threshold });
    expect(generations !== null).toBe(hit);
  });

  test('vectors of two embedders never meet', async () => {
    const { cache, another } = open();
    await cache.update('a b', 'm', says('x'), settings);
    const other = another(new WordEmbedder('another model'));
    expect((await other.lookup('b a', 'm', settings)).decision).toMatchObject({ status: 'miss' });
    expect((await other.lookup('a b', 'm', settings)).decision).toMatchObject({ status: 'hit', match: 'exact' });
  });

  test('without an embedder identical prompts still hit, others are a bypass that says why', async () => {
    const { cache, another } = open();
    await cache.update('a b', 'm', says('x'), settings);
    const without = another(null);
    expect((await without.lookup('a b', 'm', settings)).decision).toMatchObject({ status: 'hit' });
    expect((await without.lookup('b a', 'm', settings)).decision).toMatchObject({ status: 'bypass', reason: 'embedding-failed' });
  });

  test('mode exact serves only the same words', async () => {
    const { cache } = open();
    await cache.update('a b', 'm', says('x'), settings);
    const exact: CacheSettings = { ...settings, matching: 'exact' };
    expect((await cache.lookup('a b', 'm', exact)).decision.status).toBe('hit');
    expect((await cache.lookup('b a', 'm', exact)).decision.status).toBe('miss');
  });
});

describe('edit() and wrongAnswer()', () => {
  test('edit() replaces the answer and begins its time to live again', async () => {
    const { cache, clock } = open();
    const { id } = await cache.update('a', 'm', [{ text: 'old', generationInfo: { finishReason: 'stop' } }], { ...settings, ttl: 1 });
    clock.advance(1000);
    await cache.edit(id, 'mine');
    const found = await cache.lookup('a', 'm', settings);
    expect(found.generations).toEqual([{ text: 'mine', generationInfo: { finishReason: 'stop' } }]);
    expect(found.decision).toMatchObject({ ageMs: 0 });
    clock.advance(24 * 60 * 60 * 1000 - 1);
    expect((await cache.lookup('a', 'm', settings)).decision.status).toBe('hit');
  });

  test('edit() of an entry that is gone says what to do', async () => {
    await expect(open().cache.edit('0123', 'x')).rejects.toMatchObject({ code: 'entry-not-found', message: expect.stringContaining('Ask again') });
  });

  test('wrongAnswer() keeps the entry for its own words and never serves it to the others again', async () => {
    const { cache } = open();
    const request = asking('b a');
    const { llmString } = promptFromRequest(request);
    const { id } = await cache.update('a b', llmString, says('x'), settings);
    expect((await cache.lookup('b a', llmString, settings)).decision.status).toBe('hit');
    await cache.wrongAnswer(id, request);
    expect((await cache.lookup('b a', llmString, settings)).decision).toMatchObject({ status: 'miss', reason: 'tombstone' });
    expect((await cache.lookup('a b', llmString, settings)).decision.status).toBe('hit');
  });

  test('a tombstone outlives the entry and holds in both directions', async () => {
    const { cache } = open();
    const request = asking('b a');
    const { id } = await cache.update('a b', 'm', says('x'), settings);
    await cache.wrongAnswer(id, request);
    await cache.clear();
    await cache.update('b a', 'm', says('y'), settings);
    expect((await cache.lookup('a b', 'm', settings)).decision).toMatchObject({ status: 'miss', reason: 'tombstone' });
  });

  test('wrongAnswer() for the very same question removes the entry', async () => {
    const { cache, store } = open();
    const { id } = await cache.update('a b', 'm', says('x'), settings);
    await cache.wrongAnswer(id, asking('a b'));
    expect(await store.size()).toMatchObject({ entries: 0 });
  });
});
