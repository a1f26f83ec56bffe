// What every embedder promises (server/embedding/embedder.ts), as tests.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OpenedEmbedder } from '../../server/embedding/embedder.ts';

const question = 'How do I reverse a list in Python?';
const inOtherWords = 'python: reverse a list';
const another = 'What is the capital of France?';
/** Some seconds of work for a local model. */
const endless = 'Every step of the pipeline can be retried on its own. '.repeat(1500);

export function testEmbedderContract(name: string, open: () => Promise<OpenedEmbedder>): void {
  describe(`${name}:`, () => {
    let embedder: OpenedEmbedder;

    beforeAll(async () => {
      embedder = await open();
      await embedder.ready;
    }, 60_000);
    afterAll(() => embedder.close());

    test('embed() gives one unit-length vector of `dimensions` floats a text, in order', async () => {
      const together = await embedder.embed([question, another, inOtherWords]);
      expect(together.map(vector => vector.length)).toEqual([embedder.dimensions, embedder.dimensions, embedder.dimensions]);
      for (const vector of together) expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
      for (const [index, text] of [question, another, inOtherWords].entries()) {
        expect(distance(together[index]!, (await embedder.embed([text]))[0]!)).toBeLessThan(1e-6);
      }
    });

    test('embed() gives a text the same vector whatever else is asked at the same time', async () => {
      const [alone] = await embedder.embed([question]);
      const others = Array.from({ length: 12 }, (_, i) => embedder.embed([`${another} ${'And why? '.repeat(i)}`]));
      const [crowded] = await embedder.embed([question]);
      await Promise.all(others);
      expect(distance(alone!, crowded!)).toBeLessThan(1e-6);
    });

    test('embed() gives equal texts vectors of their own, so that a caller may change one', async () => {
      const [[first], [second]] = await Promise.all([embedder.embed([question]), embedder.embed([question])]);
      first!.fill(0);
      expect(Math.hypot(...second!)).toBeCloseTo(1, 5);
    });

    test('embed() puts the same question in other words nearer than another question', async () => {
      const [a, b, c] = await embedder.embed([question, inOtherWords, another]);
      expect(distance(a!, b!)).toBeLessThan(0.2);
      expect(distance(a!, c!)).toBeGreaterThan(0.5);
    });

    test('embed() takes no texts, and the empty text', async () => {
      expect(await embedder.embed([])).toEqual([]);
      const [vector] = await embedder.embed(['']);
      expect(Math.hypot(...vector!)).toBeCloseTo(1, 5);
    });

    test('embed() of a signal that has fired, or fires meanwhile, ends as cancelled', async () => {
      await expect(embedder.embed([question], AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
      const caller = new AbortController();
      const call = embedder.embed([endless], caller.signal);
      caller.abort();
      await expect(call).rejects.toMatchObject({ code: 'cancelled' });
    });

    test('embed() ends as embedding-timeout after the deadline, and the next call is answered', async () => {
      embedder.setDeadlineMs(1);
      await expect(embedder.embed([endless])).rejects.toMatchObject({ code: 'embedding-timeout', message: expect.stringContaining('1 ms') });
      embedder.setDeadlineMs(20_000);
      expect(await embedder.embed([question])).toHaveLength(1);
    });

    test('close() ends the calls at hand, and later ones fail', async () => {
      const call = embedder.embed([endless]).catch((error: unknown) => error);
      await embedder.close();
      expect(await call).toMatchObject({ name: 'SemcacheError' });
      await expect(embedder.embed([question])).rejects.toMatchObject({ name: 'SemcacheError' });
    });
  });
}

export function distance(a: Float32Array, b: Float32Array): number {
  return 1 - a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
