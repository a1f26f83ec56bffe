import { describe, expect, test } from 'vitest';
import { createAnswerPrompt } from '../../../../server/cache/answerPrompt.ts';
import { Counters } from '../../../../server/cache/counters.ts';
import { SemanticCache } from '../../../../server/cache/semanticCache.ts';
import { textOf, type AnswerPart, type Ask } from '../../../../server/protocol/answer.ts';
import { SemcacheError } from '../../../../server/protocol/errors.ts';
import { defaultCacheSettings, type CacheSettings } from '../../../../server/protocol/settings.ts';
import type { Stats } from '../../../../server/protocol/stats.ts';
import { MemoryStore } from '../../../../server/store/memoryStore.ts';
import { FakeClock } from '../../../fakes/fakeClock.ts';
import { answering, asking, ScriptedUpstream, type Step } from '../../../fakes/scriptedUpstream.ts';
import { WordEmbedder } from '../../../fakes/wordEmbedder.ts';

const never = new AbortController().signal;
const question = 'how do I reverse a list in python';
/** Equal words in another order: distance 0 for the word embedder, another instruction for the exact tier. */
const reworded = 'in python how do I reverse a list?';

/** The way of one prompt with everything but the upstream real, and time under our control. */
function start(script: (text: string) => Step[] = text => answering(`answer to ${text}`)): {
  ask(text: string, more?: Partial<Ask>, signal?: AbortSignal): Promise<{ decision: Extract<AnswerPart, { type: 'decision' }>['decision']; text: string; end: Extract<AnswerPart, { type: 'end' }> }>;
  stream(text: string, more?: Partial<Ask>, signal?: AbortSignal): AsyncIterable<AnswerPart>;
  upstream: ScriptedUpstream;
  embedder: WordEmbedder;
  store: MemoryStore;
  clock: FakeClock;
  stats(): Promise<Stats>;
  failures: unknown[];
} {
  const clock = new FakeClock();
  const store = new MemoryStore({ now: clock.now, maxEntries: 100 });
  const embedder = new WordEmbedder();
  const cache = new SemanticCache({ store, embedder, now: clock.now });
  const failures: unknown[] = [];
  const onFailure = (error: unknown): void => void failures.push(error);
  const counters = new Counters({ store, onFailure });
  const answerPrompt = createAnswerPrompt({ cache, counters, now: clock.now, onFailure });
  const upstream = new ScriptedUpstream(request => {
    const [part] = request.messages.at(-1)!.parts;
    return script(part?.type === 'text' ? part.text : '');
  });
  const settings: CacheSettings = { ...defaultCacheSettings, matching: 'distance' };
  const stream = (text: string, more: Partial<Ask> = {}, signal = never): AsyncIterable<AnswerPart> =>
    answerPrompt({ request: asking(text), upstream, route: 'command', workspace: null, settings, ...more }, signal);
  return {
    upstream, embedder, store, clock, failures, stream,
    stats: () => counters.stats(),
    async ask(text, more, signal) {
      const parts: AnswerPart[] = [];
      for await (const part of stream(text, more, signal)) parts.push(part);
      const [first] = parts;
      const last = parts.at(-1);
      if (first?.type !== 'decision' || last?.type !== 'end') throw new Error('an answer begins with its decision and ends with its end');
      return { decision: first.decision, text: textOf(parts.filter(part => part.type === 'text')), end: last };
    },
  };
}

