import { existsSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { bindAlone, isAlive } from '../../../../server/daemon/singleInstance.ts';
import { writeRecord } from '../../../../server/daemon/discovery.ts';

function newPlace(): { dataFolder: string; socket: string } {
  const dataFolder = mkdtempSync(path.join(os.tmpdir(), 'semcache-'));
  onTestFinished(() => rmSync(dataFolder, { recursive: true }));
  return { dataFolder, socket: path.join(dataFolder, 's.sock') };
}

function newServer(): net.Server {
  const server = net.createServer(peer => peer.destroy());
  onTestFinished(() => void server.close());
  return server;
}

test('the first binds, all others of the same moment do not, and each is told once', async () => {
  const place = newPlace();
  let bound = 0;
  const outcomes = await Promise.all(Array.from({ length: 5 }, () => bindAlone(newServer(), place, () => (bound += 1))));
  expect(outcomes.filter(Boolean)).toHaveLength(1);
  expect(bound).toBe(1);
  expect(await isAlive(place.socket)).toBe(true);
});

test('a socket file without a listener is replaced, by one of all who try at once', async () => {
  const place = newPlace();
  const dead = newServer();
  await new Promise<void>(resolve => dead.listen(`${place.socket}.first`, resolve));
  renameSync(`${place.socket}.first`, place.socket);
  await new Promise(resolve => dead.close(resolve));
  expect(statSync(place.socket).isSocket()).toBe(true);
  expect(await isAlive(place.socket)).toBe(false);

  const outcomes = await Promise.all(Array.from({ length: 5 }, () => bindAlone(newServer(), place, () => undefined)));
  expect(outcomes.filter(Boolean)).toHaveLength(1);
  expect(await isAlive(place.socket)).toBe(true);
});

test('a daemon that listens at another path, as its record says, is running too', async () => {
  const place = newPlace();
  const elsewhere = path.join(place.dataFolder, 'elsewhere.sock');
  const other = newServer();
  await new Promise<void>(resolve => other.listen(elsewhere, resolve));
  writeRecord(place.dataFolder, {
    pid: process.pid, startedAt: 0, socket: elsewhere, token: 't', protocol: 1, build: { version: '1', builtAt: 1 }, http: null,
  });
  expect(await bindAlone(newServer(), place, () => undefined)).toBe(false);
  expect(existsSync(place.socket)).toBe(false);
});

test('what fails under the lock leaves the lock to the next', async () => {
  const place = newPlace();
  const failing = bindAlone(newServer(), place, () => {
    throw new Error('no record can be written');
  });
  await expect(failing).rejects.toThrow('no record');
  rmSync(place.socket, { force: true });
  expect(await bindAlone(newServer(), place, () => undefined)).toBe(true);
});
