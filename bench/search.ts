// store.nearest() on a real SQLite file: how long it takes, and how often it finds what an exact scan finds.
//
// The vectors are synthetic: topics, questions of a topic, wordings of a question, each a step away from the one above,
// in 384 dimensions with the falling spectrum that sentence embeddings have. Queries are wordings that were not stored.
// With real all-MiniLM-L6-v2 embeddings the nearest stored question is at a similar distance (about 0.2 in the middle).

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Entry } from '../server/protocol/entry.ts';
import { openSqliteStore } from '../server/store/sqliteStore.ts';
import type { Store } from '../server/store/store.ts';
import { percentile, type Row } from './row.ts';

export interface SearchFigures {
  entries: number;
  searchMs: { p50: number; p95: number };
  /** From a closed file to the first result, which reads the scope's vectors. */
  firstSearchMs: number;
  /** Entries with answers of 1,500 characters. */
  fileBytes: number;
  /** Share of queries whose first candidate is the nearest by an exact scan, 0..1. */
  recallAt1: number;
}

const dimensions = 384;
const sizes = [1_000, 10_000, 100_000];
const queries = 500;

export async function benchSearch(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const entries of sizes) {
    const { searchMs, firstSearchMs, recallAt1 } = await measureSearch(entries);
    const name = `search, ${entries.toLocaleString('en')} entries`;
    const what = `nearest 5 whole entries of one scope, as a decision looks at, synthetic vectors, recall@1 ${recallAt1.toFixed(4)} against an exact scan`;
    rows.push({ name: `${name}, p50`, value: searchMs.p50, unit: 'ms', what });
    rows.push({ name: `${name}, p95`, value: searchMs.p95, unit: 'ms', what });
    rows.push({ name: `${name}, first`, value: firstSearchMs, unit: 'ms', what: 'the same from a file that was just opened' });
  }
  return rows;
}

export async function measureSearch(entries: number): Promise<SearchFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'semcache-bench-'));
  const open = () => openSqliteStore(join(folder, 'cache.db'), { now: () => 0, maxEntries: entries });
  const wordings = wordingSource();
  const stored = Array.from({ length: entries }, () => wordings());
  const asked = Array.from({ length: queries }, () => wordings());
  try {
    const filled = open();
    for (const [i, vector] of stored.entries()) await filled.put(entryOf(i, vector));
    await filled.close();

    const store = open();
    const [firstSearchMs] = await timed(store, asked[0]!);
    for (const vector of asked.slice(0, 100)) await timed(store, vector);
    const found: [ms: number, distance: number][] = [];
    for (const vector of asked) found.push(await timed(store, vector));
    const times = found.map(([ms]) => ms);
    const right = found.filter(([, distance], i) => distance <= exactNearest(stored, asked[i]!) + 1e-6).length;
    const { bytes } = await store.size();
    await store.close();
    return {
      entries,
      searchMs: { p50: percentile(times, 0.5), p95: percentile(times, 0.95) },
      firstSearchMs,
      fileBytes: bytes,
      recallAt1: right / queries,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Milliseconds, and the distance of the first candidate. */
async function timed(store: Store, vector: Float32Array): Promise<[number, number]> {
  const begun = performance.now();
  const found = await store.nearest({ scope, fingerprint, vector, k: 5, instructionKey: '' });
  return [performance.now() - begun, found[0]?.distance ?? Infinity];
}

export function exactNearest(stored: Float32Array[], query: Float32Array): number {
  let largest = -1;
  for (const vector of stored) {
    let dot = 0;
    for (let i = 0; i < dimensions; i++) dot += vector[i]! * query[i]!;
    if (dot > largest) largest = dot;
  }
  return 1 - largest;
}

const scope = 'a'.repeat(64);
const fingerprint = 'bench';

function entryOf(i: number, vector: Float32Array): Entry {
  const text = `question ${i}`;
  return {
    id: text, scope, llmString: 'model', instruction: text, instructionKey: text, context: [], fingerprint, vector,
    generations: [{ text: 'An answer of the usual length. '.repeat(50) }], model: 'model', route: 'command', workspace: null,
    usage: null, upstreamMs: 1000, createdAt: 0, updatedAt: 0, expiresAt: 1, lastHitAt: null, hits: 0,
  };
}

/** Gives one wording after another: the same sequence in every run. */
export function wordingSource(): () => Float32Array {
  const random = randomSource(1);
  const step = (from: Float32Array, size: number) => normalised(from.map((value, i) => value + size * spectrum[i]! * normal(random)));
  const pick = <T>(from: T[]) => from[Math.floor(random() * from.length)]!;
  const common = step(new Float32Array(dimensions), 1);
  const topics = Array.from({ length: 200 }, () => step(common, 2));
  const questions = Array.from({ length: 20_000 }, () => step(pick(topics), 0.8));
  return () => step(pick(questions), 0.3 + 0.4 * random());
}

/** How far vectors vary along each dimension: falling, with a sum of squares of 1. */
const spectrum = normalised(Float32Array.from({ length: dimensions }, (_, i) => 1 / Math.sqrt(1 + i / 30)));

function normalised(vector: Float32Array): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const norm = Math.sqrt(squares);
  return vector.map(value => value / norm);
}

/** Box and Muller's transform. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Mulberry32: numbers in 0..1, the same for the same seed. */
function randomSource(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
