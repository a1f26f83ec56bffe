// Vectors from words, for tests of what surrounds an embedder: texts with equal words have distance 0, texts without
// a common word have distance 1. Meaning is tested with the real model.

import { createHash } from 'node:crypto';
import type { Embedder } from '../../server/embedding/embedder.ts';

export class WordEmbedder implements Embedder {
  readonly fingerprint: string;
  readonly dimensions = 512;
  readonly embedded: string[] = [];
  /** Thrown by the next calls while set. */
  failure: Error | null = null;

  constructor(fingerprint = 'words-512') {
    this.fingerprint = fingerprint;
  }

  async embed(texts: string[]): Promise<Float32Array[]> {
    if (this.failure !== null) throw this.failure;
    this.embedded.push(...texts);
    return texts.map(text => {
      const vector = new Float32Array(this.dimensions);
      for (const word of new Set(text.toLowerCase().match(/\w+/g) ?? [])) {
        vector[createHash('md5').update(word).digest().readUInt16LE(0) % this.dimensions]! += 1;
      }
      const norm = Math.hypot(...vector);
      return norm === 0 ? vector : vector.map(value => value / norm);
    });
  }

  async close(): Promise<void> {}
}
