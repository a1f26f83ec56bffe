// Counters before the first prompt.

import type { Counts } from '../protocol/stats.ts';

export function noCounts(): Counts {
  return { hits: 0, exactHits: 0, misses: 0, bypasses: 0, refreshes: 0, wrongHits: 0, savedMs: 0, judgeYes: 0, judgeNo: 0, judgeNoVerdict: 0, judgeMs: 0 };
}
