import { expect, test } from 'vitest';
import { type RemovedRow, VectorIndex, type VectorSource } from '../../../../server/store/vectorIndex.ts';
import type { VectorRow } from '../../../../server/store/vectorSpace.ts';
import { scattered } from '../../../contract/entries.ts';

/** A table in memory that tells what was read from it. */
class Table implements VectorSource {
  readonly rows: (VectorRow & { space: string })[] = [];
  removals: RemovedRow[] | null = [];
  readRows = 0;

  put(space: string, seed: number): number {
    const row = (this.rows.at(-1)?.row ?? 0) + 1;
    this.rows.push({ row, space, expiresAt: Infinity, vector: scattered(seed) });
    return row;
  }

  remove(row: number): void {
    const [removed] = this.rows.splice(this.rows.findIndex(found => found.row === row), 1);
    this.removals?.push({ row, space: removed!.space });
  }

  count(space: string): number {
    return this.rows.filter(row => row.space === space).length;
  }

  added(space: string, afterRow: number, limit: number): VectorRow[] {
    const found = this.rows.filter(row => row.space === space && row.row > afterRow).slice(0, limit);
    this.readRows += found.length;
    return found;
  }

  removed(): RemovedRow[] | null {
    const { removals } = this;
    this.removals = [];
    return removals;
  }

  read(row: number): Float32Array | null {
    return this.rows.find(found => found.row === row)?.vector ?? null;
  }
}

const ask = (space: string, seed: number) => ({ space, vector: scattered(seed), k: 1, now: 0 });
const rowsOf = async (index: VectorIndex, space: string, seed: number) => (await index.nearest(ask(space, seed))).map(({ row }) => row);

test('a space that nobody wrote to has nothing, and takes no memory', async () => {
  const index = new VectorIndex(new Table());
  expect(await index.nearest(ask('a', 1))).toEqual([]);
  expect(index.sizeBytes).toBe(0);
});

test('a search reads each row of its space once, and none of another', async () => {
  const table = new Table();
  const index = new VectorIndex(table);
  for (let seed = 0; seed < 20; seed++) table.put(seed % 2 === 0 ? 'a' : 'b', seed);
  await index.nearest(ask('a', 0));
  await index.nearest(ask('a', 2));
  expect(table.readRows).toBe(10);
  table.put('a', 30);
  expect(await rowsOf(index, 'a', 30)).toEqual([21]);
  expect(table.readRows).toBe(11);
});

test('rows that were added or removed by others are seen by the next search', async () => {
  const table = new Table();
  const index = new VectorIndex(table);
  const first = table.put('a', 1);
  expect(await rowsOf(index, 'a', 1)).toEqual([first]);
  const second = table.put('a', 2);
  expect(await rowsOf(index, 'a', 2)).toEqual([second]);
  table.remove(second);
  expect(await rowsOf(index, 'a', 2)).toEqual([first]);
});

test('when removals are no longer known in full, spaces are read anew', async () => {
  const table = new Table();
  const index = new VectorIndex(table);
  const [first, second] = [table.put('a', 1), table.put('a', 2)];
  await index.nearest(ask('a', 1));
  table.remove(second!);
  table.removals = null;
  expect(await rowsOf(index, 'a', 2)).toEqual([first]);
  expect(table.readRows).toBe(3);
});

test('a space of several pages is loaded whole, also by two searches at once', async () => {
  const table = new Table();
  const index = new VectorIndex(table);
  for (let seed = 0; seed < 3500; seed++) table.put('a', seed);
  const both = await Promise.all([rowsOf(index, 'a', 3499), rowsOf(index, 'a', 0)]);
  expect(both).toEqual([[3500], [1]]);
  expect(table.readRows).toBe(3500);
});

test('beyond its bound the least recently searched space is given up, and read anew when it is searched', async () => {
  const table = new Table();
  for (const space of ['a', 'b', 'c']) for (let seed = 0; seed < 10; seed++) table.put(space, seed);
  const alone = new VectorIndex(table);
  await alone.nearest(ask('a', 0));
  const index = new VectorIndex(table, alone.sizeBytes * 2);
  for (const space of ['a', 'b', 'a', 'c']) await index.nearest(ask(space, 0));
  expect(index.sizeBytes).toBe(alone.sizeBytes * 2);
  const before = table.readRows;
  await index.nearest(ask('a', 0));
  expect(table.readRows).toBe(before);
  expect(await index.nearest(ask('b', 0))).toHaveLength(1);
  expect(table.readRows).toBe(before + 10);
});

test('a space larger than the bound is still searched', async () => {
  const table = new Table();
  const row = table.put('a', 1);
  expect(await rowsOf(new VectorIndex(table, 1), 'a', 1)).toEqual([row]);
});
