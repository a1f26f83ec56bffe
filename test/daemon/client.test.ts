// The extension's side of the wire against real daemons: finding, starting, losing and replacing them.

import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { createMessageConnection, ResponseError, SocketMessageReader, SocketMessageWriter } from 'vscode-languageserver-protocol/node';
import { openDaemonConnection, type ConnectionOptions, type DaemonConnection } from '../../client/daemon/connection.ts';
import type { AnswerPart, UpstreamPart } from '../../server/protocol/answer.ts';
import { build } from '../../server/protocol/build.ts';
import { readRecord, recordFileIn } from '../../server/protocol/discovery.ts';
import { lookupRequest, statsRequest, updateRequest, type Health } from '../../server/protocol/messages.ts';
import { defaultCacheSettings } from '../../server/protocol/settings.ts';
import type { Stats } from '../../server/protocol/stats.ts';
import { completeParams, isRunning, newDataFolder, saying, serve, serverFile, start, summary, until } from './daemonProcess.ts';

const patientSettings = { settings: { ...defaultCacheSettings, embeddingDeadlineMs: 60_000 }, upstreams: [] };

function open(dataFolder: string, more: Partial<ConnectionOptions> = {}): DaemonConnection & { lines: string[] } {
  const lines: string[] = [];
  const connection = openDaemonConnection({
    serverFile,
    build,
    mode: 'shared',
    dataFolder,
    log: (level, text) => lines.push(`${level} ${text}`),
    ...more,
  });
  connection.configure(patientSettings);
  onTestFinished(() => connection.stop());
  return Object.assign(connection, { lines });
}

function isReady(connection: DaemonConnection): Promise<void> {
  return until(() => connection.state === 'ready', `the connection is ready (${connection.problem})`, 30_000);
}

async function ask(
  connection: DaemonConnection,
  question: string,
  answer: (model: string, signal: AbortSignal) => AsyncIterable<UpstreamPart> = () => saying('not asked'),
  signal = new AbortController().signal,
): Promise<AnswerPart[]> {
  const params = completeParams(question, { askId: randomUUID() });
  const parts: AnswerPart[] = [];
  for await (const part of connection.ask(params, signal, answer)) parts.push(part);
  return parts;
}

test('it starts a daemon where there is none, and a reworded question is a hit', async () => {
  const folder = newDataFolder();
  const connection = open(folder);
  expect(connection.state).toBe('starting');
  const asked: string[] = [];
  const first = await ask(connection, 'how do I reverse a list in python', model => {
    asked.push(model);
    return saying('reversed(xs)');
  });
  expect(summary(first)).toMatchObject({ status: 'miss', text: 'reversed(xs)', finish: 'stop' });
  expect(asked).toEqual(['window-model']);
  expect(summary(await ask(connection, 'python: reverse a list'))).toMatchObject({ status: 'hit', text: 'reversed(xs)' });
  expect(connection.state).toBe('ready');
  expect(connection.facts).toMatchObject({ mode: 'shared', dataFolder: folder, pid: readRecord(folder)!.pid });
});

test('two windows that start together share one daemon, and both hear of stats and health', async () => {
  const folder = newDataFolder();
  const [one, other] = [open(folder), open(folder)];
  const stats: Stats[] = [];
  const health: Health[] = [];
  other.onStats(each => stats.push(each));
  other.onHealth(each => health.push(each));
  await Promise.all([isReady(one), isReady(other)]);
  expect(one.facts!.pid).toBe(other.facts!.pid);
  await ask(one, 'a question', () => saying('an answer'));
  await until(() => stats.at(-1)?.misses === 1, 'the other window knows');
  await until(() => health.at(-1)?.embedding === 'ready', 'health is told');
  expect(other.health).toEqual(health.at(-1));
});

test('after kill -9 of the daemon it is attached to a new one, with its settings, and serves what was stored', async () => {
  const folder = newDataFolder();
  const connection = open(folder);
  connection.configure({ ...patientSettings, settings: { ...patientSettings.settings, matching: 'exact' } });
  await ask(connection, 'how do I reverse a list in python', () => saying('reversed(xs)'));
  const states: string[] = [];
  connection.onStateChange(state => states.push(state));
  const { pid } = connection.facts!;
  process.kill(pid, 'SIGKILL');
  await until(() => states.includes('starting'), 'the loss is noticed');
  await isReady(connection);
  expect(connection.facts!.pid).not.toBe(pid);
  expect(summary(await ask(connection, 'how do I reverse a list in python'))).toMatchObject({ status: 'hit', match: 'exact' });
  expect(summary(await ask(connection, 'python: reverse a list', () => saying('asked again')))).toMatchObject({ status: 'miss' });
});

