// How careful the cache is, in words: one row for each choice, with what it was measured to do.
// Owns: the names of the choices and the wording of figures. Does not know: where they were measured (the daemon's facts).

import type * as vscode from 'vscode';
import type { Care, CareStep } from '../../server/protocol/care.ts';
import { defaultCacheSettings, type CacheSettings } from '../../server/protocol/settings.ts';

export type CareSettings = Pick<CacheSettings, 'matching' | 'maxWrongHitRate' | 'scoreThreshold'>;

/** What a choice writes into the settings. */
export type CareChoice = { matching: 'exact' } | { matching: 'verified'; maxWrongHitRate: number };

export type CareItem = vscode.QuickPickItem & { choice: CareChoice };

/** From "Exact only" to the boldest step; the one in force is marked. */
export function careItems({ steps }: Care, settings: CareSettings): CareItem[] {
  const inForce = settings.matching === 'verified' ? (stepInForce(steps, settings.maxWrongHitRate)?.maxWrongHitRate ?? 0) : null;
  const mark = (isCurrent: boolean): string => (isCurrent ? '$(check) ' : '');
  return [
    {
      label: `${mark(settings.matching === 'exact' || inForce === 0)}Exact only`,
      detail: 'Only identical questions about identical context are served: nothing by meaning.',
      choice: { matching: 'exact' },
    },
    ...steps.map((step): CareItem => ({
      label: `${mark(step.maxWrongHitRate === inForce)}${nameOf(step.maxWrongHitRate)}`,
      description: `up to ${perHundred(step.maxWrongHitRate)} wrong in 100${step.maxWrongHitRate === defaultCacheSettings.maxWrongHitRate ? ' · default' : ''}`,
      detail: measuredText(step),
      choice: { matching: 'verified', maxWrongHitRate: step.maxWrongHitRate },
    })),
  ];
}

/** The step that a permitted share acts as; null where only identical questions are served. */
export function stepInForce(steps: readonly CareStep[], maxWrongHitRate: number): CareStep | null {
  return steps.findLast(step => step.maxWrongHitRate <= maxWrongHitRate) ?? null;
}

/** What the settings mean now, in a few words. */
export function careText({ matching, maxWrongHitRate, scoreThreshold }: CareSettings): string {
  switch (matching) {
    case 'exact':
      return 'exact only';
    case 'distance':
      return `by distance alone, within ${scoreThreshold}`;
    case 'verified':
      return maxWrongHitRate === 0 ? 'exact only' : `${nameOf(maxWrongHitRate).toLowerCase()}, up to ${perHundred(maxWrongHitRate)} wrong in 100`;
  }
}

/** The worst of what was measured: no set of questions did worse than this. */
export function measuredText({ measured }: CareStep): string {
  const served = measured.filter(set => set.served > 0);
  if (served.length === 0) return 'Nothing was served by meaning where this was measured.';
  const wrong = Math.max(...served.map(set => set.wrong / set.served));
  const limit = Math.max(...served.map(set => set.wrongShareUpper95));
  const [least, most] = [Math.min, Math.max].map(pick => Math.round(100 * pick(...served.map(({ coverage }) => coverage))));
  const coverage = least === most ? `${least}` : `${least} to ${most}`;
  return (
    `About ${perHundred(wrong)} wrong in 100 served by meaning (measured; upper limit ${perHundred(limit)}) · ` +
    `serves ${coverage} % of reworded questions`
  );
}

/** "0.5", "1", "7.5": at most one decimal. */
function perHundred(share: number): string {
  return String(Math.round(share * 1000) / 10);
}

/** By the permitted share, so that steps may come and go. */
function nameOf(maxWrongHitRate: number): string {
  if (maxWrongHitRate < 0.01) return 'Very careful';
  if (maxWrongHitRate < 0.02) return 'Careful';
  if (maxWrongHitRate < 0.05) return 'Balanced';
  if (maxWrongHitRate < 0.1) return 'Bold';
  return 'Adventurous';
}
