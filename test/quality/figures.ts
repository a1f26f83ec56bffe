// What the answers to labelled questions add up to.
// Does not know: caches, files.

/** One labelled question and what became of it. */
export interface Outcome {
  family: string;
  kind: string;
  label: 'same' | 'different';
  /** Id of what was served; null for a miss. */
  served: string | null;
  /** How sure the cache was of its best candidate, served or not: a probability; 2 for an answer served without one. */
  score: number;
  /** Whether that best candidate is the family's own seed. */
  scoredOwn: boolean;
  /** Id of what was offered without being served. */
  offered: string | null;
}

export function figuresOf(outcomes: Outcome[]): object {
  const same = outcomes.filter(o => o.label === 'same').length;
  const served = outcomes.filter(o => o.served !== null);
  const wrong = served.filter(o => !isRight(o)).length;
  const offered = outcomes.filter(o => o.offered !== null);
  return {
    operatingPoint: {
      served: served.length,
      wrong,
      wrongShare: rounded(wrong / Math.max(1, served.length)),
      wrongShareUpper95: rounded(wilsonUpper(wrong, served.length)),
      coverage: rounded((served.length - wrong) / same),
    },
    coverageAt: Object.fromEntries([1, 2, 5, 10].map(limit => [limit, rounded(coverageAt(outcomes, limit / 100) / same)])),
    auc: rounded(auc(outcomes)),
    byKind: byKind(outcomes),
    nearHits: { offered: offered.length, right: offered.filter(o => o.label === 'same' && o.offered === o.family).length },
  };
}

/** A "same" question served its own family's answer. */
function isRight({ label, served, family }: Outcome): boolean {
  return label === 'same' && served === family;
}

/** Right answers above the best threshold on the score that keeps to the limit; the threshold is fitted to these outcomes. */
function coverageAt(outcomes: Outcome[], limit: number): number {
  const sorted = outcomes.filter(o => o.score > 0).sort((a, b) => b.score - a.score);
  let [right, wrong, best] = [0, 0, 0];
  sorted.forEach((o, i) => {
    if (o.label === 'same' && o.scoredOwn) right += 1;
    else wrong += 1;
    if (sorted[i + 1]?.score !== o.score && wrong <= limit * (right + wrong)) best = right;
  });
  return best;
}

/** Chance that a random "same" question scores above a random "different" one; ties count half. */
function auc(outcomes: Outcome[]): number {
  const sorted = [...outcomes].sort((a, b) => a.score - b.score);
  let ranks = 0;
  for (let i = 0; i < sorted.length; ) {
    let j = i;
    while (j < sorted.length && sorted[j]!.score === sorted[i]!.score) j++;
    ranks += sorted.slice(i, j).filter(o => o.label === 'same').length * ((i + j + 1) / 2);
    i = j;
  }
  const same = sorted.filter(o => o.label === 'same').length;
  return (ranks - (same * (same + 1)) / 2) / (same * (sorted.length - same));
}

function byKind(outcomes: Outcome[]): object {
  const kinds = [...new Set(outcomes.map(o => `${o.label}: ${o.kind}`))].sort().reverse();
  return Object.fromEntries(kinds.map(name => {
    const of = outcomes.filter(o => `${o.label}: ${o.kind}` === name);
    const served = of.filter(o => o.served !== null);
    return [name, { of: of.length, served: served.length, wrong: served.filter(o => !isRight(o)).length }];
  }));
}

/** Upper end of the two-sided 95 % Wilson interval. */
export function wilsonUpper(wrong: number, n: number, z = 1.96): number {
  if (n === 0) return 1;
  const p = wrong / n;
  return Math.min(1, (p + (z * z) / (2 * n) + z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n))) / (1 + (z * z) / n));
}

function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
