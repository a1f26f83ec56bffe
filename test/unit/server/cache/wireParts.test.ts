// What the gateway asks of the cache beside an answer: the provider's own bytes, and its say in what is served and stored.

import { describe, expect, test } from 'vitest';
import { createAnswerPrompt } from '../../../../server/cache/answerPrompt.ts';
import { Counters } from '../../../../server/cache/counters.ts';
import { SemanticCache } from '../../../../server/cache/semanticCache.ts';
import type { AnswerPart, Ask, UpstreamPart, WirePart, WireUpstream } from '../../../../server/protocol/answer.ts';
import { defaultCacheSettings } from '../../../../server/protocol/settings.ts';
import { MemoryStore } from '../../../../server/store/memoryStore.ts';
import { FakeClock } from '../../../fakes/fakeClock.ts';
import { asking } from '../../../fakes/scriptedUpstream.ts';
import { WordEmbedder } from '../../../fakes/wordEmbedder.ts';

type Part = AnswerPart | WirePart;

const never = new AbortController().signal;
const question = 'what is a monad';
const bytes = new Uint8Array([1, 2, 3]);
const wireAnswer: Array<UpstreamPart | WirePart> = [
  { type: 'wire', step: 'head', status: 200, headers: [['content-type', 'text/event-stream']] },
  { type: 'wire', step: 'body', bytes, terminal: true },
  { type: 'wire', step: 'done' },
  { type: 'text', text: 'a burrito' },
  { type: 'end', finish: 'stop', message: { api: 'test', body: { whole: true } } },
];

function start(answer = wireAnswer) {
  const clock = new FakeClock();
  const store = new MemoryStore({ now: clock.now, maxEntries: 100 });
  const cache = new SemanticCache({ store, embedder: new WordEmbedder(), now: clock.now });
  const counters = new Counters({ store, onFailure: () => undefined });
  const answerPrompt = createAnswerPrompt({ cache, counters, now: clock.now, onFailure: () => undefined });
  let asked = 0;
  const gate = { wait: Promise.resolve() };
  const upstream: WireUpstream = {
    name: 'wire model',
    async *answer() {
      asked += 1;
      await gate.wait;
      yield* answer;
    },
  };
  const stream = (more: Partial<Ask> = {}, text = question): AsyncIterable<Part> =>
    answerPrompt(
      { request: asking(text), upstream, route: 'gateway', workspace: null, settings: { ...defaultCacheSettings, matching: 'distance' }, wire: 'w', ...more },
      never,
    );
  const ask = async (more: Partial<Ask> = {}, text = question): Promise<Part[]> => {
    const parts: Part[] = [];
    for await (const part of stream(more, text)) parts.push(part);
    return parts;
  };
  return { ask, stream, store, clock, gate, asked: () => asked, stats: () => counters.stats() };
}

function statusOf(parts: Part[]): string {
  const [first] = parts;
  return first?.type === 'decision' ? `${first.decision.status} ${'reason' in first.decision ? first.decision.reason : first.decision.match}` : 'none';
}

describe('wire parts', () => {
  test('reach the reader of a fresh answer, and are not stored', async () => {
    const { ask, store } = start();
    const parts = await ask();
    expect(parts.filter(part => part.type === 'wire')).toEqual(wireAnswer.slice(0, 3));
    const end = parts.at(-1);
    const entry = await store.get(end?.type === 'end' ? end.entryId! : '');
    expect(entry?.generations).toEqual([
      expect.objectContaining({ text: 'a burrito', message: { api: 'test', body: { whole: true } } }),
    ]);
  });

  test('are absent from a hit, whose end carries the recorded message', async () => {
    const { ask, asked } = start();
    await ask();
    const parts = await ask();
    expect(statusOf(parts)).toBe('hit exact');
    expect(parts.some(part => part.type === 'wire')).toBe(false);
    expect(parts.at(-1)).toMatchObject({ type: 'end', message: { api: 'test', body: { whole: true } } });
    expect(asked()).toBe(1);
  });

  test('are shared by readers of one form, never between forms', async () => {
    const { ask, gate, asked } = start();
    let open = (): void => undefined;
    gate.wait = new Promise(resolve => (open = resolve));
    const answers = [ask(), ask(), ask({ wire: 'other' })];
    await new Promise(resolve => setTimeout(resolve, 20));
    open();
    const all = await Promise.all(answers);
    expect(asked()).toBe(2);
    for (const parts of all) expect(parts.filter(part => part.type === 'wire')).toHaveLength(3);
  });

  test('with the terminal event make the next equal prompt wait for the entry instead of reading along', async () => {
    const { ask, stream, asked } = start();
    const first = stream()[Symbol.asyncIterator]();
    for (let at = 0; at < 3; at += 1) await first.next();
    const second = ask();
    for (let next = await first.next(); next.done !== true; next = await first.next());
    expect(statusOf(await second)).toBe('hit exact');
    expect(asked()).toBe(1);
  });
});

describe('a reader that decides', () => {
  test('accepts() turns an exact and a near hit into a miss', async () => {
    const { ask, asked } = start();
    await ask();
    expect(statusOf(await ask({ accepts: () => false }))).toBe('miss unfit');
    expect(statusOf(await ask({ accepts: () => false }, 'a monad is what'))).toBe('miss unfit');
    expect(asked()).toBe(3);
  });

  test('noStore keeps nothing and says so', async () => {
    const { ask, store } = start();
    const end = (await ask({ noStore: true })).at(-1);
    expect(end).toMatchObject({ entryId: null, notStored: 'the request asked for that' });
    expect((await store.size()).entries).toBe(0);
  });

  test('bypass neither looks up nor stores, gives its reason, and is counted', async () => {
    const { ask, asked, stats } = start();
    await ask();
    const parts = await ask({ bypass: 'it asks for several answers' });
    expect(parts[0]).toMatchObject({ decision: { status: 'bypass', reason: 'uncacheable', why: 'it asks for several answers' } });
    expect(parts.at(-1)).toMatchObject({ entryId: null, notStored: 'it asks for several answers' });
    expect(asked()).toBe(2);
    expect(await stats()).toMatchObject({ bypasses: 1, misses: 1, entries: 1 });
  });
});
