// One figure of the benchmark, with what it says.

export interface Row {
  name: string;
  value: number;
  unit: 'ms' | 'MB' | 'B' | '1/s' | 'share';
  /** What was measured, for people who were not there. */
  what: string;
}

/** The middle and the slow end of these times. */
export function milliseconds(name: string, times: readonly number[], what: string): Row[] {
  return [
    { name: `${name}, p50`, value: percentile(times, 0.5), unit: 'ms', what },
    { name: `${name}, p95`, value: percentile(times, 0.95), unit: 'ms', what },
  ];
}

/** `share` in 0..1; the nearest rank. */
export function percentile(times: readonly number[], share: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
