// What a session may and may not do, as raw clients see it: two at once, one killed, one that sends rubbish.

import { spawn } from 'node:child_process';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { CancellationTokenSource, ErrorCodes, LogMessageNotification } from 'vscode-languageserver-protocol/node';
import {
  answerParts,
  clearRequest,
  completeRequest,
  configureRequest,
  editRequest,
  explainRequest,
  editorParts,
  entryRequest,
  healthChanged,
  listRequest,
  lookupRequest,
  PROTOCOL_VERSION,
  statsChanged,
  statsRequest,
  updateRequest,
  sameQuestionRequest,
  wrongAnswerRequest,
  type Health,
} from '../../server/protocol/messages.ts';
import { defaultCacheSettings } from '../../server/protocol/settings.ts';
import type { Stats } from '../../server/protocol/stats.ts';
import {
  attach, completeParams, connectOnly, daemonForGroup, initialize, isRunning, logOf, newDataFolder, saying, serve, summary, until,
} from './daemonProcess.ts';

describe('the handshake', () => {
  const shared = daemonForGroup();

  test.each([
    { why: 'a wrong token', options: { token: 'f'.repeat(64) } },
    { why: 'a token of another length', options: { token: '' } },
    { why: 'no token', options: { token: undefined } },
    { why: 'a token that is not a text', options: { token: { $ne: null } } },
  ])('$why is refused, and so is everything after it', async ({ options }) => {
    const daemon = shared();
    const { connection } = await connectOnly(daemon.record.socket);
    const build = daemon.record.build;
    await expect(initialize(connection, { protocol: PROTOCOL_VERSION, build, ...options })).rejects.toMatchObject({
      data: { code: expect.stringMatching(/^(not-authenticated|bad-request)$/) },
    });
    await expect(connection.sendRequest(statsRequest)).rejects.toMatchObject({ data: { code: 'not-authenticated' } });
    await expect(connection.sendRequest('no/such/request', {})).rejects.toMatchObject({ data: { code: 'not-authenticated' } });
    await expect(connection.sendRequest(clearRequest, {})).rejects.toMatchObject({ data: { code: 'not-authenticated' } });
  });

  test('a session that was refused is told nothing of what goes on', async () => {
    const daemon = shared();
    const { connection } = await connectOnly(daemon.record.socket);
    const heard: string[] = [];
    connection.onNotification(method => void heard.push(method));
    await initialize(connection, { token: 'wrong', protocol: PROTOCOL_VERSION, build: daemon.record.build }).catch(() => undefined);
    const window = await attach(daemon.record);
    await window.ask('a question', () => saying('an answer'));
    await pause(500);
    expect(heard).toEqual([]);
  });
});

