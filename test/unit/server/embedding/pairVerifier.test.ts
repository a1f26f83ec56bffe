// The verifier's shipped weights, in the thread that runs them, against what training recorded of them.

import { readFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { bundledModelFolder, openMiniLmEmbedder, type MiniLmEmbedder } from '../../../../server/embedding/miniLmEmbedder.ts';
import type { ToModel } from '../../../../server/embedding/modelMessages.ts';
import { bundledVerifierFolder, VerifierRequests } from '../../../../server/embedding/pairVerifier.ts';
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

describe('VerifierRequests', () => {
  const pairs: [string, string][] = [['a', 'b']];

  test('asks the thread once for equal pairs at once, and answers all', async () => {
    const told: ToModel[] = [];
    const requests = new VerifierRequests(message => told.push(message));
    const answers = Promise.all([requests.ask(pairs, 1000), requests.ask(pairs, 1000), requests.ask([['a', 'c']], 1000)]);
    expect(told.map(({ kind }) => kind)).toEqual(['verify', 'verify']);
    requests.hear({ kind: 'logits', id: 2, logits: [2] });
    requests.hear({ kind: 'logits', id: 1, logits: [1] });
    expect(await answers).toEqual([[1], [1], [2]]);
    expect(told).toHaveLength(2);
  });

  test('tells the thread to forget when the last one who waited has left, not before', async () => {
    const told: ToModel[] = [];
    const requests = new VerifierRequests(message => told.push(message));
    const leaves = [new AbortController(), new AbortController()];
    const left = leaves.map(({ signal }) => expect(requests.ask(pairs, 1000, signal)).rejects.toMatchObject({ code: 'cancelled' }));
    leaves[0]!.abort();
    await left[0];
    expect(told.map(({ kind }) => kind)).toEqual(['verify']);
    leaves[1]!.abort();
    await left[1];
    expect(told.map(({ kind }) => kind)).toEqual(['verify', 'forget-verify']);
  });
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
