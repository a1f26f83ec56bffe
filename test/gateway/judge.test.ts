// A near hit that a small model decides, from the question to the answer: by the gateway, and by a window's own ask.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answerInEditorRequest, answerParts, completeRequest, configureRequest, editorParts, explainRequest, type AnswerInEditorParams, type JudgeChoice } from '../../server/protocol/messages.ts';
import type { AnswerPart, Upstream } from '../../server/protocol/answer.ts';
import type { Explanation } from '../../server/protocol/explanation.ts';
import { defaultCacheSettings } from '../../server/protocol/settings.ts';
import { createHttpUpstream } from '../../server/upstream/httpUpstream.ts';
import { attach, completeParams, daemonForGroup, saying } from '../daemon/daemonProcess.ts';
import { generalPairs, nearPairs, type NearPair } from '../editor/nearPairs.ts';
import { ScriptedProvider, type Script } from '../fakes/scriptedProvider.ts';
import { jsonOf, openGatewayForTest, type TestGateway } from './openGatewayForTest.ts';

const careful = { ...defaultCacheSettings, maxWrongHitRate: 0.005, embeddingDeadlineMs: 60_000 };
let small: ScriptedProvider;
let pair: NearPair;
beforeAll(async () => {
  [pair] = (await nearPairs(1, generalPairs, careful)) as [NearPair];
  small = await ScriptedProvider.open();
});
afterAll(() => small.close());
beforeEach(() => {
  small.seen.length = 0;
  small.script = () => ({ text: 'yes' });
});

describe('through the gateway', () => {
  let at: TestGateway;
  let judge: Upstream | null;
  beforeAll(async () => {
    at = await openGatewayForTest({ settings: careful, options: { judge: () => judge } });
  });
  afterAll(() => at.close());
  beforeEach(async () => {
    await at.parts.clear({});
    at.provider.seen.length = 0;
    judge = createHttpUpstream({ name: 'small', kind: 'openai', baseUrl: small.url, models: [] }, 'gpt-4o-mini');
    await ask(pair.asked);
    at.provider.seen.length = 0;
  });

  const ask = async (text: string, headers: Record<string, string> = {}): Promise<{ status: string | null; reason: string; text: string; code: number; near: string | null }> => {
    const response = await at.post('/v1/chat/completions', { model: 'm-large', messages: [{ role: 'user', content: text }] }, headers);
    const said = await jsonOf(response);
    return {
      status: response.headers.get('x-semcache-status'), reason: response.headers.get('x-semcache-reason') ?? '', code: response.status, near: response.headers.get('x-semcache-near'),
      text: said.choices?.[0].message.content ?? said.error.message,
    };
  };

  test('yes is a hit that names the judge; the big model is not asked', async () => {
    const { yes = 0 } = (await at.parts.counters.stats()).judge ?? {};
    expect(await ask(pair.reworded)).toMatchObject({ status: 'hit', reason: expect.stringMatching(/gpt-4o-mini \(small\).*said yes \(\d+ ms\)/) });
    expect({ small: small.asked, big: at.provider.asked }).toEqual({ small: 1, big: 0 });
    expect((await at.parts.counters.stats()).judge).toMatchObject({ yes: yes + 1, tokens: [{ model: 'gpt-4o-mini (small)' }] });
  });

  test.each<{ why: string; script: Script; reason: RegExp }>([
    { why: 'no', script: { text: 'no' }, reason: /said no \(\d+ ms\)/ },
    { why: 'anything else', script: { text: 'I think so' }, reason: /gave no verdict: it said something other/ },
    { why: 'an error', script: { status: 500, raw: '{}' }, reason: /gave no verdict: small refused/ },
    { why: 'more than a second', script: { before: new Promise(() => undefined) }, reason: /gave no verdict: it took longer than 1000 ms/ },
  ])('$why is a miss that says so, and the big model answers', async ({ why, script, reason }) => {
    small.script = () => script;
    const offers = why === 'no' ? null : expect.stringMatching(/^\w+$/);
    const answer = await ask(pair.reworded);
    expect(answer.near).toEqual(offers);
    expect(answer).toMatchObject({ status: 'miss', code: 200, reason: expect.stringMatching(reason) });
    expect(answer.text).toContain(pair.reworded);
    expect({ small: small.asked, big: at.provider.asked }).toEqual({ small: 1, big: 1 });
    expect((await ask(pair.reworded)).status).toBe('hit');
    expect(small.asked).toBe(1);
  });

  test('nobody is judged where the words decide, nothing is near, or nothing but equality may', async () => {
    await ask(pair.asked);
    await ask('How many moons does Jupiter have?');
    await ask(pair.reworded, { 'x-semcache-max-wrong-hit-rate': '0', 'x-semcache-control': 'no-store' });
    await ask(pair.reworded, { 'x-semcache-control': 'only-if-cached' });
    await ask(pair.reworded, { 'x-semcache-control': 'refresh, no-store' });
    judge = null;
    await ask(pair.reworded, { 'x-semcache-control': 'no-store' });
    expect(small.asked).toBe(0);
  });

  test('equal questions at once are judged once', async () => {
    small.script = () => ({ before: sleep(500), text: 'yes' });
    const answers = await Promise.all([1, 2, 3, 4].map(() => ask(pair.reworded)));
    expect(answers.map(({ status }) => status)).toEqual(['hit', 'hit', 'hit', 'hit']);
    expect(small.asked).toBe(1);
  });

  test('a person\'s word comes before the judge\'s', async () => {
    const { headers } = await at.post('/v1/chat/completions', { model: 'm-large', messages: [{ role: 'user', content: pair.reworded }] });
    await at.post('/semcache/feedback', { entry: headers.get('x-semcache-entry'), verdict: 'wrong' });
    expect((await ask(pair.reworded)).status).toBe('miss');
    expect(small.asked).toBe(1);
  });

  test('/metrics tells how often, and how long', async () => {
    await ask(pair.reworded);
    const text = await (await fetch(`${at.gateway.url}/metrics`, { headers: { authorization: `Bearer ${at.gateway.token}` } })).text();
    expect(text).toMatch(/semcache_cache\{what="judge\.yes"\} \d+/);
    expect(text).toMatch(/semcache_cache\{what="judge\.tokens"\} \d+/);
  });
});

