// Models of the editor for other tools, with real daemons and the windows that offer them.

import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { openDaemonConnection, type AnswerForTools } from '../../client/daemon/connection.ts';
import type { UpstreamPart } from '../../server/protocol/answer.ts';
import { build } from '../../server/protocol/build.ts';
import { readGateway } from '../../server/protocol/discovery.ts';
import { answerInEditorRequest, configureRequest, editorParts, statsRequest, type AnswerInEditorParams, type EditorModelOffer } from '../../server/protocol/messages.ts';
import { defaultCacheSettings, defaultGatewaySettings } from '../../server/protocol/settings.ts';
import { attach, daemonForGroup, newDataFolder, saying, serverFile, until, type RawClient } from '../daemon/daemonProcess.ts';
import { jsonOf } from './openGatewayForTest.ts';

const model = 'editor:copilot/gpt-4o';
const settings = { ...defaultCacheSettings, embeddingDeadlineMs: 60_000 };
const gateway = { ...defaultGatewaySettings, port: 0 };
let questions = 0;
let question = '';
beforeEach(() => {
  question = `Question number ${(questions += 1)} of them?`;
});

async function ask(dataFolder: string, more: Record<string, unknown> = {}, signal?: AbortSignal): Promise<{ code: number; status: string | null; text: string }> {
  const { url, token } = readGateway(dataFolder)!;
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: question }], ...more }),
    ...(signal === undefined ? {} : { signal }),
  });
  const said = await jsonOf(response);
  return { code: response.status, status: response.headers.get('x-semcache-status'), text: said.choices?.[0].message.content ?? said.error.message };
}

