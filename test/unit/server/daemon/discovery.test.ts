import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { isOurs, newToken, preparedDataFolder, removeRecord, socketPathFor, writeRecord } from '../../../../server/daemon/discovery.ts';
import { dataFolderOf, readRecord, recordFileIn, type DiscoveryRecord } from '../../../../server/protocol/discovery.ts';

function newFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'semcache-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

const record: DiscoveryRecord = {
  pid: 1, startedAt: 2, socket: '/s', token: 'mine', protocol: 1, build: { version: '1.0.0', builtAt: 3 }, http: null,
};

test('writeRecord() leaves one whole file for its owner alone, and readRecord() gives it back', () => {
  const folder = newFolder();
  writeRecord(folder, { ...record, token: 'earlier' });
  writeRecord(folder, record);
  expect(readRecord(folder)).toEqual(record);
  expect(readdirSync(folder)).toEqual(['daemon-1.json']);
  expect(statSync(recordFileIn(folder)).mode & 0o777).toBe(0o600);
});

test.each(['', '{', 'null', '[]', '{"pid":1}', '{"pid":"1","socket":"/s","token":"t","protocol":1,"build":{"version":"1","builtAt":1}}'])(
  'readRecord() of %j is no record',
  text => {
    const folder = newFolder();
    writeFileSync(recordFileIn(folder), text);
    expect(readRecord(folder)).toBeNull();
  },
);

test('removeRecord() removes our record and no other', () => {
  const folder = newFolder();
  writeRecord(folder, record);
  removeRecord(folder, 'of another');
  expect(isOurs(folder, 'mine')).toBe(true);
  removeRecord(folder, 'mine');
  expect(readRecord(folder)).toBeNull();
  expect(isOurs(folder, 'mine')).toBe(false);
});

test('newToken() is 32 bytes in hex, and another each time', () => {
  expect(newToken()).toMatch(/^[0-9a-f]{64}$/);
  expect(newToken()).not.toBe(newToken());
});

test('preparedDataFolder() makes the folder, and closes one that was open to others', () => {
  const folder = path.join(newFolder(), 'a', 'b');
  expect(statSync(preparedDataFolder(folder)).mode & 0o777).toBe(0o700);
  chmodSync(folder, 0o755);
  preparedDataFolder(folder);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
});

test.runIf(process.platform !== 'win32')('socketPathFor() is short, differs by data folder, and lies in a folder of the user\'s own', () => {
  const runtime = newFolder();
  const long = path.join(runtime, 'deep/'.repeat(40));
  const socket = socketPathFor(long, { XDG_RUNTIME_DIR: runtime });
  expect(path.dirname(path.dirname(socket))).toBe(runtime);
  expect(Buffer.byteLength(socket)).toBeLessThanOrEqual(102);
  expect(socketPathFor(long, { XDG_RUNTIME_DIR: runtime })).toBe(socket);
  expect(socketPathFor(`${long}x`, { XDG_RUNTIME_DIR: runtime })).not.toBe(socket);
  expect(statSync(path.dirname(socket)).mode & 0o777).toBe(0o700);
});

test.runIf(process.platform !== 'win32')('socketPathFor() passes over a runtime folder that is too long, absent, or open to others', () => {
  const root = newFolder();
  const tooLong = path.join(root, 'x'.repeat(100));
  mkdirSync(tooLong);
  const open = path.join(root, 'open');
  mkdirSync(path.join(open, `semcache-${process.getuid!()}`), { recursive: true });
  chmodSync(path.join(open, `semcache-${process.getuid!()}`), 0o777);
  const linked = path.join(root, 'linked');
  mkdirSync(linked);
  symlinkSync(root, path.join(linked, `semcache-${process.getuid!()}`));
  for (const runtime of [tooLong, open, linked, path.join(root, 'absent')]) {
    expect(socketPathFor('/data', { XDG_RUNTIME_DIR: runtime }).startsWith(runtime)).toBe(false);
  }
});

test('dataFolderOf() takes the choice before the environment before the system\'s place', () => {
  expect(dataFolderOf('/chosen', { SEMCACHE_DATA: '/set' })).toBe(path.resolve('/chosen'));
  expect(dataFolderOf(undefined, { SEMCACHE_DATA: '/set' })).toBe(path.resolve('/set'));
  expect(dataFolderOf(undefined, {})).toContain('semcache');
  expect(dataFolderOf('', { SEMCACHE_DATA: '' })).toBe(dataFolderOf(undefined, {}));
});
