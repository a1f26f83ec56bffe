import { describe, expect, test } from 'vitest';
import { openLog } from '../../../../server/daemon/log.ts';
import { Parts, type Openers, type SharedSettings } from '../../../../server/daemon/parts.ts';
import type { OpenedEmbedder } from '../../../../server/embedding/embedder.ts';
import type { AnswerPart } from '../../../../server/protocol/answer.ts';
import { SemcacheError } from '../../../../server/protocol/errors.ts';
import { defaultCacheSettings } from '../../../../server/protocol/settings.ts';
import { MemoryStore } from '../../../../server/store/memoryStore.ts';
import type { Store } from '../../../../server/store/store.ts';
import { answering, asking, ScriptedUpstream } from '../../../fakes/scriptedUpstream.ts';

const shared: SharedSettings = { maxEntries: 100, embeddingDeadlineMs: 1000, embeddingEndpoint: '', embeddingModel: '' };

/** One direction for all texts: whatever is asked is the same question. */
function sameForAll(fingerprint: string, closed: string[] = []): OpenedEmbedder {
  return {
    fingerprint,
    dimensions: 2,
    ready: Promise.resolve(),
    setDeadlineMs: () => undefined,
    embed: async texts => texts.map(() => new Float32Array([1, 0])),
    close: async () => void closed.push(fingerprint),
  };
}

function newParts(open: Partial<Openers>): { parts: Parts; lines: string[] } {
  const lines: string[] = [];
  const log = openLog({ now: Date.now, print: line => lines.push(line) });
  const parts = new Parts({
    log,
    now: Date.now,
    shared,
    open: {
      store: async ({ maxEntries }) => new MemoryStore({ now: Date.now, maxEntries }),
      embedder: async () => sameForAll('a'),
      ...open,
    },
  });
  return { parts, lines };
}

async function ask(parts: Parts, text: string, answer = 'fresh'): Promise<AnswerPart[]> {
  const upstream = new ScriptedUpstream(() => answering(answer));
  const all: AnswerPart[] = [];
  const ofAsk = { request: asking(text), upstream, route: 'command' as const, workspace: null, settings: { ...defaultCacheSettings, matching: 'distance' as const } };
  for await (const part of parts.answerPrompt(ofAsk, new AbortController().signal)) all.push(part);
  return all;
}
const decisionOf = ([first]: AnswerPart[]): unknown => (first?.type === 'decision' ? first.decision : null);
const nextTurns = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 10));

describe('a store that cannot be opened', () => {
  const open = { store: async (): Promise<Store> => Promise.reject(new SemcacheError('store-unreachable', 'The disk is gone.')) };

  test('makes every prompt a bypass that is answered, and is told in health', async () => {
    const { parts } = newParts(open);
    const answer = await ask(parts, 'q');
    expect(decisionOf(answer)).toMatchObject({ status: 'bypass', reason: 'store-failed' });
    expect(answer.at(-1)).toMatchObject({ type: 'end', finish: 'stop', entryId: null });
    expect(parts.health()).toMatchObject({ store: 'failed', problems: ['The disk is gone.'] });
    await parts.close();
  });

  test('makes the verbs fail with its reason', async () => {
    const { parts } = newParts(open);
    await expect(parts.clear({})).rejects.toMatchObject({ code: 'store-unreachable', message: 'The disk is gone.' });
    await expect(parts.counters.stats()).rejects.toMatchObject({ code: 'store-unreachable' });
  });
});

test('a store that is still being opened is waited for', async () => {
  let opened = (_store: Store): void => undefined;
  const { parts } = newParts({ store: () => new Promise(resolve => (opened = resolve)) });
  expect(parts.health()).toMatchObject({ store: 'ready', problems: [] });
  const answer = ask(parts, 'q');
  opened(new MemoryStore({ now: Date.now, maxEntries: 10 }));
  expect(decisionOf(await answer)).toMatchObject({ status: 'miss' });
  expect(parts.health().storeText).toContain('in memory');
});