describe('two windows on one daemon', () => {
  test('one window\'s process is killed in the middle of its ask; the other goes on, and its asks too', async () => {
    const folder = newDataFolder();
    const daemon = await serve(folder);
    const survivor = await attach(daemon.record);
    const victim = spawn(process.execPath, ['--input-type=module', '-e', victimSource(daemon.record)], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void victim.kill('SIGKILL'));
    let said = '';
    victim.stdout.on('data', chunk => (said += String(chunk)));
    await until(() => said.includes('asked'), 'the window to be killed was asked for an answer');

    let finish = (): void => undefined;
    const mayFinish = new Promise<void>(resolve => (finish = resolve));
    const answer = survivor.ask('a slow question', async function* () {
      await mayFinish;
      yield* saying('still here');
    });
    victim.kill('SIGKILL');
    await until(() => logOf(folder).includes('A window has gone; 1 left'), 'the daemon noticed');
    await pause(3500);
    finish();
    expect(summary(await answer)).toMatchObject({ status: 'miss', text: 'still here' });
    expect(isRunning(daemon.pid)).toBe(true);
  });

  test('`exit` and `shutdown` of one window end its session, not the daemon', async () => {
    const daemon = await serve(newDataFolder());
    const [one, other] = [await attach(daemon.record), await attach(daemon.record)];
    await one.connection.sendRequest('shutdown');
    await one.connection.sendNotification('exit');
    await one.closed;
    const abrupt = await attach(daemon.record);
    await abrupt.connection.sendNotification('exit');
    await abrupt.closed;
    expect(summary(await other.ask('still there?', () => saying('yes')))).toMatchObject({ text: 'yes' });
  });

  test('what one window asked is a hit for the other, and both are told the new counts', async () => {
    const daemon = await serve(newDataFolder());
    const [one, other] = [await attach(daemon.record), await attach(daemon.record)];
    const counts: Record<string, Stats[]> = { one: [], other: [] };
    one.connection.onNotification(statsChanged, stats => void counts['one']!.push(stats));
    other.connection.onNotification(statsChanged, stats => void counts['other']!.push(stats));

    await one.patient();
    expect(summary(await one.ask('how do I reverse a list in python', () => saying('reversed(xs)')))).toMatchObject({ status: 'miss' });
    expect(summary(await other.ask('python: reverse a list', () => saying('not asked')))).toEqual({
      status: 'hit', match: 'semantic', text: 'reversed(xs)', finish: 'stop',
    });
    await until(() => Object.values(counts).every(all => all.at(-1)?.hits === 1 && all.at(-1)?.misses === 1), 'both windows know');
  });

  test('equal questions at the same time are answered by one call', async () => {
    const daemon = await serve(newDataFolder());
    const [one, other] = [await attach(daemon.record), await attach(daemon.record)];
    let calls = 0;
    const slowly = async function* () {
      calls += 1;
      await pause(300);
      yield* saying('the one answer');
    };
    const answers = await Promise.all([one.ask('a popular question', slowly), other.ask('a popular question', slowly)]);
    expect(answers.map(answer => summary(answer).text)).toEqual(['the one answer', 'the one answer']);
    expect(calls).toBe(1);
  });

  test('thresholds are each window\'s own', async () => {
    const daemon = await serve(newDataFolder());
    const [loose, strict] = [await attach(daemon.record), await attach(daemon.record)];
    await loose.patient();
    await strict.configure({ matching: 'exact', embeddingDeadlineMs: 60_000 });
    await loose.ask('how do I reverse a list in python', () => saying('reversed(xs)'));
    expect(summary(await strict.ask('python: reverse a list', () => saying('asked afresh')))).toMatchObject({ status: 'miss' });
    expect(summary(await loose.ask('reverse a list in python', () => saying('not asked')))).toMatchObject({ status: 'hit' });
  });
});

