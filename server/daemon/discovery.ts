// What the shared daemon leaves for windows to find it: a socket and a record with the token.
// Owns: their names, permissions and removal. Does not know: who connects; who may be the daemon (singleInstance.ts).
// Always true: a record or socket that another process has put in our place is never removed by us.

import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { SemcacheError } from '../protocol/errors.ts';
import { readRecord, recordFileIn, type DiscoveryRecord } from '../protocol/discovery.ts';
import { PROTOCOL_VERSION } from '../protocol/messages.ts';

/** sun_path holds 108 bytes on Linux and 104 on macOS with its final zero; libuv takes 107 and 102. */
const longestSocketPath = process.platform === 'darwin' ? 102 : 107;

/** The data folder, there and closed to others. */
export function preparedDataFolder(folder: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (process.platform !== 'win32' && (statSync(folder).mode & 0o077) !== 0) chmodSync(folder, 0o700);
  return folder;
}

/** Where the daemon of this data folder listens. Makes the folder that the socket needs. */
export function socketPathFor(dataFolder: string, env: NodeJS.ProcessEnv = process.env): string {
  const name = createHash('sha256').update(`${PROTOCOL_VERSION}\0${path.resolve(dataFolder)}`).digest('hex').slice(0, 16);
  if (process.platform === 'win32') {
    const user = createHash('sha256').update(os.userInfo().username).digest('hex').slice(0, 8);
    return `\\\\.\\pipe\\semcache-${user}-${name}`;
  }
  const folders = [env['XDG_RUNTIME_DIR'], os.tmpdir(), '/tmp'].filter(folder => folder !== undefined && folder !== '');
  for (const folder of folders) {
    const socket = path.join(folder!, `semcache-${process.getuid!()}`, `${name}.sock`);
    if (Buffer.byteLength(socket) <= longestSocketPath && isOwnFolder(path.dirname(socket))) return socket;
  }
  throw new SemcacheError(
    'daemon-unreachable',
    `No folder for the daemon's socket: none of ${folders.join(', ')} can hold a folder of this user's own. ` +
      'Windows start their own daemon instead. Set XDG_RUNTIME_DIR to a short path that only you can write to.',
  );
}

/** Makes the folder if it is absent. False when it is somebody else's, or open to others, who could then swap the socket. */
function isOwnFolder(folder: string): boolean {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false;
  }
  const facts = lstatSync(folder);
  return facts.isDirectory() && facts.uid === process.getuid!() && (facts.mode & 0o022) === 0;
}

export function newToken(): string {
  return randomBytes(32).toString('hex');
}

/** Readers see the old record or the new one, never a part. */
export function writeRecord(dataFolder: string, record: DiscoveryRecord): void {
  const file = recordFileIn(dataFolder);
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  renameSync(temporary, file);
}

/** Whether the record in this folder still names this daemon. */
export function isOurs(dataFolder: string, token: string): boolean {
  return readRecord(dataFolder)?.token === token;
}

export function removeRecord(dataFolder: string, token: string): void {
  if (isOurs(dataFolder, token)) rmSync(recordFileIn(dataFolder), { force: true });
}

/** What tells our socket file from one that another daemon has put in its place; null on Windows or when it is gone. */
export function socketIdentity(socket: string): number | null {
  if (process.platform === 'win32') return null;
  try {
    return statSync(socket).ino;
  } catch {
    return null;
  }
}
