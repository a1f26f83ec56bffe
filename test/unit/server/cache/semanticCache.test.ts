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
    await cache.clear({ ids: [id] });
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

test('notTheSame() keeps two questions apart, and never removes the entry that was offered', async () => {
  const { cache, store } = open();
  const { id } = await cache.update('a b', 'm', says('x'), settings);
  await cache.notTheSame(id, asking('b a'));
  expect((await cache.lookup('b a', 'm', settings)).decision).toMatchObject({ status: 'miss', reason: 'tombstone' });
  await cache.notTheSame(id, asking('a b'));
  expect([(await cache.lookup('a b', 'm', settings)).decision.status, await store.rulings()]).toMatchObject(['hit', [{ same: false }]]);
});

describe('sameQuestion()', () => {
  const verified: CacheSettings = { ...settings, matching: 'verified' };
  /** Stores answers of the editor's model under each text, then says that the first two ask the same. */
  const called = async (...texts: [string, string, ...string[]]) => {
    const opened = open();
    const { cache } = opened;
    const { llmString } = promptFromRequest(asking(texts[0]));
    const [, ...stored] = texts;
    const entries = [];
    for (const text of stored) entries.push(await cache.update(text, llmString, says(`answer to ${text}`), settings));
    await cache.sameQuestion(entries[0]!.id, asking(texts[0]));
    return { ...opened, llmString, id: entries[0]!.id };
  };

  test.each(['verified', 'distance'] as const)('from then on it is a hit in mode %s, though nothing else speaks for it', async matching => {
    const { cache, llmString, id } = await called('how do I list files', 'do not delete 17 branches');
    const { decision, generations } = await cache.lookup('how do I list files', llmString, { ...settings, matching });
    expect(decision).toMatchObject({ status: 'hit', match: 'semantic', entryId: id, distance: 0, why: 'You said that these two ask the same.' });
    expect(generations).toEqual(says('answer to do not delete 17 branches'));
  });

  test('it is found among many that are nearer', async () => {
    const nearer = Array.from({ length: 20 }, (_, i) => `list files ${i}`);
    const { cache, llmString, id } = await called('list files', 'branches of yesterday', ...nearer);
    expect((await cache.lookup('list files', llmString, verified)).decision).toMatchObject({ status: 'hit', entryId: id });
  });

  test('it needs no embedder', async () => {
    const { another, llmString, id } = await called('list files', 'branches of yesterday');
    expect((await another(null).lookup('list files', llmString, verified)).decision).toMatchObject({ status: 'hit', entryId: id });
  });

  test('it holds for both: once the stored answer has gone, the other one\'s serves its question', async () => {
    const { cache, llmString, id } = await called('list files', 'branches of yesterday');
    await cache.clear({ ids: [id] });
    await cache.update('list files', llmString, says('fresh'), settings);
    expect((await cache.lookup('branches of yesterday', llmString, verified)).generations).toEqual(says('fresh'));
  });

  test('identical words go first', async () => {
    const { cache, llmString } = await called('list files', 'branches of yesterday', 'list files');
    expect((await cache.lookup('list files', llmString, verified)).decision).toMatchObject({ match: 'exact' });
  });

  test.each([
    { why: 'in mode exact', changes: { matching: 'exact' as const }, model: '' },
    { why: 'for another model', changes: {}, model: 'other' },
  ])('nothing changes $why', async ({ changes, model }) => {
    const { cache, llmString } = await called('list files', 'branches of yesterday');
    expect((await cache.lookup('list files', llmString + model, { ...verified, ...changes })).decision.status).toBe('miss');
  });

  test('nothing changes about another context', async () => {
    const { cache, llmString } = await called('list files', 'branches of yesterday');
    const asked = await cache.lookup('list files\n```\nls\n```', llmString, verified);
    expect(asked.decision.status).toBe('miss');
  });

  test('an answer that cannot be replayed by meaning is not served', async () => {
    const { cache, llmString, id } = await called('list files', 'branches of yesterday');
    const call = { type: 'tool-call' as const, callId: 'c', name: 'ls', input: {} };
    await cache.update('branches of yesterday', llmString, [{ text: '', content: [call] }], settings);
    expect((await cache.lookup('list files', llmString, verified)).decision.status).toBe('miss');
    expect((await cache.lookup('branches of yesterday', llmString, verified)).decision).toMatchObject({ status: 'hit', entryId: id });
  });

  test.each(['what was called the same cannot be read', 'the entry of what was called the same cannot be read'])('%s: the look-up goes on without it', async what => {
    const { cache, store, llmString } = await called('list files', 'branches of yesterday');
    const { id } = await cache.update('files list', llmString, says('by meaning'), settings);
    const failing = what.startsWith('the entry');
    const read = store.get.bind(store);
    const asked: string[] = [];
    if (failing) store.get = async entryId => (asked.push(entryId) === 1 ? read(entryId) : Promise.reject(new Error('no reply in 50 ms')));
    else store.aliasesOf = async () => Promise.reject(new Error('no reply in 50 ms'));
    expect((await cache.lookup('list files', llmString, settings)).decision).toMatchObject({ status: 'hit', match: 'semantic', entryId: id });
    expect(asked).toHaveLength(failing ? 2 : 0);
  });

  test('wrongAnswer() afterwards takes it back, and sameQuestion() again brings it back', async () => {
    const { cache, llmString, id, clock } = await called('list files', 'branches of yesterday');
    const status = async (): Promise<string> => (await cache.lookup('list files', llmString, verified)).decision.status;
    clock.advance(1);
    await cache.wrongAnswer(id, asking('list files'));
    expect(await status()).toBe('miss');
    clock.advance(1);
    await cache.sameQuestion(id, asking('list files'));
    expect(await status()).toBe('hit');
  });

  test('it is refused for an entry that is gone, and for a prompt that only an identical one may answer', async () => {
    const { cache, store, id } = await called('list files', 'branches of yesterday');
    await expect(cache.sameQuestion('0123', asking('list files'))).rejects.toMatchObject({ code: 'entry-not-found' });
    await expect(cache.sameQuestion(id, asking('```\nonly code\n```'))).rejects.toMatchObject({ code: 'bad-request' });
    expect(await store.rulings()).toHaveLength(1);
  });

  test('for the very same words nothing is kept', async () => {
    const { cache, store } = open();
    const { id } = await cache.update('a b', 'm', says('x'), settings);
    await cache.sameQuestion(id, asking('a b'));
    expect(await store.rulings()).toEqual([]);
  });
});
