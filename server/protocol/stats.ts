// Counters and what people read from them.

/** Sums since `since`. Kept by the store, so that they survive the daemon and are shared by all windows. */
export interface Counts {
  hits: number;
  exactHits: number;
  misses: number;
  bypasses: number;
  /** Misses that a person asked for; not part of the hit rate. */
  refreshes: number;
  wrongHits: number;
  savedMs: number;
  /** Near hits that the judge was asked about, by what it said; `judgeMs` is the time of all together. */
  judgeYes: number;
  judgeNo: number;
  judgeNoVerdict: number;
  judgeMs: number;
}

/** Tokens that hits did not cost, or a judge did, by model, so that a price table can turn them into money. */
export interface SavedTokens {
  model: string;
  promptTokens: number;
  completionTokens: number;
}

export interface Stats extends Omit<Counts, 'judgeYes' | 'judgeNo' | 'judgeNoVerdict' | 'judgeMs'> {
  /** When counting began, milliseconds since 1970. */
  since: number;
  saved: SavedTokens[];
  entries: number;
  sizeBytes: number;
  lastHitDistance: number | null;
  /** What the judge was asked; absent while it was not. */
  judge?: JudgeStats;
}

export interface JudgeStats {
  yes: number;
  no: number;
  /** Failed, too slow or unclear. */
  noVerdict: number;
  /** Of all of them together. */
  ms: number;
  /** What they cost, by judge. */
  tokens: SavedTokens[];
}

/** Hits among hits and misses, 0..1; null before the first. Bypasses and refreshes are left out. */
export function hitRate(counts: Pick<Counts, 'hits' | 'misses'>): number | null {
  const asked = counts.hits + counts.misses;
  return asked === 0 ? null : counts.hits / asked;
}
