// `semcache serve --upstream`: the gateway of a real process, found by its ready line and its record.

import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { readRecord } from '../../server/protocol/discovery.ts';
import { configureRequest, healthChanged, PROTOCOL_VERSION, type Health } from '../../server/protocol/messages.ts';
import { defaultCacheSettings, defaultGatewaySettings, type GatewaySettings } from '../../server/protocol/settings.ts';
import { attach, connectOnly, initialize, logOf, newDataFolder, start, until } from '../daemon/daemonProcess.ts';
import { ScriptedProvider } from '../fakes/scriptedProvider.ts';
import { apiForms } from './apiForms.ts';

interface Ready {
  event: string;
  http: string;
  token: string;
  stop(): Promise<number | null>;
}

let provider: ScriptedProvider;
beforeEach(async () => {
  provider = await ScriptedProvider.open();
  onTestFinished(() => provider.close());
});

async function serve(dataFolder: string, ...more: string[]): Promise<Ready> {
  const { child, exited, output, errors } = start(dataFolder, 'serve', '--json', ...more);
  await until(() => output().includes('\n') || child.exitCode !== null, 'the daemon says that it is ready', 40_000);
  expect(errors()).toBe('');
  return {
    ...(JSON.parse(output()) as Ready),
    stop() {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

const [chat] = apiForms;
async function ask({ http, token }: Ready, headers: Record<string, string> = {}, form = chat!): Promise<{ code: number; status: string | null; text: string }> {
  const response = await fetch(http + form.path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
    body: JSON.stringify(form.ask('What is a monad?')),
  });
  return { code: response.status, status: response.headers.get('x-semcache-status'), text: await response.text() };
}

test('prints address and token, answers, and finds both and its answers again when it is started anew', async () => {
  const data = newDataFolder();
  const first = await serve(data, '--upstream', provider.url, '--port', '0');
  expect(first).toMatchObject({ event: 'ready', http: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/), token: expect.stringMatching(/^semcache-/) });
  expect(readRecord(data)?.http).toBe(first.http);
  if (process.platform !== 'win32') expect(statSync(path.join(data, 'gateway-token')).mode & 0o777).toBe(0o600);
  expect((await ask(first)).code).toBe(200);
  expect((await ask(first)).status).toBe('hit');
  expect(await first.stop()).toBe(0);

  const second = await serve(data, '--upstream', `${provider.url}/v1/`, '--port', new URL(first.http).port);
  expect({ http: second.http, token: second.token }).toEqual({ http: first.http, token: first.token });
  expect((await ask(second)).status).toBe('hit');
  expect(provider.asked).toBe(1);
  expect(logOf(data)).not.toContain(first.token);
});

test('takes the next free port when the wanted one is taken, and tells log and windows', async () => {
  const first = await serve(newDataFolder(), '--upstream', provider.url, '--port', '0');
  const port = Number(new URL(first.http).port);
  const data = newDataFolder();
  const second = await serve(data, '--upstream', provider.url, '--port', String(port));
  expect(Number(new URL(second.http).port)).toBeGreaterThan(port);
  expect(logOf(data)).toContain(`Port ${port} is taken`);
  const { connection } = await connectOnly(readRecord(data)!.socket);
  const told: Health[] = [];
  connection.onNotification(healthChanged, health => void told.push(health));
  const { build, token } = readRecord(data)!;
  await initialize(connection, { token, protocol: PROTOCOL_VERSION, build });
  await until(() => told.length > 0, 'the window is told of the health');
  expect(told.at(-1)!.problems).toEqual([expect.stringMatching(new RegExp(`Port ${port} is taken .* on port ${new URL(second.http).port} now`))]);
});

test('sends the key of its environment upstream, and never the token', async () => {
  process.env['SEMCACHE_UPSTREAM_KEY'] = 'sk-of-the-server';
  onTestFinished(() => void delete process.env['SEMCACHE_UPSTREAM_KEY']);
  const data = newDataFolder();
  const daemon = await serve(data, '--upstream', provider.url, '--port', '0');
  await ask(daemon, { 'x-api-key': 'sk-of-the-tool' });
  expect(provider.seen[0]!.headers).toMatchObject({ authorization: 'Bearer sk-of-the-server' });
  expect(provider.seen[0]!.headers['x-api-key']).toBeUndefined();
  expect(readFileSync(path.join(data, 'daemon.log'), 'utf8')).not.toContain('sk-of');
});

test('serves all three APIs from one provider, and an answer of one to the others', async () => {
  const daemon = await serve(newDataFolder(), '--upstream', provider.url, '--port', '0');
  for (const form of apiForms) {
    expect(await ask(daemon, { 'x-semcache-namespace': form.name }, form)).toMatchObject({ code: 200, status: 'miss' });
    for (const other of apiForms) expect(await ask(daemon, { 'x-semcache-namespace': form.name }, other)).toMatchObject({ code: 200, status: 'hit' });
  }
  expect(provider.seen.map(({ path: asked }) => asked)).toEqual(apiForms.map(form => form.path));
});

test('does not ask itself for ever when its provider is itself', async () => {
  const data = newDataFolder();
  const first = await serve(data, '--upstream', provider.url, '--port', '0');
  await first.stop();
  const looped = await serve(data, '--upstream', first.http, '--port', new URL(first.http).port);
  expect(await ask(looped)).toMatchObject({ code: 508, text: expect.stringContaining('this gateway itself') });
});

test('opens and closes as a window wants it, with the providers of the window', async () => {
  const data = newDataFolder();
  await serve(data, '--idle-minutes', '0');
  const { connection } = await attach(readRecord(data)!);
  const configure = (gateway: Partial<GatewaySettings>): Promise<void> =>
    connection.sendRequest(configureRequest, {
      settings: defaultCacheSettings,
      upstreams: [{ name: 'of the window', kind: 'openai', baseUrl: provider.url, models: [] }],
      gateway: { ...defaultGatewaySettings, ...gateway },
    });
  await configure({ enabled: false });
  await until(() => readRecord(data)?.http === null, 'the gateway is closed');
  await configure({ enabled: true, port: 0 });
  await until(() => typeof readRecord(data)?.http === 'string', 'the gateway is open');
  const ready = { http: readRecord(data)!.http!, token: readFileSync(path.join(data, 'gateway-token'), 'utf8').trim() } as Ready;
  expect(await ask(ready)).toMatchObject({ code: 200 });
  expect(provider.asked).toBe(1);
});