async function modelsOf(dataFolder: string): Promise<string[]> {
  const { url, token } = readGateway(dataFolder)!;
  const { data } = await jsonOf(await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${token}` } }));
  return data.map(({ id }: { id: string }) => id);
}

describe('a window', () => {
  const daemon = daemonForGroup();

  /** A window that offers these models, and answers with this. */
  async function open(offers: EditorModelOffer[], answer: (call: AnswerInEditorParams, signal: AbortSignal) => AsyncIterable<UpstreamPart>): Promise<RawClient> {
    const client = await attach(daemon().record);
    client.connection.onRequest(answerInEditorRequest, async (call, token) => {
      const abort = new AbortController();
      token.onCancellationRequested(() => abort.abort());
      for await (const part of answer(call, abort.signal)) await client.connection.sendNotification(editorParts, { callId: call.callId, parts: [part] });
    });
    await client.connection.sendRequest(configureRequest, { settings, upstreams: [], gateway, editorModels: offers });
    await until(() => readGateway(daemon().dataFolder) !== null, 'the gateway is open');
    return client;
  }
  const offer = { model: 'copilot/gpt-4o', name: 'GPT-4o' };

  test('that offers a model is asked with the whole request, and the next ask is a hit', async () => {
    const calls: AnswerInEditorParams[] = [];
    await open([offer], call => {
      calls.push(call);
      return saying('From the window.');
    });
    expect(await modelsOf(daemon().dataFolder)).toEqual([model]);
    expect(await ask(daemon().dataFolder)).toEqual({ code: 200, status: 'miss', text: 'From the window.' });
    expect(await ask(daemon().dataFolder)).toEqual({ code: 200, status: 'hit', text: 'From the window.' });
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject({ model: 'copilot/gpt-4o', request: { messages: [{ role: 'user', parts: [{ type: 'text', text: question }] }] } });
  });

  test('that offers nothing is never asked, and its models are not listed', async () => {
    const client = await open([], () => saying('Never.'));
    expect(await modelsOf(daemon().dataFolder)).toEqual([]);
    expect(await ask(daemon().dataFolder)).toMatchObject({ code: 502, text: expect.stringContaining('semcache.gateway.editorModels') });
    await client.connection.sendRequest(configureRequest, { settings, upstreams: [], gateway, editorModels: [offer] });
    expect((await ask(daemon().dataFolder)).text).toBe('Never.');
    await client.connection.sendRequest(configureRequest, { settings, upstreams: [], gateway });
    expect(await modelsOf(daemon().dataFolder)).toEqual([]);
  });

  test.each(['semcache/editor:copilot/gpt-4o', 'customendpoint/gpt-4o', 'anything/editor:copilot/gpt-4o'])('that offers %s is not believed: the gateway might ask itself', async leadingBack => {
    await open([{ model: leadingBack, name: 'GPT-4o' }], () => saying('Never.'));
    expect(await modelsOf(daemon().dataFolder)).toEqual([]);
    expect(await ask(daemon().dataFolder, { model: `editor:${leadingBack}` })).toMatchObject({ code: 508, text: expect.stringContaining('lead back to this gateway') });
  });

  test('that came last answers; when it is gone, the one before does', async () => {
    await open([offer], () => saying('First.'));
    const last = await open([offer], () => saying('Last.'));
    expect((await ask(daemon().dataFolder)).text).toBe('Last.');
    expect(await modelsOf(daemon().dataFolder)).toEqual([model]);
    last.socket.destroy();
    question += ' And again?';
    await expect.poll(async () => (await ask(daemon().dataFolder, {})).text).toBe('First.');
  });

  test('is told when the client has left', async () => {
    let cancelled = false;
    let begun = false;
    await open([offer], async function* (_call, signal) {
      begun = true;
      await new Promise(resolve => signal.addEventListener('abort', resolve));
      cancelled = true;
      yield* saying('Too late.');
    });
    const abort = new AbortController();
    const asked = ask(daemon().dataFolder, {}, abort.signal);
    asked.catch(() => undefined);
    await until(() => begun, 'the window is asked');
    abort.abort();
    await until(() => cancelled, 'the window hears of it');
  });

  test('that closes in the middle leaves an error in the API\'s shape, and nothing stored', async () => {
    let begun = false;
    const client = await open([offer], async function* () {
      begun = true;
      yield { type: 'text', text: 'Half' };
      await new Promise(() => undefined);
    });
    const asked = ask(daemon().dataFolder);
    await until(() => begun, 'the window is asked');
    client.socket.destroy();
    expect(await asked).toMatchObject({ code: 502, text: expect.stringContaining('did not answer') });
    expect((await ask(daemon().dataFolder)).status).not.toBe('hit');
  });
});

describe('the extension\'s own connection', () => {
  async function open(answerForTools?: AnswerForTools): Promise<string> {
    const dataFolder = newDataFolder();
    const connection = openDaemonConnection({
      serverFile, build, mode: 'shared', dataFolder, log: () => undefined, ...(answerForTools === undefined ? {} : { answerForTools }),
    });
    onTestFinished(() => connection.stop());
    connection.configure({ settings, upstreams: [], gateway, editorModels: [{ model: 'copilot/gpt-4o', name: 'GPT-4o' }] });
    await until(() => readGateway(dataFolder) !== null, 'the gateway is open', 40_000);
    await expect.poll(() => modelsOf(dataFolder)).toEqual([model]);
    return dataFolder;
  }

  test('answers other tools, and tells them in its own words why not', async () => {
    const dataFolder = await open(async function* (ref, request) {
      if (request.messages[0]?.role === 'system') throw new Error('Not allowed today.');
      yield* saying(`${ref} says so.`);
    });
    expect((await ask(dataFolder)).text).toBe('copilot/gpt-4o says so.');
    const messages = [{ role: 'system', content: 'Be kind.' }, { role: 'user', content: question }];
    expect(await ask(dataFolder, { messages })).toMatchObject({ code: 502, text: expect.stringContaining('Not allowed today.') });
  });

  test('answers nobody where the extension does not', async () => {
    expect((await ask(await open())).code).toBe(502);
  });
});

test('a window\'s own daemon opens no gateway: what it would serve ends with the window', async () => {
  const dataFolder = newDataFolder();
  const connection = openDaemonConnection({ serverFile, build, mode: 'window', dataFolder, log: () => undefined });
  onTestFinished(() => connection.stop());
  connection.configure({ settings, upstreams: [], gateway: { ...gateway, enabled: true } });
  await until(() => connection.state === 'ready', 'the daemon is there', 40_000);
  await connection.request(statsRequest);
  expect(connection.facts).toMatchObject({ mode: 'window', http: null });
  expect(readGateway(dataFolder)).toBeNull();
});
