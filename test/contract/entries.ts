// Entries and vectors for tests of stores.

import type { Entry } from '../../server/protocol/entry.ts';

const dimensions = 384;
const hour = 3_600_000;

/** An entry with the id 'entry' in 'scope', good for an hour; `changes` over it. */
export function anEntry(now: number, changes: Partial<Entry> = {}): Entry {
  return {
    id: 'entry',
    scope: 'scope',
    llmString: 'model a',
    instruction: 'how do I reverse a list',
    instructionKey: 'key',
    context: [],
    fingerprint: 'embedder',
    vector: axis(0),
    generations: [{ text: 'answer' }],
    model: 'model a',
    route: 'command',
    workspace: null,
    usage: null,
    upstreamMs: 1500,
    createdAt: now,
    updatedAt: now,
    expiresAt: now + hour,
    lastHitAt: null,
    hits: 0,
    ...changes,
  };
}

/** An entry with something in every field. */
export function fullEntry(now: number): Entry {
  return anEntry(now, {
    id: 'full',
    scope: 'scope of full',
    llmString: '{"model":"x","temperature":0}',
    context: [{ kind: 'selection', name: 'src/a.ts', sha256: 'ab'.repeat(32) }],
    fingerprint: 'all-MiniLM-L6-v2 1a2b 384 mean',
    vector: scattered(42),
    generations: [{ text: 'Use reversed().', generationInfo: { finish_reason: 'stop' } }, { text: 'Use [::-1].' }],
    route: 'model-provider',
    workspace: 'workspace hash',
    usage: { promptTokens: 12, completionTokens: 34, estimated: true },
    upstreamMs: 1234.5,
    createdAt: now - 5000,
    updatedAt: now - 1000,
    lastHitAt: now - 500,
    hits: 3,
  });
}

/** The unit vector along one dimension. */
export function axis(dimension: number, length = 1): Float32Array {
  const vector = new Float32Array(dimensions);
  vector[dimension] = length;
  return vector;
}

/** A unit vector that is the same for the same seed and unlike that of any other. */
export function scattered(seed: number): Float32Array {
  let state = Math.imul(seed + 1, 2654435761) >>> 0;
  const vector = new Float32Array(dimensions);
  for (let i = 0; i < dimensions; i++) {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 374761393) >>> 0;
    vector[i] = state / 2 ** 31 - 1;
  }
  return normalised(vector);
}

export function normalised(vector: Float32Array): Float32Array {
  const norm = Math.hypot(...vector);
  return vector.map(value => value / norm);
}