describe('by a window', () => {
  const daemon = daemonForGroup();

  /** Asks both wordings in a session whose person chose this judge. */
  async function askBoth(judge: JudgeChoice | undefined, model: string): Promise<{ decisions: Array<Record<string, unknown>>; calls: AnswerInEditorParams[]; explanation: Explanation | null }> {
    const client = await attach(daemon().record);
    const calls: AnswerInEditorParams[] = [];
    client.connection.onRequest(answerInEditorRequest, async call => {
      calls.push(call);
      const text = call.request === undefined ? 'An answer.' : 'yes';
      for await (const part of saying(text)) await client.connection.sendNotification(editorParts, { callId: call.callId, parts: [part] });
    });
    const arrived: AnswerPart[] = [];
    client.connection.onNotification(answerParts, ({ parts }) => void arrived.push(...parts));
    const upstreams = [{ name: 'small', kind: 'openai' as const, baseUrl: small.url, models: [] }];
    await client.connection.sendRequest(configureRequest, { settings: careful, upstreams, ...(judge === undefined ? {} : { judge }) });
    for (const [at, question] of [pair.asked, pair.reworded].entries()) {
      await client.connection.sendRequest(completeRequest, completeParams(question, {
        askId: `${model} ${at}`, request: { model, parameters: {}, messages: [{ role: 'user', parts: [{ type: 'text', text: question }] }], tools: [] },
      }));
    }
    const explanation = await client.connection.sendRequest(explainRequest, { askId: `${model} 1` });
    return { decisions: arrived.flatMap(part => (part.type === 'decision' ? [{ ...part.decision }] : [])), calls, explanation };
  }

  test('an endpoint of the settings judges', async () => {
    const { decisions, explanation } = await askBoth({ kind: 'http', name: 'small', model: 'tiny' }, 'one');
    expect(explanation!.candidates[0]).toMatchObject({ outcome: 'accepted', why: expect.stringContaining('tiny (small) was asked') });
    expect(decisions).toMatchObject([{ status: 'miss' }, { status: 'hit', match: 'semantic', judgement: { judge: 'tiny (small)', verdict: 'yes' } }]);
    expect(small.asked).toBe(1);
  });

  test('a model of its editor judges, by a request of its own', async () => {
    const { decisions, calls } = await askBoth({ kind: 'editor', model: 'copilot/small' }, 'two');
    expect(decisions).toMatchObject([{ status: 'miss' }, { status: 'hit', judgement: { judge: 'copilot/small', verdict: 'yes' } }]);
    expect(calls.map(({ model, request }) => [model, request?.messages.length])).toEqual([['window-model', undefined], ['copilot/small', 2]]);
  });

  test.each<{ why: string; judge: JudgeChoice | undefined }>([
    { why: 'nobody is chosen', judge: undefined },
    { why: 'the endpoint is not there', judge: { kind: 'http', name: 'gone', model: 'tiny' } },
  ])('nobody judges where $why', async ({ why, judge }) => {
    const { decisions } = await askBoth(judge, why);
    expect(decisions).toMatchObject([{ status: 'miss' }, { status: 'miss', near: { instruction: pair.asked } }]);
    expect(small.asked).toBe(0);
  });
});