describe('what is sent is checked', () => {
  const shared = daemonForGroup();

  test.each([
    { type: completeRequest.method, params: {}, field: 'askId' },
    { type: completeRequest.method, params: { ...completeParams('q'), upstream: { kind: 'shell' } }, field: 'upstream.kind' },
    { type: completeRequest.method, params: { ...completeParams('q'), request: { ...completeParams('q').request, messages: 'hello' } }, field: 'request.messages' },
    { type: lookupRequest.method, params: { prompt: 1, llmString: 'm' }, field: 'prompt' },
    { type: lookupRequest.method, params: ['a', 'm'], field: 'the parameters' },
    { type: lookupRequest.method, params: undefined, field: 'the parameters' },
    { type: updateRequest.method, params: { prompt: 'p', llmString: 'm', generations: [] }, field: 'generations' },
    { type: updateRequest.method, params: { prompt: 'p', llmString: 'm', generations: [{ text: 3 }] }, field: 'generations.0.text' },
    { type: clearRequest.method, params: { llmstring: 'misspelt' }, field: 'llmstring' },
    { type: listRequest.method, params: { filter: {}, offset: -1, limit: 10 }, field: 'offset' },
    { type: entryRequest.method, params: { id: '' }, field: 'id' },
    { type: editRequest.method, params: { id: 'x', text: '' }, field: 'text' },
    { type: wrongAnswerRequest.method, params: { entryId: 'x' }, field: 'request' },
    { type: sameQuestionRequest.method, params: { entryId: 'x' }, field: 'request' },
    { type: explainRequest.method, params: {}, field: 'askId' },
    { type: configureRequest.method, params: { settings: { ...defaultCacheSettings, scoreThreshold: 3 }, upstreams: [] }, field: 'settings.scoreThreshold' },
    { type: configureRequest.method, params: { settings: { ...defaultCacheSettings, ttl: '30' }, upstreams: [] }, field: 'settings.ttl' },
  ])('$type without a proper $field is refused by name', async ({ type, params, field }) => {
    const { connection } = await attach(shared().record);
    const sending = params === undefined ? connection.sendRequest(type) : connection.sendRequest(type, params);
    await expect(sending).rejects.toMatchObject({
      code: ErrorCodes.InvalidParams,
      message: expect.stringContaining(field),
      data: { code: 'bad-request' },
    });
    expect((await connection.sendRequest(statsRequest)).entries).toBe(0);
  });

  test('an unknown request is answered as such, an unknown notification is passed over', async () => {
    const { connection } = await attach(shared().record);
    await connection.sendNotification('semcache/noSuchNotification', { a: 1 });
    await expect(connection.sendRequest('semcache/noSuchRequest', {})).rejects.toMatchObject({ code: ErrorCodes.MethodNotFound });
  });

  test('parts of an answer that are none are left out, and the ask fails in words', async () => {
    const { connection } = await attach(shared().record);
    connection.onRequest('semcache/answerInEditor', async ({ callId }: { callId: string }) => {
      await connection.sendNotification(editorParts.method, { callId, parts: [{ type: 'text', text: 42 }] });
      await connection.sendNotification(editorParts.method, 'rubbish');
      return null;
    });
    await expect(connection.sendRequest(completeRequest, completeParams('q'))).rejects.toMatchObject({
      message: expect.stringContaining('gave no complete answer'),
      data: { code: 'upstream-failed' },
    });
  });

  const frame = (body: string): string => `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  const whole = frame('{"jsonrpc":"2.0","id":1,"method":"semcache/stats"}');
  test.each([
    { why: 'bytes that are no message', bytes: '\u0000\u0001garbage\r\n\r\n', closes: true },
    { why: 'a request of HTTP', bytes: 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n', closes: true },
    { why: 'a length that is no number', bytes: 'Content-Length: many\r\n\r\n{}', closes: true },
    { why: 'a body that is not JSON', bytes: frame('{"jsonrpc":'), closes: true },
    { why: 'an enormous message that never ends', bytes: `Content-Length: 99999999999\r\n\r\n${'x'.repeat(200_000)}`, closes: true },
    { why: 'a header without end', bytes: 'x'.repeat(200_000), closes: true },
    { why: 'JSON that is no message', bytes: frame('[1,2,3]') + frame('"text"') + frame('17'), closes: false },
    { why: 'nothing', bytes: frame('null'), closes: false },
    { why: 'a request without an id that can be used', bytes: frame('{"jsonrpc":"2.0","id":{},"method":"semcache/stats"}'), closes: false },
    { why: 'a cancellation of nothing', bytes: frame('{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":77}}'), closes: false },
    { why: 'a cancellation without parameters', bytes: frame('{"jsonrpc":"2.0","method":"$/cancelRequest"}'), closes: true },
    { why: 'an answer that nobody asked for', bytes: frame('{"jsonrpc":"2.0","id":5,"result":1}'), closes: false },
    { why: 'initialize without parameters', bytes: frame('{"jsonrpc":"2.0","id":1,"method":"initialize"}'), closes: false },
    { why: 'initialize with a list', bytes: frame('{"jsonrpc":"2.0","id":1,"method":"initialize","params":[1]}'), closes: false },
    { why: 'half a message, then gone', bytes: whole.slice(0, 30), closes: false },
  ])('$why harms nobody but its sender', async ({ bytes, closes }) => {
    const daemon = shared();
    const other = await attach(daemon.record);
    const closings = (): number => logOf(daemon.dataFolder).split('bytes that are not the protocol').length;
    const before = closings();
    const socket = net.connect(daemon.record.socket);
    socket.on('error', () => undefined);
    socket.on('data', () => undefined);
    const closed = new Promise<void>(resolve => socket.once('close', () => resolve()));
    socket.write(bytes);
    if (closes) {
      await closed;
      expect(closings()).toBe(before + 1);
    } else {
      await pause(200);
      expect(socket.destroyed).toBe(false);
      socket.destroy();
      await closed;
    }
    expect(summary(await other.ask('still there?', () => saying('yes')))).toMatchObject({ text: 'yes' });
    expect(daemon.child.exitCode).toBeNull();
  });

  test('a window that stays silent is let go, and does not keep the daemon alive', async () => {
    const daemon = await serve(newDataFolder(), '--idle-minutes', '0.02');
    const { closed } = await connectOnly(daemon.record.socket);
    expect(await daemon.exited).toBe(0);
    await closed;
  });
});

describe('asks', () => {
  const shared = daemonForGroup();

  test('cancelling an ask cancels the model\'s answer, and nothing is stored', async () => {
    const { connection } = await attach(shared().record);
    let cancelled = false;
    connection.onRequest('semcache/answerInEditor', async ({ callId }: { callId: string }, token) => {
      await connection.sendNotification(editorParts, { callId, parts: [{ type: 'text', text: 'half of it' }] });
      await new Promise<void>(resolve => token.onCancellationRequested(() => resolve()));
      cancelled = true;
      return null;
    });
    const source = new CancellationTokenSource();
    const arrived: unknown[] = [];
    connection.onNotification(answerParts, ({ parts }) => {
      arrived.push(...parts);
      if (parts.some(part => part.type === 'text')) source.cancel();
    });
    await expect(connection.sendRequest(completeRequest, completeParams('a cancelled question'), source.token)).rejects.toMatchObject({ data: { code: 'cancelled' } });
    await until(() => cancelled, 'the window was told');
    expect(arrived.length).toBeGreaterThan(0);
    expect((await connection.sendRequest(listRequest, { filter: {}, search: 'cancelled question', offset: 0, limit: 1 })).total).toBe(0);
  });

  test('a window that leaves takes its ask with it', async () => {
    let asked = 0;
    let hungUp = 0;
    const provider = http.createServer((_request, response) => {
      asked += 1;
      response.on('close', () => (hungUp += 1));
    });
    await new Promise<void>(resolve => provider.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void provider.close());
    const { connection, socket } = await attach(shared().record);
    const baseUrl = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`;
    const upstreams = [{ name: 'slow', kind: 'openai' as const, baseUrl, models: ['m'] }];
    await connection.sendRequest(configureRequest, { settings: defaultCacheSettings, upstreams });
    const params = completeParams('a question to a provider', { upstream: { kind: 'http', name: 'slow', model: 'm' } });
    connection.sendRequest(completeRequest, params).catch(() => undefined);
    await until(() => asked === 1, 'the provider is asked');
    expect(hungUp).toBe(0);
    socket.destroy();
    await until(() => hungUp === 1, 'the provider is let go');
  });

  test('an answer streams: parts arrive while the model still speaks', async () => {
    const { connection } = await attach(shared().record);
    const times: number[] = [];
    connection.onNotification(answerParts, ({ parts }) => {
      if (parts.some(part => part.type === 'text')) times.push(parts.length);
    });
    let continued = (): void => undefined;
    const first = new Promise<void>(resolve => (continued = resolve));
    let seenBeforeEnd = 0;
    connection.onRequest('semcache/answerInEditor', async ({ callId }: { callId: string }) => {
      await connection.sendNotification(editorParts, { callId, parts: [{ type: 'text', text: 'one ' }] });
      await until(() => times.length > 0, 'the first part came back');
      seenBeforeEnd = times.length;
      continued();
      await connection.sendNotification(editorParts, { callId, parts: [{ type: 'text', text: 'two' }, { type: 'end', finish: 'stop' }] });
      return null;
    });
    await connection.sendRequest(completeRequest, completeParams('stream to me'));
    await first;
    expect(seenBeforeEnd).toBe(1);
  });

  test('a failing model\'s words come through unchanged', async () => {
    const { connection } = await attach(shared().record);
    connection.onRequest('semcache/answerInEditor', () => {
      throw new Error('You have exhausted your quota of 3 prompts.');
    });
    await expect(connection.sendRequest(completeRequest, completeParams('a failing question'))).rejects.toMatchObject({
      message: expect.stringContaining('You have exhausted your quota of 3 prompts.'),
      data: { code: 'upstream-failed' },
    });
  });

  test('an endpoint that was not configured is named', async () => {
    const { connection } = await attach(shared().record);
    const params = completeParams('a question for nobody', { upstream: { kind: 'http', name: 'nowhere', model: 'x' } });
    await expect(connection.sendRequest(completeRequest, params)).rejects.toMatchObject({
      message: expect.stringContaining('"nowhere"'),
      data: { code: 'upstream-missing' },
    });
  });

  test('the demo model answers without any window\'s model', async () => {
    const { ask } = await attach(shared().record);
    const never = (): never => {
      throw new Error('asked');
    };
    const parts = await ask('How do I reverse a list in Python?', never, { upstream: { kind: 'demo' } });
    expect(summary(parts)).toMatchObject({ status: 'miss', finish: 'stop' });
    expect(summary(parts).text.length).toBeGreaterThan(20);
  });

  test('an ask while the model is being loaded is answered all the same', async () => {
    const daemon = await serve(newDataFolder());
    const { ask } = await attach(daemon.record);
    expect(summary(await ask('the very first question', () => saying('answered')))).toMatchObject({ text: 'answered', finish: 'stop' });
  });
});

