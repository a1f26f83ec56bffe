// Opens the store of a data folder, whatever state it is in.
// Owns: what happens to a file that cannot be used. Always true: nothing is deleted; such a file is moved aside.

import { existsSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, SemcacheError } from '../protocol/errors.ts';
import { damageSuffix, isInUse } from './sqliteFile.ts';
import { openSqliteStore } from './sqliteStore.ts';
import type { Store, StoreOptions } from './store.ts';

export interface OpenedStore {
  store: Store;
  /** What a person should know about the opening, one sentence or two each; empty when all is well. */
  notices: string[];
}

/**
 * The store in `dataFolder`/cache.db. A damaged file, or one that a newer Semcache wrote and none is using, is moved
 * aside and the cache starts empty.
 * @throws SemcacheError store-unreachable; store-too-new while the newer Semcache is running
 */
export function openStore(dataFolder: string, options: StoreOptions): OpenedStore {
  const path = join(dataFolder, 'cache.db');
  const before = fileNumber(path);
  try {
    if (existsSync(path + damageSuffix)) throw damageWasMet(path);
    return { store: openSqliteStore(path, options), notices: [] };
  } catch (error) {
    if (!(error instanceof SemcacheError) || !canMoveAside(error, path)) throw error;
    // Another process may have met the same and moved it in the meantime; its new file stays.
    const notices = before === fileNumber(path) ? [moveAside(path, error, options.now())] : [];
    return { store: openSqliteStore(path, options), notices };
  }
}

function canMoveAside(error: SemcacheError, path: string): boolean {
  return error.code === 'store-damaged' || (error.code === 'store-too-new' && !isInUse(path));
}

function damageWasMet(path: string): SemcacheError {
  const reason = readFileSync(path + damageSuffix, 'utf8').trim();
  return new SemcacheError('store-damaged', `The cache file ${path} was found damaged when it was last used.`, reason);
}

/** Renames the file with all that SQLite and we keep beside it. Returns what to tell the person. */
function moveAside(path: string, reason: SemcacheError, now: number): string {
  const target = freeName(path, `${reason.code === 'store-damaged' ? 'damaged' : 'newer'}-${dateText(now)}`);
  try {
    for (const suffix of ['-wal', '-shm', damageSuffix, '']) {
      if (existsSync(path + suffix)) renameSync(path + suffix, target + suffix);
    }
  } catch (error) {
    throw new SemcacheError(
      reason.code,
      `${reason.message} It could not be moved aside to ${target} (${messageOf(error)}): close every program that uses it, then start Semcache again.`,
      error,
    );
  }
  const cause = reason.cause === undefined ? '' : ` (${messageOf(reason.cause)})`;
  return reason.code === 'store-damaged'
    ? `The cache file was damaged${cause} and has been moved to ${target}. The cache starts empty; nothing was deleted.`
    : `The cache file was written by a newer Semcache and has been moved to ${target}. The cache starts empty; ` +
      `to have it back, update Semcache and rename that file to ${path}.`;
}

function freeName(path: string, words: string): string {
  for (let attempt = 1; ; attempt++) {
    const name = path.replace(/\.db$/, `-${words}${attempt === 1 ? '' : `-${attempt}`}.db`);
    if (!existsSync(name)) return name;
  }
}

function dateText(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z').replaceAll(':', '-');
}

/** Tells one file from another that took its name; null when there is none. */
function fileNumber(path: string): bigint | null {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino ?? null;
}
