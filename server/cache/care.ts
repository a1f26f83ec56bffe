// The choices of semcache.maxWrongHitRate with their measured figures, as windows are told them.
// Always true: every figure is the calibration's own.

import { calibration } from '../matching/calibration.ts';
import type { Care } from '../protocol/care.ts';

export function measuredCare({ date, verifier: { bounds } } = calibration): Care {
  return {
    date,
    steps: bounds.map(({ wrongShare, measured }) => ({
      maxWrongHitRate: wrongShare,
      measured: Object.entries(measured).map(([set, figures]) => ({ set, ...figures })),
    })),
  };
}
