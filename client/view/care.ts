// How careful the cache is, in words: one row for each choice, with what it was measured to do.
// Owns: the names of the choices and the wording of figures. Does not know: where they were measured (the daemon's facts).

import type * as vscode from 'vscode';
import type { Care, CareStep } from '../../server/protocol/care.ts';
import { defaultCacheSettings, type CacheSettings } from '../../server/protocol/settings.ts';

export type CareSettings = Pick<CacheSettings, 'matching' | 'maxWrongHitRate' | 'scoreThreshold'>;

/** What a choice writes into the settings. */
export type CareChoice = { matching: 'exact' } | { matching: 'verified'; maxWrongHitRate: number };

export type CareItem = vscode.QuickPickItem & { choice: CareChoice; inForce: boolean };

/** From "Exact only" to the boldest step; the one in force is marked. */
export function careItems({ steps }: Care, settings: CareSettings): CareItem[] {
  const step = settings.matching === 'verified' ? stepInForce(steps, settings.maxWrongHitRate) : null;
  const isExact = settings.matching === 'exact' || (settings.matching === 'verified' && step === null);
  return [
    careItem('Exact only', isExact, {
      description: 'serves no reworded question',
      detail: 'Nothing is served by meaning: no such answer can be wrong.',
      choice: { matching: 'exact' },
    }),
    ...steps.map(each => {
      const { maxWrongHitRate } = each;
      const isDefault = maxWrongHitRate === defaultCacheSettings.maxWrongHitRate;
      return careItem(`${nameOf(maxWrongHitRate)}: ${perHundred(maxWrongHitRate)} in 100`, each === step, {
        description: `${coverageText(each)}${isDefault ? ' · default' : ''}`,
        detail: wrongText(each),
        choice: { matching: 'verified', maxWrongHitRate },
      });
    }),
  ];
}

function careItem(name: string, inForce: boolean, more: Pick<CareItem, 'description' | 'detail' | 'choice'>): CareItem {
  return { label: `${inForce ? '$(check) ' : ''}${name}`, inForce, ...more };
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

/** The worst of what was measured: on no set of questions was more wrong. */
export function wrongText({ measured }: CareStep): string {
  const served = measured.filter(set => set.served > 0);
  if (served.length === 0) return 'Nothing was served by meaning where this was measured.';
  const wrong = Math.max(...served.map(set => set.wrong / set.served));
  const limit = Math.max(...served.map(set => set.wrongShareUpper95));
  return `About ${perHundred(wrong)} wrong in 100 served by meaning (measured; upper limit ${perHundred(limit)})`;
}

/** From the set of which least was served to the one of which most was. */
export function coverageText({ measured }: CareStep): string {
  const shares = measured.map(({ coverage }) => Math.round(100 * coverage));
  const [least, most] = [Math.min(...shares), Math.max(...shares)];
  return `serves ${least === most ? least : `${least} to ${most}`} % of reworded questions`;
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