describe('answerPrompt()', () => {
  test('asks upstream the first time and serves the same question from the cache', async () => {
    const { ask, upstream, clock, embedder } = start();
    const first = await ask(question);
    expect(first.decision).toMatchObject({ status: 'miss', reason: 'no-entry' });
    clock.advance(60_000);
    const embeddedBefore = embedder.embedded.length;
    const second = await ask(question);
    expect(second.decision).toMatchObject({ status: 'hit', match: 'exact', distance: 0, ageMs: 60_000, entryId: first.end.entryId });
    expect(second.text).toBe(first.text);
    expect(upstream.asked).toHaveLength(1);
    expect(embedder.embedded).toHaveLength(embeddedBefore);
  });

  test('serves a question with the same meaning, and says which question it matched', async () => {
    const { ask, upstream } = start();
    await ask(question);
    const { decision } = await ask(reworded);
    expect(decision).toMatchObject({ status: 'hit', match: 'semantic', instruction: question });
    expect(upstream.asked).toHaveLength(1);
  });

  test('embeds an instruction once for looking it up and storing it', async () => {
    const { ask, embedder } = start();
    await ask(question);
    expect(embedder.embedded).toEqual([question]);
  });

  test.each([
    { why: 'another model', request: asking(question, { model: 'other' }) },
    { why: 'another parameter', request: asking(question, { parameters: { temperature: 1 } }) },
    { why: 'other code in the message', request: asking(`${question}\n\`\`\`\nx\n\`\`\``) },
  ])('never serves an entry for $why', async ({ request }) => {
    const { ask, upstream } = start();
    await ask(question);
    expect((await ask(question, { request })).decision.status).toBe('miss');
    expect(upstream.asked).toHaveLength(2);
  });

  test('serves nothing when its time to live is over', async () => {
    const { ask, clock } = start();
    const settings = { ...defaultCacheSettings, ttl: 1 };
    await ask(question, { settings });
    clock.advance(24 * 60 * 60 * 1000 - 1);
    expect((await ask(question)).decision.status).toBe('hit');
    clock.advance(1);
    expect((await ask(question)).decision.status).toBe('miss');
  });

  test('refresh asks upstream again and replaces the answer, counted apart from misses', async () => {
    let version = 0;
    const { ask, stats, store } = start(() => answering(`version ${(version += 1)}`));
    await ask(question);
    expect((await ask(question, { refresh: true })).text).toBe('version 2');
    expect((await ask(question)).text).toBe('version 2');
    expect(await store.size()).toMatchObject({ entries: 1 });
    expect(await stats()).toMatchObject({ hits: 1, misses: 1, refreshes: 1 });
  });

  test.each<{ why: string; script: Step[]; words: string }>([
    { why: 'an empty answer', script: answering('  '), words: 'empty' },
    { why: 'an answer cut at the token limit', script: [{ type: 'text', text: 'half' }, { type: 'end', finish: 'length' }], words: 'limit' },
    { why: 'a filtered answer', script: [{ type: 'text', text: 'x' }, { type: 'end', finish: 'content-filter' }], words: 'filtered' },
    { why: 'an answer without a proper end', script: [{ type: 'text', text: 'x' }, { type: 'end', finish: 'unknown' }], words: 'properly' },
  ])('never stores $why, and says so', async ({ script, words }) => {
    const { ask, store } = start(() => script);
    const { end } = await ask(question);
    expect(end.entryId).toBeNull();
    expect(end.notStored).toContain(words);
    expect(await store.size()).toMatchObject({ entries: 0 });
  });

  test('passes an upstream error on unchanged and stores nothing', async () => {
    const error = new Error('429 from the provider');
    const { ask, store } = start(() => [{ type: 'text', text: 'half' }, error]);
    await expect(ask(question)).rejects.toBe(error);
    expect(await store.size()).toMatchObject({ entries: 0 });
  });

  test('an upstream that stops before its end is an error, and nothing is stored', async () => {
    const { ask, store } = start(() => [{ type: 'text', text: 'half' }]);
    await expect(ask(question)).rejects.toMatchObject({ code: 'upstream-failed' });
    expect(await store.size()).toMatchObject({ entries: 0 });
  });

  test('a cancelled caller cancels the upstream, and nothing is stored', async () => {
    const { ask, upstream, store } = start(() => [{ type: 'text', text: 'half' }, new Promise(() => undefined)]);
    const abort = new AbortController();
    const asked = ask(question, {}, abort.signal);
    await expect.poll(() => upstream.asked.length).toBe(1);
    abort.abort();
    await expect(asked).rejects.toMatchObject({ code: 'cancelled' });
    await expect.poll(() => upstream.cancelled).toBe(1);
    expect(await store.size()).toMatchObject({ entries: 0 });
  });

  test('fifty equal prompts in flight cost one upstream call, and one leaving does not stop the others', async () => {
    const gate = Promise.withResolvers<void>();
    const { ask, upstream } = start(text => [{ type: 'text', text: 'a' }, gate.promise, ...answering(text)]);
    const leaver = new AbortController();
    const leaving = ask(question, {}, leaver.signal);
    const others = Array.from({ length: 49 }, () => ask(question));
    await expect.poll(() => upstream.asked.length).toBe(1);
    leaver.abort();
    await expect(leaving).rejects.toMatchObject({ code: 'cancelled' });
    gate.resolve();
    const answers = await Promise.all(others);
    expect(new Set(answers.map(answer => answer.text))).toEqual(new Set([`a${question}`]));
    expect(upstream.asked).toHaveLength(1);
    expect(upstream.cancelled).toBe(0);
  });

  test('one who joined a call that failed before it said anything asks for themselves', async () => {
    const gate = Promise.withResolvers<void>();
    let calls = 0;
    const { ask } = start(() => ((calls += 1) === 1 ? [gate.promise, new Error('the first window is gone')] : answering('mine')));
    const leader = ask(question);
    await expect.poll(() => calls).toBe(1);
    const follower = ask(question);
    await new Promise(resolve => setTimeout(resolve, 5));
    gate.resolve();
    await expect(leader).rejects.toThrow('the first window is gone');
    expect((await follower).text).toBe('mine');
  });

  test('tool calls are replayed for an identical prompt only', async () => {
    const call = { type: 'tool-call', callId: 'c1', name: 'ls', input: { path: '.' } } as const;
    const { stream, ask } = start(() => [call, { type: 'end', finish: 'tool-calls' }]);
    await ask(question);
    expect((await ask(reworded)).decision.status).toBe('miss');
    const parts: AnswerPart[] = [];
    for await (const part of stream(question)) parts.push(part);
    expect(parts).toContainEqual(call);
    expect(parts[0]).toMatchObject({ decision: { status: 'hit', match: 'exact' } });
    expect(parts.at(-1)).toMatchObject({ finish: 'tool-calls' });
  });

  test('switched off, it asks upstream every time and stores nothing', async () => {
    const { ask, upstream, store } = start();
    const settings = { ...defaultCacheSettings, enabled: false };
    for (let time = 0; time < 2; time += 1) {
      expect((await ask(question, { settings })).decision).toMatchObject({ status: 'bypass', reason: 'cache-off' });
    }
    expect(upstream.asked).toHaveLength(2);
    expect(await store.size()).toMatchObject({ entries: 0 });
  });

  test.each([
    { code: 'embedding-timeout', reason: 'embedding-timeout' },
    { code: 'embedding-failed', reason: 'embedding-failed' },
  ] as const)('$code: the prompt is answered as a bypass, and an identical one is found later', async ({ code, reason }) => {
    const { ask, embedder, stats } = start();
    embedder.failure = new SemcacheError(code, 'not now');
    const first = await ask(question);
    expect(first).toMatchObject({ decision: { status: 'bypass', reason }, text: `answer to ${question}` });
    expect((await ask(question)).decision).toMatchObject({ status: 'hit', match: 'exact' });
    expect(await stats()).toMatchObject({ bypasses: 1, misses: 0, hits: 1 });
  });

  test.each(['get', 'nearest', 'put', 'recordHit', 'addCounts'] as const)('a store whose %s() fails never makes a prompt fail', async method => {
    const { ask, store } = start();
    await ask('something else');
    (store as unknown as Record<string, unknown>)[method] = () => Promise.reject(new Error('disk full'));
    expect((await ask(question)).text).toBe(`answer to ${question}`);
    expect((await ask(question)).text).toBe(`answer to ${question}`);
  });

  test('a store that cannot write says so in the end and in the log, not to the person asking', async () => {
    const { ask, store, failures } = start();
    store.put = () => Promise.reject(new Error('disk full'));
    expect((await ask(question)).end).toMatchObject({ entryId: null, notStored: 'the store failed' });
    expect(failures).toHaveLength(1);
  });

  test('counts hits, misses and what hits saved, by model', async () => {
    const { ask, stats, clock } = start(() => [
      { type: 'text', text: 'a' },
      { type: 'end', finish: 'stop', usage: { promptTokens: 10, completionTokens: 20 }, model: 'gpt-4o-2026' },
    ]);
    await ask(question);
    clock.advance(5);
    await ask(question);
    await ask(reworded);
    expect(await stats()).toMatchObject({
      hits: 2,
      exactHits: 1,
      misses: 1,
      saved: [{ model: 'gpt-4o-2026', promptTokens: 20, completionTokens: 40 }],
      entries: 1,
    });
  });
});
