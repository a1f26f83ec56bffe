import { expect, test } from 'vitest';
import { bytesFromVector, cosineDistance, vectorFromBytes } from '../../../../server/store/vectors.ts';
import { axis, normalised, scattered } from '../../../contract/entries.ts';

test.each([
  { what: 'the same direction', b: axis(0), distance: 0 },
  { what: 'unrelated vectors', b: axis(1), distance: 1 },
  { what: 'opposite vectors', b: axis(0, -1), distance: 2 },
])('cosineDistance() of $what is $distance', ({ b, distance }) => {
  expect(cosineDistance(axis(0), b)).toBe(distance);
});

test('cosineDistance() of a vector and its copy is 0, whatever its numbers', () => {
  for (let seed = 0; seed < 500; seed++) expect(cosineDistance(scattered(seed), scattered(seed).slice())).toBe(0);
});

test('cosineDistance() of vectors that differ in the last bit of one number is above 0', () => {
  for (let seed = 0; seed < 500; seed++) {
    const vector = scattered(seed);
    const other = vector.slice();
    const bits = new Uint32Array(other.buffer);
    bits[seed % 384]! ^= 1;
    expect(cosineDistance(vector, other)).toBeGreaterThan(0);
  }
});

test('cosineDistance() is 1 - dot product', () => {
  const a = scattered(1);
  const b = normalised(scattered(2).map((value, i) => value + a[i]!));
  const dot = a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  expect(cosineDistance(a, b)).toBeCloseTo(1 - dot, 6);
});

test('cosineDistance() is never above 2', () => {
  const long = axis(0, 1.001);
  expect(cosineDistance(long, axis(0, -1))).toBe(2);
});

test('cosineDistance() refuses vectors of two lengths and names both', () => {
  expect(() => cosineDistance(new Float32Array(3), new Float32Array(4))).toThrow(
    expect.objectContaining({ code: 'vector-length-mismatch', message: expect.stringMatching(/\b3\b.*\b4\b/) }),
  );
});

test('bytesFromVector() writes little-endian float32', () => {
  expect([...bytesFromVector(new Float32Array([1, -2]))]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
});

test('vectorFromBytes() gives back what bytesFromVector() wrote, from any offset', () => {
  const vector = scattered(7);
  const shifted = new Uint8Array(vector.length * 4 + 3);
  shifted.set(bytesFromVector(vector), 3);
  expect(vectorFromBytes(shifted.subarray(3))).toEqual(vector);
});

test('vectorFromBytes() refuses a number that is cut off', () => {
  expect(() => vectorFromBytes(new Uint8Array(7))).toThrow(expect.objectContaining({ code: 'vector-length-mismatch' }));
});
