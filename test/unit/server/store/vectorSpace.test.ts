import { expect, test } from 'vitest';
import { cosineDistance } from '../../../../server/store/vectors.ts';
import { VectorSpace } from '../../../../server/store/vectorSpace.ts';
import { normalised, scattered } from '../../../contract/entries.ts';

/** Like instructions: around one of a few dozen topics, the more the smaller `spread`. */
function near(seed: number, spread: number): Float32Array {
  const topic = scattered(1_000_000 + (seed % 40));
  const own = scattered(seed);
  return normalised(topic.map((value, i) => value + spread * own[i]!));
}

function spaceOf(count: number, spread = 0.7) {
  const vectors = Array.from({ length: count }, (_, row) => near(row, spread));
  const space = new VectorSpace(384);
  vectors.forEach((vector, i) => space.add({ row: i + 1, expiresAt: 1000, vector }));
  const gone = new Set<number>();
  const nearest = (query: Float32Array, k: number, now = 0) =>
    space.nearest(query, k, now, row => (gone.has(row) ? null : vectors[row - 1]!)).map(({ row, distance }) => ({ row, distance }));
  const exact = (query: Float32Array, k: number, allowed: (row: number) => boolean = () => true) =>
    vectors
      .map((vector, i) => ({ row: i + 1, distance: cosineDistance(query, vector) }))
      .filter(({ row }) => allowed(row))
      .sort((a, b) => a.distance - b.distance)
      .slice(0, k);
  return { space, vectors, gone, nearest, exact };
}

test.each([1, 8, 100, 512])('nearest() among %i vectors is what an exact scan finds, in order', count => {
  const { nearest, exact } = spaceOf(count);
  for (let seed = 5000; seed < 5030; seed++) expect(nearest(near(seed, 0.7), 8)).toEqual(exact(near(seed, 0.7), 8));
});

test('nearest() among 5,000 vectors finds the nearest for 60 of 60 queries', () => {
  const { nearest, exact } = spaceOf(5000);
  for (let seed = 9000; seed < 9060; seed++) expect(nearest(near(seed, 0.7), 1)).toEqual(exact(near(seed, 0.7), 1));
});

test('nearest() finds the nearest when all vectors share a large part', () => {
  const { nearest, exact } = spaceOf(3000, 0.2);
  for (let seed = 9000; seed < 9050; seed++) expect(nearest(near(seed, 0.2), 1)).toEqual(exact(near(seed, 0.2), 1));
});

test('nearest() gives none of the removed, expired or gone rows', () => {
  const { space, vectors, nearest, exact, gone } = spaceOf(2000);
  for (let row = 1; row <= 2000; row += 2) space.remove(row);
  gone.add(4);
  const expected = exact(vectors[3]!, 5, row => row % 2 === 0 && row !== 4);
  expect(nearest(vectors[3]!, 5)).toEqual(expected);
  expect(nearest(vectors[3]!, 5)).toEqual(expected);
  expect(nearest(vectors[3]!, 5, 999)).toEqual(expected);
  expect(nearest(vectors[3]!, 5, 1000)).toEqual([]);
});

test('nearest() stays right while vectors come and go for long', () => {
  const space = new VectorSpace(384);
  const live = new Map<number, Float32Array>();
  for (let row = 1; row <= 6000; row++) {
    live.set(row, near(row, 0.7));
    space.add({ row, expiresAt: Infinity, vector: live.get(row)! });
    if (row > 800) {
      space.remove(row - 800);
      live.delete(row - 800);
    }
    if (row % 500 !== 0) continue;
    const query = near(row + 10_000, 0.7);
    const [expected] = [...live].map(([at, vector]) => ({ row: at, distance: cosineDistance(query, vector) })).sort((a, b) => a.distance - b.distance);
    const [found] = space.nearest(query, 1, 0, at => live.get(at) ?? null);
    expect({ row: found!.row, distance: found!.distance }).toEqual(expected);
  }
  expect(space.sizeBytes).toBeLessThan(3 * 800 * (384 + 48 + 24));
});

test.each([3, 100, 768, 1000])('vectors of %i numbers work as well', dimensions => {
  const space = new VectorSpace(dimensions);
  const vectors = Array.from({ length: 700 }, (_, i) => normalised(Float32Array.from({ length: dimensions }, (_, d) => Math.sin(i * 7 + d * (i + 1)))));
  vectors.forEach((vector, i) => space.add({ row: i + 1, expiresAt: Infinity, vector }));
  for (const row of [1, 350, 700]) {
    const [found] = space.nearest(vectors[row - 1]!, 1, 0, at => vectors[at - 1]!);
    expect(found!.distance).toBe(0);
  }
});

test('a vector of another length is refused', () => {
  const { space, nearest } = spaceOf(1);
  expect(() => space.add({ row: 2, expiresAt: 1, vector: new Float32Array(3) })).toThrow(expect.objectContaining({ code: 'vector-length-mismatch' }));
  expect(() => nearest(new Float32Array(3), 1)).toThrow(expect.objectContaining({ code: 'vector-length-mismatch' }));
});
