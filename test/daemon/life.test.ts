// The life of the shared daemon: who may be it, how it is found, when it ends.

import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readRecord, recordFileIn } from '../../server/protocol/discovery.ts';
import { drainRequest, drainingNotification, statsRequest } from '../../server/protocol/messages.ts';
import { attach, connectOnly, initialize, isRunning, logOf, newDataFolder, saying, serve, start, summary, until } from './daemonProcess.ts';

test('serve prints one line when it accepts connections, and its record and folder are its owner\'s alone', async () => {
  const folder = newDataFolder();
  const { output } = start(folder, 'serve', '--json', '--port', '0');
  await until(() => output().includes('\n'), 'it is ready');
  const record = readRecord(folder)!;

  expect(output().trimEnd().split('\n')).toHaveLength(1);
  expect(JSON.parse(output())).toMatchObject({ event: 'ready', socket: record.socket, http: record.http });
  expect(record.token).toMatch(/^[0-9a-f]{64}$/);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(statSync(recordFileIn(folder)).mode & 0o777).toBe(0o600);
  expect(statSync(record.socket).mode & 0o077).toBe(0);
  const client = await attach(record);
  expect(client.facts).toMatchObject({ pid: record.pid, mode: 'shared', dataFolder: folder, http: record.http });
});

test('of eight that start at once exactly one becomes the daemon, and the others say so with exit code 3', async () => {
  const folder = newDataFolder();
  const started = Array.from({ length: 8 }, () => start(folder, 'serve', '--json'));
  await until(() => started.filter(({ child }) => child.exitCode !== null).length === 7, 'seven have ended', 40_000);

  const winners = started.filter(({ child }) => child.exitCode === null);
  const losers = started.filter(({ child }) => child.exitCode !== null);
  expect(winners).toHaveLength(1);
  expect(losers.map(({ child }) => child.exitCode)).toEqual(Array(7).fill(3));
  expect(losers[0]!.errors()).toContain('runs already');
  expect(readRecord(folder)!.pid).toBe(winners[0]!.child.pid);
  await attach(readRecord(folder)!);
});

test('eight that start at once over the socket of a dead daemon: again exactly one', async () => {
  const folder = newDataFolder();
  const first = await serve(folder);
  first.child.kill('SIGKILL');
  await first.exited;
  expect(statSync(first.record.socket).isSocket()).toBe(true);

  const started = Array.from({ length: 8 }, () => start(folder, 'serve', '--json'));
  await until(() => started.filter(({ child }) => child.exitCode !== null).length === 7, 'seven have ended', 40_000);
  expect(started.filter(({ child }) => child.exitCode === 3)).toHaveLength(7);
  const record = readRecord(folder)!;
  expect(record.pid).not.toBe(first.pid);
  expect(record.token).not.toBe(first.record.token);
  await attach(record);
});

test('two data folders have two daemons', async () => {
  const [one, other] = [newDataFolder(), newDataFolder()];
  const [first, second] = [await serve(one), await serve(other)];
  expect(first.record.socket).not.toBe(second.record.socket);
  expect((await attach(first.record)).facts.dataFolder).toBe(one);
  expect((await attach(second.record)).facts.dataFolder).toBe(other);
});

test('it ends by itself when no window ever comes', async () => {
  const daemon = await serve(newDataFolder(), '--idle-minutes', '0.005');
  expect(await daemon.exited).toBe(0);
  expect(() => statSync(daemon.record.socket)).toThrow('ENOENT');
});

test('it ends some time after the last window, not before', async () => {
  const folder = newDataFolder();
  const daemon = await serve(folder);
  const [one, other] = [await attach(daemon.record), await attach(daemon.record)];
  await one.configure({ idleMinutes: 0.01 });
  one.socket.destroy();
  await one.closed;
  await pause(1200);
  expect(isRunning(daemon.pid)).toBe(true);
  expect((await other.connection.sendRequest(statsRequest)).hits).toBe(0);

  other.socket.destroy();
  expect(await daemon.exited).toBe(0);
  expect(readRecord(folder)).toBeNull();
});

test('with idleMinutes 0 it stays', async () => {
  const daemon = await serve(newDataFolder(), '--idle-minutes', '0.01');
  const client = await attach(daemon.record);
  await client.configure({ idleMinutes: 0 });
  client.socket.destroy();
  await pause(1500);
  expect(isRunning(daemon.pid)).toBe(true);
});

test('it ends when its record is removed', async () => {
  const folder = newDataFolder();
  const daemon = await serve(folder);
  const client = await attach(daemon.record);
  rmSync(recordFileIn(folder));
  await client.closed;
  expect(await daemon.exited).toBe(0);
  expect(() => statSync(daemon.record.socket)).toThrow('ENOENT');
});

test('it ends when its record names another, and leaves that record alone', async () => {
  const folder = newDataFolder();
  const daemon = await serve(folder);
  const another = JSON.stringify({ ...daemon.record, pid: process.pid, token: 'another', socket: '/nowhere' });
  writeFileSync(recordFileIn(folder), another);
  expect(await daemon.exited).toBe(0);
  expect(readFileSync(recordFileIn(folder), 'utf8')).toBe(another);
  rmSync(recordFileIn(folder));
});

test('a socket file that another has put in its place survives its end', async () => {
  const folder = newDataFolder();
  const daemon = await serve(folder);
  rmSync(daemon.record.socket);
  writeFileSync(daemon.record.socket, 'of a successor');
  daemon.child.kill('SIGTERM');
  expect(await daemon.exited).toBe(0);
  expect(readFileSync(daemon.record.socket, 'utf8')).toBe('of a successor');
});

