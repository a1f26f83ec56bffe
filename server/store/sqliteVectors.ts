// The vectors table: written with each entry, read by the vector index.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Entry } from '../protocol/entry.ts';
import type { RemovedRow, VectorSource } from './vectorIndex.ts';
import type { VectorRow } from './vectorSpace.ts';
import { bytesFromVector, checkLength, vectorFromBytes } from './vectors.ts';

/** Removals that are remembered for other processes; one that is further behind reads its spaces anew. */
const rememberedRemovals = 10_000;

export class SqliteVectors implements VectorSource {
  readonly #deleteOf: StatementSync;
  readonly #insert: StatementSync;
  readonly #lengthIn: StatementSync;
  readonly #count: StatementSync;
  readonly #added: StatementSync;
  readonly #removed: StatementSync;
  readonly #read: StatementSync;
  readonly #trimRemoved: StatementSync;
  #lastRemoval: number;

  constructor(database: DatabaseSync) {
    this.#deleteOf = database.prepare('DELETE FROM vectors WHERE entry = ?');
    this.#insert = database.prepare('INSERT INTO vectors (entry, space, expires_at, vector) VALUES (?, ?, ?, ?)');
    this.#lengthIn = database.prepare('SELECT length(vector) / 4 AS length FROM vectors WHERE space = ? LIMIT 1');
    this.#count = database.prepare('SELECT count(*) AS count FROM vectors WHERE space = ?');
    this.#added = database.prepare('SELECT row, expires_at, vector FROM vectors WHERE space = ? AND row > ? ORDER BY row LIMIT ?');
    this.#removed = database.prepare('SELECT seq, row, space FROM removed_vectors WHERE seq > ? ORDER BY seq');
    this.#read = database.prepare('SELECT vector FROM vectors WHERE row = ?');
    this.#trimRemoved = database.prepare(
      `DELETE FROM removed_vectors WHERE seq <= (SELECT max(seq) FROM removed_vectors) - ${rememberedRemovals}`,
    );
    const last = database.prepare('SELECT coalesce(max(seq), 0) AS seq FROM removed_vectors').get()!;
    this.#lastRemoval = last.seq as number;
  }

  /** Within the caller's transaction. @throws vector-length-mismatch */
  replace(entryRow: number, entry: Entry): void {
    this.#deleteOf.run(entryRow);
    if (entry.vector === null || entry.fingerprint === null) return;
    const space = spaceOf(entry.scope, entry.fingerprint);
    const neighbour = this.#lengthIn.get(space);
    if (neighbour !== undefined) checkLength(entry.vector.length, neighbour.length as number);
    this.#insert.run(entryRow, space, entry.expiresAt, bytesFromVector(entry.vector));
  }

  /** Within the caller's transaction. */
  trimRemoved(): void {
    this.#trimRemoved.run();
  }

  count(space: string): number {
    return this.#count.get(space)!.count as number;
  }

  added(space: string, afterRow: number, limit: number): VectorRow[] {
    return this.#added.all(space, afterRow, limit).map(found => ({
      row: found.row as number,
      expiresAt: found.expires_at as number,
      vector: vectorFromBytes(found.vector as Uint8Array),
    }));
  }

  removed(): RemovedRow[] | null {
    const rows = this.#removed.all(this.#lastRemoval);
    if (rows.length === 0) return [];
    const complete = rows[0]!.seq === this.#lastRemoval + 1;
    this.#lastRemoval = rows[rows.length - 1]!.seq as number;
    return complete ? (rows as unknown as RemovedRow[]) : null;
  }

  read(row: number): Float32Array | null {
    const found = this.#read.get(row);
    return found === undefined ? null : vectorFromBytes(found.vector as Uint8Array);
  }
}

export function spaceOf(scope: string, fingerprint: string): string {
  return `${scope} ${fingerprint}`;
}
