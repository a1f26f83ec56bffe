// One SQLite file: who may read it, how it is opened, and what its errors mean to a person.
// Always true: a commit survives the death of this process at any moment (it is in the write-ahead log, which the
// system holds); the death of the machine may lose the latest commits, never the file.

import { chmodSync, closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { messageOf, SemcacheError } from '../protocol/errors.ts';
import { upgradeSchema } from './sqliteSchema.ts';

/** How long a write waits for another process to finish its own; each takes a few milliseconds. */
const busyTimeoutMs = 3000;

/** Ends the name of a note beside a file in which damage was met while it was in use; the next start moves both aside. */
export const damageSuffix = '.damaged';

/**
 * Opens or creates the file (0600; a folder made for it 0700) with the newest schema.
 * @throws SemcacheError store-unreachable, store-damaged, store-too-new
 */
export function openSqliteFile(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // SQLite gives its -wal and -shm files the mode of the main file.
    closeSync(openSync(path, 'a', 0o600));
    chmodSync(path, 0o600);
    database = new DatabaseSync(path, { timeout: busyTimeoutMs });
    // Lets clear() give room back; without effect once there are tables.
    database.exec('PRAGMA auto_vacuum = INCREMENTAL');
    useWriteAheadLog(database);
    database.exec('PRAGMA synchronous = NORMAL');
    upgradeSchema(database, path);
    return database;
  } catch (error) {
    database?.close();
    throw openError(error, path);
  }
}

/** Whether another connection, of any process and any version of Semcache, has this file open. */
export function isInUse(path: string): boolean {
  const database = new DatabaseSync(path);
  try {
    // Leaving the write-ahead log needs the file alone. What the log holds is then in the file itself.
    return database.prepare('PRAGMA journal_mode = DELETE').get()!.journal_mode !== 'delete';
  } catch (error) {
    if (primaryCode(error) === sqliteBusy) return true;
    throw openError(error, path);
  } finally {
    database.close();
  }
}

/** What went wrong while a file was opened. */
export function openError(error: unknown, path: string): SemcacheError {
  if (error instanceof SemcacheError) return error;
  // Our statements are right for our tables, so an error in one says that the file's tables are not ours.
  const damaged = isDamage(error) || primaryCode(error) === sqliteError;
  return damaged ? damageError(error, path) : unreachableError(error, path);
}

/** What went wrong while a file was in use. Damage is noted beside the file, for the next start. */
export function useError(error: unknown, path: string): SemcacheError {
  if (error instanceof SemcacheError) return error;
  if (!isDamage(error)) return unreachableError(error, path);
  markDamaged(path, messageOf(error));
  return damageError(error, path);
}

function unreachableError(error: unknown, path: string): SemcacheError {
  return new SemcacheError(
    'store-unreachable',
    `Cannot use the cache file ${path}: ${messageOf(error)}. Prompts go straight to the model until it can be used. ` +
      'See that its folder exists, belongs to you, can be written, and has room, and that no other program holds the file.',
    error,
  );
}

function damageError(error: unknown, path: string): SemcacheError {
  return new SemcacheError(
    'store-damaged',
    `The cache file ${path} is damaged: ${messageOf(error)}. Prompts go straight to the model. ` +
      'Restart Semcache: the file is then moved aside and the cache starts empty.',
    error,
  );
}

/** Turning it on needs the file alone for a moment and does not wait for it by itself, so two first starts may collide. */
function useWriteAheadLog(database: DatabaseSync): void {
  const mode = database.prepare('PRAGMA journal_mode');
  if (mode.get()!.journal_mode === 'wal') return;
  for (const deadline = performance.now() + busyTimeoutMs; ; ) {
    try {
      database.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (primaryCode(error) !== sqliteBusy || performance.now() > deadline) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

/** https://sqlite.org/rescode.html */
const sqliteError = 1;
const sqliteBusy = 5;
const sqliteCorrupt = 11;
const sqliteNotADatabase = 26;

function isDamage(error: unknown): boolean {
  const code = primaryCode(error);
  return code === sqliteCorrupt || code === sqliteNotADatabase;
}

function primaryCode(error: unknown): number {
  return error instanceof Error && 'errcode' in error ? (error.errcode as number) & 0xff : 0;
}

/** Notes beside a file that it is damaged, so that the next start moves it aside. */
export function markDamaged(path: string, reason: string): void {
  try {
    writeFileSync(path + damageSuffix, `${reason}\n`, { mode: 0o600 });
  } catch {
    // A folder that cannot be written: the next start meets the damage again.
  }
}
