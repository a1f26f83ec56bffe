// Arithmetic on embeddings. Owns: what "distance" means in every store, and how a vector lies on disk.
// Does not know: which distance is near enough.

import { SemcacheError } from '../protocol/errors.ts';

/**
 * Cosine distance between two embeddings: 0 identical, 1 unrelated, 2 opposite. Smaller is closer.
 *
 * Shapes: equal length, each of norm 1 (the embedder normalises). Then 1 - cos = |a - b|² / 2, which is taken here
 *         because it is exactly 0 for identical vectors and for no others, where 1 - dot product is off by rounding.
 * Units:  none; clamped to 2.
 * Errors: vector-length-mismatch; an index made by another model is the usual reason.
 */
export function cosineDistance(a: Float32Array, b: Float32Array): number {
  checkLength(a.length, b.length);
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = a[i]! - b[i]!;
    sum += difference * difference;
  }
  return Math.min(2, sum / 2);
}

/** @throws vector-length-mismatch */
export function checkLength(found: number, wanted: number): void {
  if (found === wanted) return;
  throw new SemcacheError(
    'vector-length-mismatch',
    `A vector of ${found} numbers met vectors of ${wanted} under the same embedder fingerprint, so they cannot be compared. ` +
      'The embedder changed without changing its fingerprint: clear the cache, or set the earlier embedding model again.',
  );
}

/** Little-endian float32, four bytes a number: the layout that LangChain and Redis use. */
export function bytesFromVector(vector: Float32Array): Uint8Array {
  const bytes = new Uint8Array(vector.length * 4);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < vector.length; i++) view.setFloat32(i * 4, vector[i]!, true);
  return bytes;
}

/** The reverse of `bytesFromVector`. @throws vector-length-mismatch when a number is cut off */
export function vectorFromBytes(bytes: Uint8Array): Float32Array {
  if (bytes.length % 4 !== 0) checkLength(bytes.length / 4, Math.floor(bytes.length / 4));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const vector = new Float32Array(bytes.length / 4);
  for (let i = 0; i < vector.length; i++) vector[i] = view.getFloat32(i * 4, true);
  return vector;
}
