// The vector spaces that are in use, in memory, kept true to a table that other processes write too.
// Owns: which spaces are held (the least recently searched go first beyond a bound) and how each catches up.
// Does not know: SQL. A source tells what was added to a space and what was removed anywhere.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Near, VectorSpace, type VectorRow } from './vectorSpace.ts';

export interface RemovedRow {
  row: number;
  space: string;
}

export interface VectorSource {
  count(space: string): number;
  /** Rows of a space above this number, in their order, at most `limit`. */
  added(space: string, afterRow: number, limit: number): VectorRow[];
  /** What was removed since the last call, by any process; null when that is no longer known in full. */
  removed(): RemovedRow[] | null;
  /** The vector of a row; null when it has gone. */
  read(row: number): Float32Array | null;
}

export interface IndexQuery {
  space: string;
  vector: Float32Array;
  k: number;
  now: number;
}

/** About 140,000 vectors of 384 numbers. A single space may be larger: it is held as long as it is searched. */
const defaultMaxBytes = 64 * 1024 * 1024;

/** Rows read in one turn of the event loop: a few milliseconds. */
const pageSize = 500;

export class VectorIndex {
  readonly #source: VectorSource;
  readonly #maxBytes: number;
  /** Least recently searched first. */
  readonly #held = new Map<string, { space: VectorSpace; sizeBytes: number }>();
  #sizeBytes = 0;

  constructor(source: VectorSource, maxBytes = defaultMaxBytes) {
    this.#source = source;
    this.#maxBytes = maxBytes;
  }

  /** What the spaces occupy in memory. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** The k nearest unexpired vectors of a space, nearest first. @throws vector-length-mismatch */
  async nearest({ space: name, vector, k, now }: IndexQuery): Promise<Near[]> {
    this.#forgetRemoved();
    const space = await this.#caughtUp(name);
    return space === null ? [] : space.nearest(vector, k, now, row => this.#source.read(row));
  }

  async #caughtUp(name: string): Promise<VectorSpace | null> {
    let space = this.#held.get(name)?.space ?? null;
    while (true) {
      const rows = this.#source.added(name, space?.lastRow ?? 0, pageSize);
      if (space === null && rows.length > 0) {
        space = new VectorSpace(rows[0]!.vector.length);
        if (rows.length === pageSize) space.reserve(this.#source.count(name));
      }
      for (const row of rows) space!.add(row);
      if (space !== null) this.#touch(name, space);
      if (rows.length < pageSize) return space;
      await nextTurn();
      this.#forgetRemoved();
    }
  }

  #touch(name: string, space: VectorSpace): void {
    this.#drop(name);
    this.#held.set(name, { space, sizeBytes: space.sizeBytes });
    this.#sizeBytes += space.sizeBytes;
    for (const oldest of this.#held.keys()) {
      if (this.#sizeBytes <= this.#maxBytes || oldest === name) return;
      this.#drop(oldest);
    }
  }

  #drop(name: string): void {
    this.#sizeBytes -= this.#held.get(name)?.sizeBytes ?? 0;
    this.#held.delete(name);
  }

  #forgetRemoved(): void {
    const removed = this.#source.removed();
    if (removed === null) for (const name of this.#held.keys()) this.#drop(name);
    else for (const { row, space } of removed) this.#held.get(space)?.space.remove(row);
  }
}
