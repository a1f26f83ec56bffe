import { expect, test } from 'vitest';
import { careItems, careText, coverageText, stepInForce, wrongText } from '../../../../client/view/care.ts';
import type { Care, MeasuredCare } from '../../../../server/protocol/care.ts';

const set = (name: string, served: number, wrong: number, wrongShareUpper95: number, coverage: number): MeasuredCare => ({
  set: name, served, wrong, wrongShareUpper95, coverage,
});
const care: Care = {
  date: '2026-11-23',
  steps: [
    { maxWrongHitRate: 0.005, measured: [set('one', 208, 0, 0.0181, 0.2194), set('other', 366, 0, 0.0104, 0.2618)] },
    { maxWrongHitRate: 0.01, measured: [set('one', 276, 1, 0.0202, 0.2901), set('other', 487, 2, 0.0148, 0.3469)] },
    { maxWrongHitRate: 0.2, measured: [set('one', 10, 2, 0.4, 0.6), set('other', 10, 1, 0.3, 0.6)] },
  ],
};
const verified = (maxWrongHitRate: number) => ({ matching: 'verified' as const, maxWrongHitRate, scoreThreshold: 0.2 });

test('careItems() goes from exact only to the boldest step, each with what was measured, the one in force marked', () => {
  const items = careItems(care, verified(0.01));
  expect(items.map(({ label }) => label)).toEqual(['Exact only', 'Very careful: 0.5 in 100', '$(check) Careful: 1 in 100', 'Adventurous: 20 in 100']);
  expect(items[2]).toMatchObject({
    description: 'serves 29 to 35 % of reworded questions · default',
    detail: 'About 0.4 wrong in 100 served by meaning (measured; upper limit 2)',
    choice: { matching: 'verified', maxWrongHitRate: 0.01 },
  });
  expect(items[0]!.choice).toEqual({ matching: 'exact' });
  expect(items[3]!.description).toBe('serves 60 % of reworded questions');
});

test.each([
  { why: 'exact matching', of: { ...verified(0.01), matching: 'exact' as const }, marked: ['Exact only'] },
  { why: 'a share of 0', of: verified(0), marked: ['Exact only'] },
  { why: 'a share between two steps: the stricter one acts', of: verified(0.1), marked: ['Careful: 1 in 100'] },
  { why: 'matching by distance', of: { ...verified(0.01), matching: 'distance' as const }, marked: [] },
])('careItems() marks $marked for $why', ({ of, marked }) => {
  const found = careItems(care, of).filter(({ inForce }) => inForce);
  expect(found.map(({ label }) => label.replace('$(check) ', ''))).toEqual(marked);
});

test('wrongText() tells the worse set, and says where nothing was served', () => {
  expect(wrongText(care.steps[2]!)).toBe('About 20 wrong in 100 served by meaning (measured; upper limit 40)');
  const nothing = { maxWrongHitRate: 0.001, measured: [set('one', 0, 0, 0, 0)] };
  expect(wrongText(nothing)).toBe('Nothing was served by meaning where this was measured.');
  expect(coverageText(nothing)).toBe('serves 0 % of reworded questions');
});

test('stepInForce() is null where no step is that strict', () => {
  expect(stepInForce(care.steps, 0.004)).toBeNull();
  expect(stepInForce(care.steps, 0.005)).toBe(care.steps[0]);
});

test.each([
  { of: verified(0.01), text: 'careful, up to 1 wrong in 100' },
  { of: verified(0.075), text: 'bold, up to 7.5 wrong in 100' },
  { of: verified(0), text: 'exact only' },
  { of: { ...verified(0.01), matching: 'exact' as const }, text: 'exact only' },
  { of: { ...verified(0.01), matching: 'distance' as const }, text: 'by distance alone, within 0.2' },
])('careText() is “$text”', ({ of, text }) => {
  expect(careText(of)).toBe(text);
});
