// What could not be written to Redis, kept on this machine until it can: answers, rulings and counts.
// Owns: one SQLite file of its own. Does not know: Redis.
// Always true: what add…() took survives this process; an answer leaves only when `delivered()` names the very update
// that was delivered, so a newer one that came meanwhile stays; an answer that waits twice waits once, as its newest.

import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Entry, EntryFilter, Ruling } from '../protocol/entry.ts';
import { messageOf, SemcacheError } from '../protocol/errors.ts';
import type { CountsDelta } from './store.ts';
import { fits, isEverything } from './summary.ts';
import { bytesFromVector, vectorFromBytes } from './vectors.ts';

const busyTimeoutMs = 3000;

export class RedisSpool {
  readonly #database: DatabaseSync;

  /** @throws SemcacheError store-unreachable */
  constructor(path: string) {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      closeSync(openSync(path, 'a', 0o600));
      chmodSync(path, 0o600);
      this.#database = new DatabaseSync(path, { timeout: busyTimeoutMs });
      this.#database.exec(`
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = NORMAL;
        CREATE TABLE IF NOT EXISTS answers (id TEXT PRIMARY KEY, updatedAt REAL NOT NULL, expiresAt REAL NOT NULL, entry TEXT NOT NULL, vector BLOB) STRICT;
        CREATE TABLE IF NOT EXISTS rulings (a TEXT NOT NULL, b TEXT NOT NULL, same INTEGER NOT NULL, createdAt REAL NOT NULL, PRIMARY KEY (a, b)) STRICT;
        CREATE TABLE IF NOT EXISTS counts (number INTEGER PRIMARY KEY, delta TEXT NOT NULL) STRICT;
      `);
    } catch (error) {
      throw new SemcacheError(
        'store-unreachable',
        `Cannot use ${path}, where answers wait while Redis is away: ${messageOf(error)}. Answers of such a time would be lost. ` +
          'See that its folder belongs to you, can be written, and has room.',
        error,
      );
    }
  }

  add({ vector, ...entry }: Entry): void {
    this.#database
      .prepare(
        `INSERT INTO answers VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET updatedAt = excluded.updatedAt,
         expiresAt = excluded.expiresAt, entry = excluded.entry, vector = excluded.vector WHERE excluded.updatedAt >= answers.updatedAt`,
      )
      .run(entry.id, entry.updatedAt, entry.expiresAt, JSON.stringify(entry), vector === null ? null : bytesFromVector(vector));
  }

  /** The answers that wait longest, at most `limit`; those whose time is over are dropped. */
  waiting(now: number, limit: number): Entry[] {
    this.#database.prepare('DELETE FROM answers WHERE expiresAt <= ?').run(now);
    const rows = this.#database.prepare('SELECT entry, vector FROM answers ORDER BY updatedAt, id LIMIT ?').all(limit);
    return rows.map(({ entry, vector }) => ({
      ...(JSON.parse(entry as string) as Omit<Entry, 'vector'>),
      vector: vector === null ? null : vectorFromBytes(vector as Uint8Array),
    }));
  }

  delivered({ id, updatedAt }: Pick<Entry, 'id' | 'updatedAt'>): void {
    this.#database.prepare('DELETE FROM answers WHERE id = ? AND updatedAt = ?').run(id, updatedAt);
  }

  /** Removes the answers that fit, with an empty filter the rulings too; resolves to how many answers. */
  clear(filter: EntryFilter): number {
    const all = this.#database.prepare('SELECT id, entry FROM answers').all();
    const fitting = all.filter(({ entry }) => fits({ vector: null, ...(JSON.parse(entry as string) as Omit<Entry, 'vector'>) }, filter));
    for (const { id } of fitting) this.#database.prepare('DELETE FROM answers WHERE id = ?').run(id as string);
    if (isEverything(filter)) this.#database.exec('DELETE FROM rulings');
    return fitting.length;
  }

  get answers(): number {
    return Number(this.#database.prepare('SELECT count(*) AS n FROM answers').get()!.n);
  }

  addRuling({ a, b, same, createdAt }: Ruling): void {
    this.#database
      .prepare(
        `INSERT INTO rulings VALUES (?, ?, ?, ?) ON CONFLICT (a, b) DO UPDATE SET same = excluded.same,
         createdAt = excluded.createdAt WHERE excluded.createdAt >= rulings.createdAt`,
      )
      .run(...([a, b].sort() as [string, string]), Number(same), createdAt);
  }

  rulings(): Ruling[] {
    const rows = this.#database.prepare('SELECT a, b, same, createdAt FROM rulings').all();
    return rows.map(row => ({ a: row.a as string, b: row.b as string, same: row.same === 1, createdAt: row.createdAt as number }));
  }

  rulingDelivered({ a, b, createdAt }: Ruling): void {
    this.#database.prepare('DELETE FROM rulings WHERE a = ? AND b = ? AND createdAt = ?').run(a, b, createdAt);
  }

  addCounts(delta: CountsDelta): void {
    this.#database.prepare('INSERT INTO counts (delta) VALUES (?)').run(JSON.stringify(delta));
  }

  /** Takes all counts away at once: two processes never deliver the same. */
  takeCounts(): CountsDelta[] {
    return this.#database.prepare('DELETE FROM counts RETURNING delta').all().map(({ delta }) => JSON.parse(delta as string) as CountsDelta);
  }

  close(): void {
    this.#database.close();
  }
}