test('an ask whose daemon dies before the answer fails as daemon-unreachable at once; the next one works', async () => {
  const connection = open(newDataFolder());
  await isReady(connection);
  let begun = false;
  const answer = ask(connection, 'a question', async function* (_model, signal) {
    begun = true;
    await new Promise(resolve => signal.addEventListener('abort', resolve));
  });
  answer.catch(() => undefined);
  await until(() => begun, 'the model is asked');
  process.kill(connection.facts!.pid, 'SIGKILL');
  await expect(answer).rejects.toMatchObject({ name: 'SemcacheError', code: 'daemon-unreachable' });
  expect(summary(await ask(connection, 'a question', () => saying('at last')))).toMatchObject({ text: 'at last' });
});

test('a daemon whose record was removed is replaced without a word from anybody', async () => {
  const folder = newDataFolder();
  const connection = open(folder);
  await isReady(connection);
  const { pid } = connection.facts!;
  rmSync(recordFileIn(folder));
  await until(() => connection.facts !== null && connection.facts.pid !== pid, 'another daemon is attached', 30_000);
  await until(() => !isRunning(pid), 'the earlier one has ended');
  expect(summary(await ask(connection, 'a question', () => saying('answered')))).toMatchObject({ text: 'answered' });
});

test('restart ends the daemon for all windows and attaches to a new one; calls during it share it', async () => {
  const folder = newDataFolder();
  const [one, other] = [open(folder), open(folder)];
  await Promise.all([isReady(one), isReady(other)]);
  const { pid } = one.facts!;
  const [first, second] = [one.restart(), one.restart()];
  expect(second).toBe(first);
  await first;
  expect(one.facts!.pid).not.toBe(pid);
  await until(() => other.facts?.pid === one.facts!.pid, 'the other window follows', 30_000);
  await until(() => !isRunning(pid), 'the earlier one has ended');
});

test('restart ends even a daemon that hangs', async () => {
  const folder = newDataFolder();
  const connection = open(folder);
  await isReady(connection);
  const { pid } = connection.facts!;
  process.kill(pid, 'SIGSTOP');
  await connection.restart();
  expect(connection.facts!.pid).not.toBe(pid);
  await until(() => !isRunning(pid), 'the hanging one is gone');
});

test('stop leaves the daemon to the other windows', async () => {
  const folder = newDataFolder();
  const [one, other] = [open(folder), open(folder)];
  await Promise.all([isReady(one), isReady(other)]);
  await one.stop();
  expect(one.state).toBe('stopped');
  await expect(ask(one, 'a question')).rejects.toMatchObject({ code: 'daemon-unreachable' });
  expect(summary(await ask(other, 'a question', () => saying('answered')))).toMatchObject({ text: 'answered' });
});

test('in window mode the daemon is the window\'s own and ends with it', async () => {
  const folder = newDataFolder();
  const connection = open(folder, { mode: 'window' });
  await ask(connection, 'how do I reverse a list in python', () => saying('reversed(xs)'));
  expect(summary(await ask(connection, 'python: reverse a list'))).toMatchObject({ status: 'hit' });
  expect(connection.facts).toMatchObject({ mode: 'window', dataFolder: folder });
  expect(readRecord(folder)).toBeNull();
  const { pid } = connection.facts!;
  await connection.restart();
  expect(connection.facts!.pid).not.toBe(pid);
  const last = connection.facts!.pid;
  await connection.stop();
  await until(() => !isRunning(pid) && !isRunning(last), 'both have ended');
});

test('a shared daemon that does not answer is left alone: the window starts its own', async () => {
  const folder = newDataFolder();
  const daemon = await serve(folder);
  daemon.child.kill('SIGSTOP');
  const connection = open(folder);
  expect(summary(await ask(connection, 'a question', () => saying('answered')).catch(() => ask(connection, 'a question', () => saying('answered'))))).toMatchObject({
    text: 'answered',
  });
  expect(connection.facts!.mode).toBe('window');
  expect(isRunning(daemon.pid)).toBe(true);
  expect(connection.lines.join('\n')).toContain('This window starts its own.');
});

test('a daemon that refuses the protocol is not fought: the window starts its own at once', async () => {
  const folder = newDataFolder();
  const { record } = await serve(folder);
  const socket = `${record.socket}.other`;
  const other = net.createServer(peer => {
    const connection = createMessageConnection(new SocketMessageReader(peer), new SocketMessageWriter(peer));
    connection.onRequest('initialize', () => {
      throw new ResponseError(-32603, 'I speak protocol 2.', { code: 'incompatible-protocol' });
    });
    connection.listen();
  });
  await new Promise<void>(resolve => other.listen(socket, resolve));
  onTestFinished(() => void other.close());
  const elsewhere = newDataFolder();
  mkdirSync(elsewhere, { recursive: true });
  writeFileSync(recordFileIn(elsewhere), JSON.stringify({ ...record, socket, pid: 2 ** 30 }));
  const connection = open(elsewhere);
  await isReady(connection);
  expect(connection.facts!.mode).toBe('window');
  expect(existsSync(socket)).toBe(true);
});

