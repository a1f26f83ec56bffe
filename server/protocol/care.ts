// How careful mode 'verified' can be, and what each choice did where it was measured. Travels with the daemon's facts,
// so that what a person reads is of the calibration in force.

/** What one choice did on one set of questions. */
export interface MeasuredCare {
  /** Name of the set. */
  set: string;
  served: number;
  wrong: number;
  /** Upper 95 % limit of the wrong share among the served, 0..1. */
  wrongShareUpper95: number;
  /** Share of the questions that could have been served, 0..1. */
  coverage: number;
}

export interface CareStep {
  /** Value of semcache.maxWrongHitRate, 0..1. */
  maxWrongHitRate: number;
  measured: MeasuredCare[];
}

export interface Care {
  /** Day of the calibration, as 2026-11-23. */
  date: string;
  /** Strictest first. A permitted share between two steps acts as the stricter one; below the first, only identical questions are served. */
  steps: CareStep[];
}