test('what happened to a store that was not fit is told in health and log', async () => {
  const { parts, lines } = newParts({
    store: async ({ maxEntries }, onNotice) => {
      onNotice('The cache file was damaged and has been moved aside.');
      return new MemoryStore({ now: Date.now, maxEntries });
    },
  });
  let told = 0;
  parts.onHealth(() => (told += 1));
  await nextTurns();
  expect(parts.health()).toMatchObject({ store: 'ready', problems: ['The cache file was damaged and has been moved aside.'] });
  expect(lines.join('')).toContain('moved aside');
  expect(told).toBeGreaterThan(0);
});

test('a model that cannot be loaded is told; identical prompts are still hits', async () => {
  const { parts } = newParts({ embedder: async () => Promise.reject(new SemcacheError('model-file-damaged', 'The weights are damaged.')) });
  expect(decisionOf(await ask(parts, 'q'))).toMatchObject({ status: 'bypass', reason: 'embedding-failed' });
  expect(decisionOf(await ask(parts, 'q'))).toMatchObject({ status: 'hit', match: 'exact' });
  expect(parts.health()).toMatchObject({ embedding: 'failed', problems: ['The weights are damaged.'] });
});

test('the embedder is opened by its first use only', async () => {
  let opened = 0;
  const { parts } = newParts({
    embedder: async () => {
      opened += 1;
      return sameForAll('a');
    },
  });
  await parts.clear({});
  await parts.counters.stats();
  expect(opened).toBe(0);
  parts.warm();
  await ask(parts, 'q');
  expect(opened).toBe(1);
  await nextTurns();
  expect(parts.health()).toMatchObject({ embedding: 'ready' });
});

test('another embedding endpoint brings another embedder, whose vectors never meet the earlier ones', async () => {
  const closed: string[] = [];
  const { parts } = newParts({ embedder: async ({ embeddingEndpoint }) => sameForAll(embeddingEndpoint || 'local', closed) });
  await ask(parts, 'one question');
  expect(decisionOf(await ask(parts, 'another question'))).toMatchObject({ status: 'hit', match: 'semantic' });

  expect(parts.localEmbedder).toBe(parts.embedder);
  parts.configure({ ...shared, embeddingEndpoint: 'http://127.0.0.1:9' });
  expect(parts.localEmbedder).toBeNull();
  expect(decisionOf(await ask(parts, 'a third question'))).toMatchObject({ status: 'miss' });
  expect(decisionOf(await ask(parts, 'a fourth question'))).toMatchObject({ status: 'hit', match: 'semantic', instruction: 'a third question' });
  await nextTurns();
  expect(closed).toEqual(['local']);

  parts.configure({ ...shared, embeddingEndpoint: 'http://127.0.0.1:9', embeddingDeadlineMs: 5 });
  await nextTurns();
  expect(closed).toEqual(['local']);
});

test('maxEntries of the last configuration holds', async () => {
  const { parts } = newParts({ embedder: async () => Promise.reject(new Error('none')) });
  for (const text of ['a', 'b', 'c']) await ask(parts, text);
  parts.configure({ ...shared, maxEntries: 1 });
  await nextTurns();
  expect(await parts.store.size()).toMatchObject({ entries: 1 });
});

test('lookup() counts hits and misses like any prompt, and marks the entry as used', async () => {
  const { parts } = newParts({});
  const asked = { prompt: 'p', llmString: 'm' };
  expect((await parts.lookup(asked, defaultCacheSettings)).generations).toBeNull();
  const entry = await parts.update({ ...asked, generations: [{ text: 'a' }, { text: 'b' }] }, defaultCacheSettings);
  const found = await parts.lookup(asked, defaultCacheSettings);
  expect(found).toMatchObject({ decision: { status: 'hit', entryId: entry.id }, generations: [{ text: 'a' }, { text: 'b' }] });
  expect(await parts.counters.stats()).toMatchObject({ hits: 1, exactHits: 1, misses: 1, entries: 1 });
  expect(await parts.store.get(entry.id)).toMatchObject({ hits: 1 });
});