describe('the verbs', () => {
  test('lookup, update, list, entry, edit, wrong answer and clear do what they say', async () => {
    const { connection, patient } = await attach((await serve(newDataFolder())).record);
    await patient();
    const asked = { prompt: 'how do I reverse a list in python', llmString: 'm' };
    expect((await connection.sendRequest(lookupRequest, asked)).generations).toBeNull();
    const generations = [{ text: 'reversed(xs)', generationInfo: { finish_reason: 'stop' }, extra: [1, 2] }, { text: 'xs[::-1]' }];
    const { entryId } = await connection.sendRequest(updateRequest, { ...asked, generations });
    const found = await connection.sendRequest(lookupRequest, { prompt: 'python: reverse a list', llmString: 'm' });
    expect(found.decision).toMatchObject({ status: 'hit', match: 'semantic', entryId });
    expect(found.generations).toEqual(generations);
    expect((await connection.sendRequest(lookupRequest, { ...asked, llmString: 'n' })).decision.status).toBe('miss');

    const listed = await connection.sendRequest(listRequest, { filter: { llmString: 'm' }, offset: 0, limit: 10 });
    expect(listed).toMatchObject({ total: 1, entries: [{ id: entryId, hits: 1 }] });
    await connection.sendRequest(editRequest, { id: entryId, text: 'corrected' });
    const entry = await connection.sendRequest(entryRequest, { id: entryId });
    expect(entry).toMatchObject({ id: entryId, generations: [{ text: 'corrected' }, { text: 'xs[::-1]' }] });
    expect(entry).not.toHaveProperty('vector');
    expect(await connection.sendRequest(statsRequest)).toMatchObject({ hits: 1, misses: 2, entries: 1 });

    expect(await connection.sendRequest(clearRequest, { llmString: 'n' })).toEqual({ removed: 0 });
    expect(await connection.sendRequest(clearRequest, {})).toEqual({ removed: 1 });
    expect(await connection.sendRequest(entryRequest, { id: entryId })).toBeNull();
    await expect(connection.sendRequest(editRequest, { id: entryId, text: 'x' })).rejects.toMatchObject({ data: { code: 'entry-not-found' } });
  });

  test('a wrong answer is never served for that question again, and is counted', async () => {
    const { connection, ask, patient } = await attach((await serve(newDataFolder())).record);
    await patient();
    await ask('how do I reverse a list in python', () => saying('reversed(xs)'));
    const hit = await ask('python: reverse a list', () => saying('not asked'));
    const decision = hit[0]!.type === 'decision' ? hit[0]!.decision : null;
    const entryId = decision !== null && decision.status === 'hit' ? decision.entryId : '';
    await connection.sendRequest(wrongAnswerRequest, { entryId, request: completeParams('python: reverse a list').request });
    expect(summary(await ask('python: reverse a list', () => saying('another')))).toMatchObject({ status: 'miss', text: 'another' });
    expect(await connection.sendRequest(statsRequest)).toMatchObject({ wrongHits: 1 });
  });

  test('an answer that was offered and is refused is never served, and counts as no wrong hit', async () => {
    const { connection, ask, patient } = await attach((await serve(newDataFolder())).record);
    await patient();
    await ask('how do I reverse a list in python', () => saying('reversed(xs)'));
    const { entries } = await connection.sendRequest(listRequest, { filter: {}, offset: 0, limit: 1 });
    const params = { entryId: entries[0]!.id, request: completeParams('python: reverse a list').request, offered: true };
    await connection.sendRequest(wrongAnswerRequest, params);
    expect(summary(await ask('python: reverse a list', () => saying('another')))).toMatchObject({ status: 'miss', text: 'another' });
    expect(await connection.sendRequest(statsRequest)).toMatchObject({ wrongHits: 0 });
  });

  test('two questions that a window calls the same are answered alike from then on, in every window', async () => {
    const daemon = await serve(newDataFolder());
    const { connection, ask, patient } = await attach(daemon.record);
    await patient();
    await ask('how do I reverse a list in python', () => saying('reversed(xs)'));
    const { entries } = await connection.sendRequest(listRequest, { filter: {}, offset: 0, limit: 1 });
    await connection.sendRequest(sameQuestionRequest, { entryId: entries[0]!.id, request: completeParams('the thing with lists').request });
    const other = await attach(daemon.record);
    await other.patient();
    expect(summary(await other.ask('the thing with lists', () => saying('not asked')))).toMatchObject({ status: 'hit', text: 'reversed(xs)' });
    const unknown = connection.sendRequest(sameQuestionRequest, { entryId: 'gone', request: completeParams('x').request });
    await expect(unknown).rejects.toMatchObject({ data: { code: 'entry-not-found' } });
  });

  test('every ask of a session can be explained later, by that session', async () => {
    const daemon = await serve(newDataFolder());
    const { connection, ask, patient } = await attach(daemon.record);
    await patient();
    for (const question of ['turn on the dark mode', 'turn off the dark mode', 'turn on the dark mode']) await ask(question, () => saying(question));
    const explained = async (askId: string) => connection.sendRequest(explainRequest, { askId });
    expect(await explained('ask-1')).toMatchObject({ instruction: 'turn on the dark mode', decision: { status: 'miss' }, candidates: [], elsewhere: [] });
    expect(await explained('ask-2')).toMatchObject({
      decision: { status: 'miss', reason: 'refused' },
      candidates: [{ instruction: 'turn on the dark mode', outcome: 'refused', guards: [{ guard: 'opposite' }] }],
    });
    expect(await explained('ask-3')).toMatchObject({ decision: { status: 'hit', match: 'exact' }, candidates: [{ outcome: 'accepted' }] });
    expect(await explained('ask-4')).toBeNull();
    expect(await (await attach(daemon.record)).connection.sendRequest(explainRequest, { askId: 'ask-1' })).toBeNull();
  });

  test('of a session\'s asks the last hundred can be explained', async () => {
    const { connection, ask } = await attach((await serve(newDataFolder())).record);
    await ask('what is a monad', () => saying('a monoid'));
    for (let i = 0; i < 100; i++) await ask('what is a monad', () => saying('not asked'));
    const explained = async (askId: string) => connection.sendRequest(explainRequest, { askId });
    expect(await explained('ask-1')).toBeNull();
    expect(await explained('ask-2')).toMatchObject({ decision: { status: 'hit' } });
    expect(await explained('ask-101')).toMatchObject({ decision: { status: 'hit' } });
  });

  test('health is told once attached, and again when the model is there', async () => {
    const daemon = await serve(newDataFolder());
    const { connection } = await connectOnly(daemon.record.socket);
    const told: Health[] = [];
    connection.onNotification(healthChanged, health => void told.push(health));
    await initialize(connection, { token: daemon.record.token, protocol: PROTOCOL_VERSION, build: daemon.record.build });
    await until(() => told.at(-1)?.embedding === 'ready', 'the model is loaded');
    expect(told.at(-1)).toMatchObject({ embedding: 'ready', store: 'ready', problems: [] });
    expect(told.at(-1)!.storeText).toContain('SQLite');
  });
});

