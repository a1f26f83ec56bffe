import { expect, test } from 'vitest';
import { promptFromRequest } from '../../../../server/cache/promptFromRequest.ts';
import { keysOf } from '../../../../server/cache/scope.ts';
import { SemanticCache } from '../../../../server/cache/semanticCache.ts';
import type { MissReason } from '../../../../server/protocol/decision.ts';
import type { Explanation } from '../../../../server/protocol/explanation.ts';
import type { ModelRequest } from '../../../../server/protocol/prompt.ts';
import { defaultCacheSettings, type CacheSettings } from '../../../../server/protocol/settings.ts';
import { MemoryStore } from '../../../../server/store/memoryStore.ts';
import { FakeClock } from '../../../fakes/fakeClock.ts';
import { WordEmbedder } from '../../../fakes/wordEmbedder.ts';

const settings: CacheSettings = { ...defaultCacheSettings, matching: 'verified' };

function open() {
  const clock = new FakeClock();
  const store = new MemoryStore({ now: clock.now, maxEntries: 100 });
  const cache = new SemanticCache({ store, embedder: new WordEmbedder(), now: clock.now });
  const stored = async (request: ModelRequest): Promise<string> => {
    const prompt = promptFromRequest(request);
    const facts = { model: request.model, route: 'command', workspace: null, usage: null, upstreamMs: 0 } as const;
    clock.advance(1);
    return (await cache.keep({ prompt, keys: keysOf(prompt), vector: null, generations: [{ text: 'x' }], facts, settings })).id;
  };
  const explained = async (request: ModelRequest, changes: Partial<CacheSettings> = {}): Promise<Explanation> => {
    const prompt = promptFromRequest(request);
    const { decision, keys, verdict } = await cache.find(prompt, { ...settings, ...changes });
    return cache.explainer(prompt, keys, { decision, settings: { ...settings, ...changes } }, verdict)();
  };
  return { cache, store, stored, explained };
}

interface About {
  code?: string;
  path?: string;
  model?: string;
  parameters?: Record<string, unknown>;
}

function asking(text: string, { code, path = 'a.ts', model = 'm', parameters = {} }: About = {}): ModelRequest {
  const selection = code === undefined ? [] : [{ type: 'text' as const, kind: 'selection' as const, name: path, text: code }];
  return { model, parameters, messages: [{ role: 'user', parts: [...selection, { type: 'text', text }] }], tools: [] };
}

test('a miss tells each candidate, nearest first, with every guard that refuses it', async () => {
  const { stored, explained } = open();
  const far = await stored(asking('delete a branch of the remote'));
  const near = await stored(asking('turn on the dark mode'));
  const explanation = await explained(asking('turn off the dark mode'));
  expect(explanation).toMatchObject({
    instruction: 'turn off the dark mode',
    context: [],
    llmString: '{"model":"m","parameters":{}}',
    decision: { status: 'miss', reason: 'refused' satisfies MissReason },
    matching: 'verified',
    maxWrongHitRate: settings.maxWrongHitRate,
    elsewhere: [],
  });
  expect(explanation.candidates.map(({ entryId }) => entryId)).toEqual([near, far]);
  expect(explanation.candidates[0]).toMatchObject({
    outcome: 'refused',
    why: explanation.decision.why,
    guards: [{ guard: 'opposite', reason: expect.stringContaining('"off"') }],
  });
});

test('what crosses the wire is whole JSON without the features', async () => {
  const { stored, explained } = open();
  await stored(asking('sort a list of dicts by a key'));
  const explanation = await explained(asking('how can I sort the dicts of a list'), { maxWrongHitRate: 0 });
  expect(explanation.candidates).toHaveLength(1);
  expect(explanation.candidates[0]).not.toHaveProperty('features');
  expect(JSON.parse(JSON.stringify(explanation))).toEqual(explanation);
});

test.each([
  { what: 'an identical prompt', asked: 'sort a list', match: 'exact' },
  { what: 'what the person called the same', asked: 'the thing with lists', match: 'semantic' },
])('a hit by $what is explained by that entry alone', async ({ asked, match }) => {
  const { cache, stored, explained } = open();
  const entryId = await stored(asking('sort a list'));
  await cache.sameQuestion(entryId, asking('the thing with lists'));
  const { decision, candidates } = await explained(asking(asked));
  expect(decision).toMatchObject({ status: 'hit', match });
  expect(candidates).toEqual([{ entryId, instruction: 'sort a list', distance: 0, outcome: 'accepted', why: decision.why }]);
});

test('the same question elsewhere is told with what differs, least first, and a miss says so', async () => {
  const { stored, explained } = open();
  const both = await stored(asking('explain this', { code: 'one', model: 'other' }));
  const changed = await stored(asking('explain this', { code: 'one' }));
  const another = await stored(asking('explain this', { code: 'two', path: 'b.ts' }));
  const { decision, elsewhere, context } = await explained(asking('explain this', { code: 'two' }));
  expect(decision).toMatchObject({ status: 'miss', reason: 'no-entry', why: 'The same question was asked before; what differs: the selected code is another (a.ts).' });
  expect(context).toEqual([{ kind: 'selection', name: 'a.ts' }]);
  expect(elsewhere.map(({ entryId, differs }) => [entryId, differs])).toEqual([
    [another, ['the selected code is another (a.ts instead of b.ts)']],
    [changed, ['the selected code (a.ts) changed']],
    [both, ['another model (other)', 'the selected code (a.ts) changed']],
  ]);
});

test('mode exact says it, too', async () => {
  const { stored, explained } = open();
  await stored(asking('explain this', { code: 'one' }));
  expect((await explained(asking('explain this', { code: 'two' }), { matching: 'exact' })).decision.why).toContain('the selected code (a.ts) changed');
});

test('clients that are kept apart never hear of each other', async () => {
  const { stored, explained } = open();
  await stored(asking('explain this', { parameters: { 'semcache credential': 'a' } }));
  const { decision, elsewhere } = await explained(asking('explain this', { parameters: { 'semcache credential': 'b' } }));
  expect([decision.why, elsewhere]).toEqual(['Nothing like it was asked about the same context before.', []]);
});

test('at most five are told, and no question of other words', async () => {
  const { stored, explained } = open();
  for (let i = 0; i < 9; i++) await stored(asking('explain this', { code: `${i}` }));
  await stored(asking('explain that', { code: 'x' }));
  const { elsewhere } = await explained(asking('explain this', { code: 'x' }));
  expect(elsewhere).toHaveLength(5);
  expect(new Set(elsewhere.map(({ instruction }) => instruction))).toEqual(new Set(['explain this']));
});

test('explaining changes nothing', async () => {
  const { store, stored, explained } = open();
  const id = await stored(asking('sort a list'));
  const before = [await store.get(id), await store.counts()];
  await explained(asking('sort a list'));
  await explained(asking('list a sort'));
  expect([await store.get(id), await store.counts()]).toEqual(before);
});