test('what it stored survives its being killed, and the next one serves it', async () => {
  const folder = newDataFolder();
  const first = await serve(folder);
  const before = await attach(first.record);
  expect(summary(await before.ask('how do I undo a git commit?', () => saying('git revert')))).toMatchObject({ status: 'miss' });
  first.child.kill('SIGKILL');
  await before.closed;

  const second = await serve(folder);
  const after = await attach(second.record);
  expect(summary(await after.ask('how do I undo a git commit?', () => saying('never asked')))).toEqual({
    status: 'hit', match: 'exact', text: 'git revert', finish: 'stop',
  });
});

test('a newer build drains it: the ask in progress is finished, nothing new is taken on, and a successor starts meanwhile', async () => {
  const folder = newDataFolder();
  const old = await serve(folder);
  const busy = await attach(old.record);
  const idle = await attach(old.record);
  const told: string[] = [];
  busy.connection.onNotification(drainingNotification, () => void told.push('draining'));
  let finish = (): void => undefined;
  const mayFinish = new Promise<void>(resolve => (finish = resolve));
  let begun = false;
  const answer = busy.ask('what is a monad?', async function* () {
    begun = true;
    yield { type: 'text', text: 'a monoid ' };
    await mayFinish;
    yield* saying('in the category of endofunctors');
  });
  await until(() => begun, 'the window\'s model is asked');

  const newer = await attach(old.record, { version: '99.0.0', builtAt: old.record.build.builtAt + 1 });
  expect(await newer.connection.sendRequest(drainRequest, { build: { version: '99.0.0', builtAt: old.record.build.builtAt + 1 } })).toEqual({ draining: true });
  await idle.closed;
  await until(() => readRecord(folder) === null, 'the record is gone');
  await expect(busy.ask('another one', () => saying('no'))).rejects.toMatchObject({ data: { code: 'draining' } });

  const successor = await serve(folder);
  expect(successor.pid).not.toBe(old.pid);
  finish();
  expect(summary(await answer)).toMatchObject({ text: 'a monoid in the category of endofunctors', finish: 'stop' });
  expect(await old.exited).toBe(0);
  expect(told.length).toBeGreaterThan(0);

  expect(isRunning(successor.pid)).toBe(true);
  expect(readRecord(folder)).toEqual(successor.record);
  const heir = await attach(successor.record);
  expect(summary(await heir.ask('what is a monad?', () => saying('never asked')))).toMatchObject({ status: 'hit' });
});

test.each([
  { why: 'an older build', builtAt: -1 },
  { why: 'its own build', builtAt: 0 },
])('$why does not drain it', async ({ builtAt }) => {
  const daemon = await serve(newDataFolder());
  const build = { version: '0.0.1', builtAt: daemon.record.build.builtAt + builtAt };
  const client = await attach(daemon.record, build);
  expect(await client.connection.sendRequest(drainRequest, { build })).toEqual({ draining: false });
  expect(summary(await client.ask('still there?', () => saying('yes')))).toMatchObject({ text: 'yes' });
  expect(isRunning(daemon.pid)).toBe(true);
});

test('a person\'s restart ends it within seconds, though an answer would take for ever', async () => {
  const daemon = await serve(newDataFolder());
  const client = await attach(daemon.record);
  let begun = false;
  const answer = client.ask('an endless question', async function* (signal) {
    begun = true;
    await new Promise(resolve => signal.addEventListener('abort', resolve));
  });
  answer.catch(() => undefined);
  await until(() => begun, 'the window\'s model is asked');
  expect(await client.connection.sendRequest(drainRequest, { build: daemon.record.build, force: true })).toEqual({ draining: true });
  expect(await daemon.exited).toBe(0);
});

test('SIGTERM ends it cleanly while a window is attached', async () => {
  const folder = newDataFolder();
  const daemon = await serve(folder);
  const client = await attach(daemon.record);
  daemon.child.kill('SIGTERM');
  await client.closed;
  expect(await daemon.exited).toBe(0);
  expect(readRecord(folder)).toBeNull();
});

test('a crash is logged without the error\'s words, ends it with code 1, and the next one starts', async () => {
  const folder = newDataFolder();
  const source = 'import{isMainThread}from"node:worker_threads";isMainThread&&setTimeout(()=>{throw new TypeError("secret")},1500)';
  process.env['NODE_OPTIONS'] = `--import=data:text/javascript,${encodeURIComponent(source)}`;
  const { exited } = start(folder, 'serve');
  delete process.env['NODE_OPTIONS'];
  expect(await exited).toBe(1);
  expect(logOf(folder)).toContain('The daemon crashed: TypeError');
  expect(logOf(folder)).not.toContain('secret');
  await attach((await serve(folder)).record);
});

test('a window that reads nothing does not keep it from ending', async () => {
  const daemon = await serve(newDataFolder());
  const client = await attach(daemon.record);
  let asked = 0;
  for (let at = 0; at < 4; at += 1) {
    client.ask(`question ${at}`, async function* () {
      asked += 1;
      yield* saying('x'.repeat(1_000_000));
    }).catch(() => undefined);
  }
  await until(() => asked === 4, 'the window\'s model is asked');
  client.socket.pause();
  daemon.child.kill('SIGTERM');
  expect(await daemon.exited).toBe(0);
});

test('a window of another protocol is refused with both numbers', async () => {
  const daemon = await serve(newDataFolder());
  for (const protocol of [0, 2]) {
    const { connection } = await connectOnly(daemon.record.socket);
    await expect(initialize(connection, { token: daemon.record.token, protocol, build: daemon.record.build })).rejects.toMatchObject({
      message: expect.stringMatching(new RegExp(`protocol ${protocol}, this daemon 1`)),
      data: { code: 'incompatible-protocol' },
    });
    await expect(connection.sendRequest(statsRequest)).rejects.toMatchObject({ data: { code: 'not-authenticated' } });
  }
});
