// The verifier's shipped weights, in the thread that runs them, against what training recorded of them.

import { readFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { bundledModelFolder, openMiniLmEmbedder, type MiniLmEmbedder } from '../../../../server/embedding/miniLmEmbedder.ts';
import { bundledVerifierFolder } from '../../../../server/embedding/pairVerifier.ts';
import { calibration } from '../../../../server/matching/calibration.ts';

const recorded = JSON.parse(await readFile(fileURLToPath(new URL('../../../fixtures/quality/verifierScores.json', import.meta.url)), 'utf8')) as {
  a: string;
  b: string;
  logit: number;
}[];

test('the weights are those that were recorded, and those that the calibration knows', async () => {
  const checksums = JSON.parse(await readFile(path.join(bundledVerifierFolder, 'checksums.json'), 'utf8')) as Record<string, string>;
  const weights = await readFile(path.join(bundledVerifierFolder, 'onnx/model_quantized.onnx'));
  expect(weights.length).toBeLessThan(25_000_000);
  expect(createHash('sha256').update(weights).digest('hex')).toBe(checksums['onnx/model_quantized.onnx']);
  expect(checksums['onnx/model_quantized.onnx']).toBe(calibration.verifier.weights);
});

/**
 * Quantised layers round differently where the arithmetic is another. Measured on x86-64, mean and largest difference of a logit:
 * native 0.024 and 0.59, WASM 0.010 and 0.11; other processors get some room.
 */
describe.each(['native', 'wasm'] as const)('%s', runtime => {
  let embedder: MiniLmEmbedder | undefined;
  afterAll(() => embedder?.close());

  test('says of the recorded pairs what training recorded', { timeout: 60_000 }, async () => {
    embedder = await openMiniLmEmbedder({ modelFolder: bundledModelFolder, verifierFolder: bundledVerifierFolder, deadlineMs: 60_000, runtime });
    const logits = await embedder.verify(recorded.map(({ a, b }) => [a, b]));
    const apart = logits.map((logit, at) => Math.abs(logit - recorded[at]!.logit));
    expect(recorded.length).toBeGreaterThan(40);
    expect(apart.reduce((sum, each) => sum + each, 0) / apart.length).toBeLessThan(0.1);
    expect(Math.max(...apart)).toBeLessThan(1.5);
  });
});
