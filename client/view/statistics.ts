// The statistics as a document: what the counters say, in sentences that can be checked against them.

import { hitRate, type JudgeStats, type Stats } from '../../server/protocol/stats.ts';
import { distanceText, durationText } from './answerStatus.ts';
import { alignedTable } from './markdownText.ts';
import { countText, moneyText, priceOf, savedMoney, savedTokenCount, sizeText, type Prices } from './amounts.ts';

export function statisticsText(view: { stats: Stats; dataFolder: string | null; prices: Prices }): string {
  const { stats, dataFolder, prices } = view;
  const rate = hitRate(stats);
  const money = savedMoney(stats.saved, prices);
  return [
    '# Semcache statistics',
    `Counted since ${new Date(stats.since).toISOString().slice(0, 10)}, for all windows and tools of this user.`,
    alignedTable(['Questions', ''], [
      ['Hit rate', rate === null ? 'nothing asked yet' : `${(rate * 100).toFixed(1)}% of hits and misses`],
      ['Hits', countText(stats.hits)],
      ['– identical', countText(stats.exactHits)],
      ['– by meaning', countText(stats.hits - stats.exactHits)],
      ['Misses', countText(stats.misses)],
      ['Bypasses', `${countText(stats.bypasses)} (not part of the hit rate)`],
      ['Refreshes', `${countText(stats.refreshes)} (not part of the hit rate)`],
      ['Reported wrong', countText(stats.wrongHits)],
      ['Last hit', stats.lastHitDistance === null ? 'none yet' : `distance ${distanceText(stats.lastHitDistance)} (0 is identical)`],
    ]),
    '## Saved',
    alignedTable(['By hits', ''], [
      ['Time', durationText(stats.savedMs)],
      ['Tokens', countText(savedTokenCount(stats.saved))],
      ['Money', money === null ? 'no price known (semcache.prices)' : moneyText(money)],
    ]),
    ...(stats.saved.length === 0 ? [] : [savedByModel(stats, prices)]),
    ...(stats.judge === undefined ? [] : ['## Judge', judged(stats.judge, prices)]),
    '## Store',
    alignedTable(['On this machine', ''], [
      ['Stored answers', countText(stats.entries)],
      ['Size', sizeText(stats.sizeBytes)],
      ...(dataFolder === null ? [] : [['Folder', dataFolder]]),
    ]),
    '',
  ].join('\n\n');
}

function judged({ yes, no, noVerdict, ms, tokens }: JudgeStats, prices: Prices): string {
  const asked = yes + no + noVerdict;
  const money = savedMoney(tokens, prices);
  return alignedTable(['Near hits that semcache.judge decided', ''], [
    ['Asked', countText(asked)],
    ['– yes: served', countText(yes)],
    ['– no', countText(no)],
    ['– no verdict', `${countText(noVerdict)} (failed, unclear or too slow)`],
    ['Time for one', asked === 0 ? '–' : durationText(ms / asked)],
    ['Tokens', countText(savedTokenCount(tokens))],
    ['Money', money === null ? 'no price known (semcache.prices)' : moneyText(money)],
  ]);
}

function savedByModel(stats: Stats, prices: Prices): string {
  const models = [...stats.saved].sort((a, b) => b.completionTokens - a.completionTokens);
  return alignedTable(
    ['Model', 'Prompt tokens', 'Answer tokens', 'Money'],
    models.map(saved => [
      saved.model,
      countText(saved.promptTokens),
      countText(saved.completionTokens),
      priceOf(saved.model, prices) === null ? 'no price' : moneyText(savedMoney([saved], prices) ?? 0),
    ]),
  );
}