test('no prompt, answer, key or token ever reaches a log', async () => {
  const folder = newDataFolder();
  const daemon = await serve(folder);
  const { connection, ask, socket } = await attach(daemon.record);
  const told: string[] = [];
  connection.onNotification(LogMessageNotification.type, ({ message }) => void told.push(message));
  const secret = 'Zebra7Quartz';
  await connection.sendRequest(configureRequest, {
    settings: { ...defaultCacheSettings, embeddingEndpoint: 'http://127.0.0.1:9/v1', embeddingModel: 'none' },
    upstreams: [{ name: 'dead', kind: 'openai', baseUrl: 'http://127.0.0.1:9/v1', apiKey: `key-${secret}`, models: [] }],
    embeddingApiKey: `embedding-${secret}`,
  });
  await ask(`what is ${secret}?`, () => saying(`an answer about ${secret}`));
  await ask(`what is ${secret}?`, () => saying('not asked'));
  await ask(`fail on ${secret}`, () => {
    throw new Error(`the model says ${secret}`);
  }).catch(() => undefined);
  await ask(`unreachable ${secret}`, () => saying('not asked'), { upstream: { kind: 'http', name: 'dead', model: secret } }).catch(() => undefined);
  await connection.sendRequest('semcache/complete', { askId: secret, request: secret }).catch(() => undefined);
  await connection.sendRequest(`semcache/${secret}`, { secret }).catch(() => undefined);
  await connection.sendNotification(editorParts.method, { callId: 'x', parts: [{ type: secret }] });
  const refused = await connectOnly(daemon.record.socket);
  await initialize(refused.connection, { token: secret, protocol: 1, build: { version: secret, builtAt: 0 } }).catch(() => undefined);
  socket.write(`Content-Length: 30\r\n\r\n{"prompt": ${secret} not JSON}`);
  await until(() => logOf(folder).includes('not the protocol\'s'), 'the broken message was noticed');

  const written = logOf(folder) + told.join('\n');
  expect(written).toContain('A session was refused');
  expect(written).not.toContain(secret);
  expect(written).not.toContain(daemon.record.token);
});

/** Source of a window that asks and never answers. */
function victimSource({ socket, token, build }: { socket: string; token: string; build: object }): string {
  const options = JSON.stringify({ token, protocol: PROTOCOL_VERSION, build });
  return `
    import net from 'node:net';
    import { createMessageConnection, SocketMessageReader, SocketMessageWriter } from 'vscode-languageserver-protocol/node';
    const socket = net.connect(${JSON.stringify(socket)});
    const connection = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
    connection.onRequest('semcache/answerInEditor', () => { console.log('asked'); return new Promise(() => {}); });
    connection.listen();
    await connection.sendRequest('initialize', { processId: process.pid, rootUri: null, capabilities: {}, initializationOptions: ${options} });
    connection.sendRequest('semcache/complete', ${JSON.stringify(completeParams('a question of the victim'))});
  `;
}

beforeAll(() => {
  // One that is not ours must not be found by mistake.
  delete process.env['SEMCACHE_DATA'];
});
