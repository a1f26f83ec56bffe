import { expect, test } from 'vitest';
import { measuredCare } from '../../../../server/cache/care.ts';
import { calibration, probabilityBound } from '../../../../server/matching/calibration.ts';
import { settingsTable } from '../../../../server/protocol/settings.ts';

test('measuredCare() tells every bound of the calibration in force with its own figures, strictest first', () => {
  const { date, steps } = measuredCare();
  expect(date).toBe(calibration.date);
  expect(steps.length).toBeGreaterThan(1);
  expect(steps.map(({ maxWrongHitRate }) => maxWrongHitRate)).toEqual(calibration.verifier.bounds.map(({ wrongShare }) => wrongShare).sort((a, b) => a - b));
  for (const { maxWrongHitRate, measured } of steps) {
    const bound = calibration.verifier.bounds.find(({ wrongShare }) => wrongShare === maxWrongHitRate)!;
    expect(probabilityBound(maxWrongHitRate, calibration.verifier)).toBe(bound.probability);
    expect(Object.fromEntries(measured.map(({ set, ...figures }) => [set, figures]))).toEqual(bound.measured);
  }
});

test('every step is a value that semcache.maxWrongHitRate may have, and its default is one of them', () => {
  const { default: standard, minimum, maximum } = settingsTable.maxWrongHitRate;
  const rates = measuredCare().steps.map(({ maxWrongHitRate }) => maxWrongHitRate);
  expect(rates).toContain(standard);
  expect(Math.min(...rates)).toBeGreaterThan(minimum);
  expect(Math.max(...rates)).toBeLessThanOrEqual(maximum);
});
