// The vectors themselves, in both runtimes, against vectors that were made without our code (test/fixtures/embeddings/make.py).
//
// The model is quantised on the run: a difference of 1e-7 between two builds of the runtime can move a rounding, and with it the
// vector. Over 253 short instructions native and WASM differ by a distance of 0 at the median, 0.004 at p95, 0.012 at most. A wrong
// token, a padding, a pooling over other tokens or a text in a batch moves it farther than that on many of these texts.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { bundledModelFolder, openMiniLmEmbedder } from '../../../../server/embedding/miniLmEmbedder.ts';
import type { MiniLmEmbedder } from '../../../../server/embedding/miniLmEmbedder.ts';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

const references = JSON.parse(
  readFileSync(new URL('../../../fixtures/embeddings/vectors.json', import.meta.url), 'utf8'),
) as { text: string; tokens: number[]; vector: number[] }[];

const embedders = {} as Record<'native' | 'wasm', MiniLmEmbedder>;
beforeAll(async () => {
  for (const runtime of ['native', 'wasm'] as const) {
    embedders[runtime] = await openMiniLmEmbedder({ modelFolder: bundledModelFolder, deadlineMs: 80_000, runtime });
  }
  await Promise.all(Object.values(embedders).map(embedder => embedder.ready));
});
afterAll(() => Promise.all(Object.values(embedders).map(embedder => embedder.close())));

test('the native runtime is really loaded, and only once', () => {
  const report = process.report.getReport() as unknown as { sharedObjects: string[] };
  expect(report.sharedObjects.filter(file => file.includes('onnxruntime_binding'))).toHaveLength(1);
  expect(embedders.native.runtime).toBe('native');
  expect(embedders.wasm.runtime).toBe('wasm');
});

describe.each(['native', 'wasm'] as const)('%s', runtime => {
  const embed = async (...texts: string[]): Promise<Float32Array[]> => embedders[runtime].embed(texts);

  test('embed() gives the distances that are known of this model', async () => {
    const [on, off, theme] = await embed('turn on dark mode', 'turn off dark mode', 'enable the dark theme');
    expect(cosine(on!, off!)).toBeCloseTo(0.9466, 3);
    expect(cosine(on!, theme!)).toBeCloseTo(0.7193, 3);
  });

  test.each(references.map(({ text, ...rest }) => ({ start: text.slice(0, 40), text, ...rest })))(
    'embed() gives the reference vector of "$start"',
    async ({ text, vector }) => {
      const [found] = await embed(text);
      expect(1 - cosine(found!, vector)).toBeLessThan(0.02);
    },
  );

  test('embed() reads past the 128 tokens at which the tokenizer file would cut', async () => {
    const start = 'The quick brown fox jumps over the lazy dog again. '.repeat(18);
    const [a, b] = await embed(`${start}Now sort it upwards.`, `${start}Now delete the file.`);
    expect(cosine(a!, b!)).toBeLessThan(0.999);
  });

  test('embed() barely moves when a text grows past the 510 tokens of one window', async () => {
    const words = 'each step of the pipeline may be retried on its own '.repeat(60).split(' ');
    const [inside, beyond] = await embed(words.slice(0, 505).join(' '), words.slice(0, 515).join(' '));
    expect(cosine(inside!, beyond!)).toBeGreaterThan(0.98);
  });
});

test('embed() reads the last sentence of 3,000 words', async () => {
  const start = 'Every step of the long pipeline can be retried without any harm. '.repeat(250);
  const [a, b] = await embedders.native.embed([`${start}Sort it upwards.`, `${start}Delete the file.`]);
  expect(1 - cosine(a!, b!)).toBeGreaterThan(1e-5);
});

test('native and WASM give the same vectors to 1e-3 where no rounding moves, and nearly the same elsewhere', async () => {
  const texts = references.map(({ text }) => text);
  const [native, wasm] = await Promise.all([embedders.native.embed(texts), embedders.wasm.embed(texts)]);
  const differences = native.map((vector, i) => largestDifference(vector, wasm[i]!));
  expect(differences.slice(0, 4).filter(difference => difference > 1e-3)).toEqual([]);
  for (const [i, vector] of native.entries()) expect(1 - cosine(vector, wasm[i]!)).toBeLessThan(0.02);
});

test('the fingerprint names model, weights, pooling, dimensions and windows, and not the runtime', () => {
  expect(embedders.native.fingerprint).toBe('all-MiniLM-L6-v2@afdb6f1a0e45/mean/384/w1');
  expect(embedders.wasm.fingerprint).toBe(embedders.native.fingerprint);
});

function cosine(a: Float32Array, b: ArrayLike<number>): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

function largestDifference(a: Float32Array, b: ArrayLike<number>): number {
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);
}