test('a newer build replaces an older daemon once, the older window follows, and both keep the new one', async () => {
  const folder = newDataFolder();
  const older = open(folder);
  await isReady(older);
  const { pid } = older.facts!;
  const newer = open(folder, { build: { version: '99.0.0', builtAt: build.builtAt + 1 } });
  await isReady(newer);
  const successor = newer.facts!.pid;
  expect(successor).not.toBe(pid);
  await until(() => older.facts?.pid === successor, 'the older window follows', 30_000);
  await pause(2500);
  expect([older.facts!.pid, newer.facts!.pid]).toEqual([successor, successor]);
  await until(() => !isRunning(pid), 'the earlier one has ended');
});

test('an older window attaches to a newer daemon and leaves it be', async () => {
  const folder = newDataFolder();
  const daemon = await serve(folder);
  const connection = open(folder, { build: { version: '0.0.1', builtAt: build.builtAt - 1 } });
  await isReady(connection);
  expect(connection.facts!.pid).toBe(daemon.pid);
});

test('a record left by a dead daemon is no obstacle', async () => {
  const folder = newDataFolder();
  const dead = await serve(folder);
  dead.child.kill('SIGKILL');
  await dead.exited;
  const connection = open(folder);
  await isReady(connection);
  expect(connection.facts).toMatchObject({ mode: 'shared' });
  expect(connection.facts!.pid).not.toBe(dead.pid);
});

test('where nothing can be started it says so, and asks fail quickly rather than wait', async () => {
  const folder = newDataFolder();
  const connection = open(folder, { serverFile: path.join(folder, 'missing.cjs') });
  await until(() => connection.state === 'stopped', 'it gives up for now', 30_000);
  expect(connection.problem).toContain('daemon.log');
  await expect(ask(connection, 'a question')).rejects.toMatchObject({ code: 'daemon-unreachable' });
  await expect(connection.request(statsRequest)).rejects.toMatchObject({ code: 'daemon-unreachable' });
});

test('restart tries again at once where it had given up', async () => {
  const folder = newDataFolder();
  const program = path.join(path.dirname(folder), 'program.mjs');
  const connection = open(folder, { serverFile: program });
  await until(() => connection.state === 'stopped', 'it gives up for now', 30_000);
  writeFileSync(program, `import ${JSON.stringify(pathToFileURL(serverFile).href)};`);
  await connection.restart();
  expect(connection).toMatchObject({ state: 'ready', problem: null });
});

test('aborting an ask cancels the window\'s model and ends the stream with `cancelled`', async () => {
  const connection = open(newDataFolder());
  const abort = new AbortController();
  let modelCancelled = false;
  const answer = ask(
    connection,
    'a question',
    async function* (_model, signal) {
      yield { type: 'text', text: 'half' };
      abort.abort();
      await new Promise(resolve => signal.addEventListener('abort', resolve));
      modelCancelled = true;
    },
    abort.signal,
  );
  await expect(answer).rejects.toMatchObject({ code: 'cancelled' });
  await until(() => modelCancelled, 'the model is told');
});

test('a reader that leaves early cancels the window\'s model', async () => {
  const connection = open(newDataFolder());
  let modelCancelled = false;
  for await (const part of connection.ask(completeParams('a question'), new AbortController().signal, async function* (_model, signal) {
    yield { type: 'text', text: 'half' };
    await new Promise(resolve => signal.addEventListener('abort', resolve));
    modelCancelled = true;
  })) {
    if (part.type === 'text') break;
  }
  await until(() => modelCancelled, 'the model is told');
});

test('what the window\'s model throws comes back as the same object', async () => {
  const connection = open(newDataFolder());
  class QuotaError extends Error {
    readonly quota = 3;
  }
  const thrown = new QuotaError('no quota');
  await expect(
    ask(connection, 'a question', async function* () {
      throw thrown;
    }),
  ).rejects.toBe(thrown);
});

test('requests carry the daemon\'s code and words', async () => {
  const connection = open(newDataFolder());
  await connection.request(updateRequest, { prompt: 'p', llmString: 'm', generations: [{ text: 'a' }] });
  expect((await connection.request(lookupRequest, { prompt: 'p', llmString: 'm' })).generations).toEqual([{ text: 'a' }]);
  await expect(connection.request(updateRequest, { prompt: 'p', llmString: 'm', generations: [] })).rejects.toMatchObject({
    name: 'SemcacheError',
    code: 'bad-request',
    message: expect.stringContaining('generations'),
  });
});

test('a daemon started on the command line is found like any other', async () => {
  const folder = newDataFolder();
  const { output, child } = start(folder, 'serve');
  await until(() => output().includes('listens'), 'it is ready');
  const connection = open(folder);
  await isReady(connection);
  expect(connection.facts!.pid).toBe(child.pid);
});
