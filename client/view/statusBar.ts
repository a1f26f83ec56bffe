// The one status-bar item: hit rate at a glance, everything else in its tooltip.
// Always true: the warning colour shows only when the person can do something about it.

import type * as vscode from 'vscode';
import type { Health } from '../../server/protocol/messages.ts';
import { hitRate, type Stats } from '../../server/protocol/stats.ts';
import { distanceText, durationText } from './answerStatus.ts';
import { commandLink, escaped } from './markdownText.ts';
import { countText, moneyText, numberOf, savedMoney, savedTokenCount, sizeText, type Prices } from './amounts.ts';

export interface StatusView {
  state: 'starting' | 'ready' | 'stopped';
  /** Why there is no daemon, for people; null when all is well. */
  problem: string | null;
  health: Health | null;
  stats: Stats | null;
  prices: Prices;
  /** Name of the model that answers a miss. */
  model: string;
  /** How careful the cache is, in a few words. */
  care: string;
  enabled: boolean;
  /** This window has a daemon of its own, which opens no gateway. */
  ownDaemon: boolean;
}

export interface StatusFace {
  text: string;
  /** Markdown with command links. */
  tooltip: string;
  warning: boolean;
  /** For screen readers. */
  label: string;
}

/** The commands that the tooltip may run. */
export const statusCommands = [
  'semcache.ask',
  'semcache.showStatistics',
  'semcache.browse',
  'semcache.chooseModel',
  'semcache.chooseCare',
  'semcache.clear',
  'semcache.restartDaemon',
  'semcache.showLog',
  'workbench.action.openSettings',
] as const;

export class StatusBar {
  readonly #item: vscode.StatusBarItem;
  readonly #editor: Pick<typeof vscode, 'MarkdownString' | 'ThemeColor'>;

  constructor(editor: Pick<typeof vscode, 'window' | 'StatusBarAlignment' | 'MarkdownString' | 'ThemeColor'>) {
    this.#editor = editor;
    this.#item = editor.window.createStatusBarItem('semcache.status', editor.StatusBarAlignment.Left, 0);
    this.#item.name = 'Semcache';
    this.#item.command = 'semcache.showStatistics';
  }

  show(view: StatusView): void {
    const face = statusFace(view);
    this.#item.text = face.text;
    const tooltip = new this.#editor.MarkdownString(face.tooltip, true);
    tooltip.isTrusted = { enabledCommands: [...statusCommands] };
    this.#item.tooltip = tooltip;
    this.#item.accessibilityInformation = { label: face.label };
    this.#item.backgroundColor = face.warning ? new this.#editor.ThemeColor('statusBarItem.warningBackground') : undefined;
    this.#item.show();
  }

  dispose(): void {
    this.#item.dispose();
  }
}

export function statusFace(view: StatusView): StatusFace {
  const rate = view.stats === null ? null : hitRate(view.stats);
  const percent = rate === null ? '–' : `${Math.round(rate * 100)}%`;
  const problems = problemsOf(view);
  const starting = view.state === 'starting' && view.problem === null;
  const warning = problems.length > 0;
  const icon = starting ? 'loading~spin' : warning ? 'warning' : view.enabled ? 'database' : 'circle-slash';
  return {
    text: `$(${icon}) ${starting && rate === null ? 'Semcache' : percent}`,
    tooltip: tooltipOf(view, rate, problems, starting),
    warning,
    label: labelOf(view, rate, problems, starting),
  };
}

function problemsOf({ state, problem, health }: StatusView): string[] {
  const problems = [...(problem === null ? [] : [problem]), ...(health?.problems ?? [])];
  if (problems.length === 0 && state === 'stopped') problems.push('The Semcache daemon is not running.');
  return problems;
}

function tooltipOf(view: StatusView, rate: number | null, problems: string[], starting: boolean): string {
  const links = [
    commandLink('Ask…', 'semcache.ask'),
    commandLink('Statistics', 'semcache.showStatistics'),
    commandLink('Browse answers…', 'semcache.browse'),
    commandLink('Choose model…', 'semcache.chooseModel'),
    commandLink('How careful…', 'semcache.chooseCare'),
    commandLink('Clear cache…', 'semcache.clear'),
    `[Settings](command:workbench.action.openSettings?${encodeURIComponent('["semcache."]')})`,
  ];
  const repairs = [commandLink('Restart daemon', 'semcache.restartDaemon'), commandLink('Show log', 'semcache.showLog')];
  return [
    `**Semcache** · ${headline(view, rate, starting)}`,
    ...problems.map(problem => `$(warning) ${escaped(problem)}`),
    ...(problems.length > 0 ? [repairs.join(' · ')] : []),
    ...(view.stats === null ? [] : [table(view.stats, view)]),
    links.join(' · '),
  ].join('\n\n');
}

function headline({ enabled }: StatusView, rate: number | null, starting: boolean): string {
  if (starting) return 'starting…';
  if (!enabled) return 'switched off (semcache.enabled)';
  if (rate === null) return 'nothing asked yet. Ask twice: the second answer comes from the cache.';
  return `${Math.round(rate * 100)}% of questions answered from the cache`;
}

function table(stats: Stats, view: StatusView): string {
  const money = savedMoney(stats.saved, view.prices);
  const saved = [`${countText(savedTokenCount(stats.saved))} tokens`, durationText(stats.savedMs)];
  if (money !== null) saved.push(moneyText(money));
  const rows: Array<[string, string]> = [
    ['Hits', `${countText(stats.hits)} (${countText(stats.exactHits)} identical, ${countText(stats.hits - stats.exactHits)} by meaning)`],
    ['Misses', countText(stats.misses)],
    ['Bypasses', countText(stats.bypasses)],
    ['Saved', saved.join(' · ')],
    ['Last hit', stats.lastHitDistance === null ? 'none yet' : `distance ${distanceText(stats.lastHitDistance)}`],
    ['Stored', `${numberOf(stats.entries, 'answer')}, ${sizeText(stats.sizeBytes)}`],
    ['Model for misses', view.model],
    ['How careful', view.care],
  ];
  if (view.health !== null) {
    rows.push(['Embedding', embeddingWords[view.health.embedding]], ['Store', view.health.store === 'ready' ? view.health.storeText : 'failed']);
  }
  if (view.ownDaemon) rows.push(['Other tools', 'no gateway: this window runs a daemon of its own']);
  return ['| | |', '|:--|:--|', ...rows.map(([name, value]) => `| ${name} | ${escaped(value)} |`)].join('\n');
}

export const embeddingWords: Record<Health['embedding'], string> = {
  loading: 'loading the model',
  ready: 'ready',
  failed: 'failed: only identical questions are served',
};

function labelOf(view: StatusView, rate: number | null, problems: string[], starting: boolean): string {
  if (starting) return 'Semcache is starting';
  const said = rate === null ? 'nothing asked yet' : `${Math.round(rate * 100)} percent hit rate`;
  return [`Semcache, ${view.enabled ? said : 'switched off'}`, ...problems].join('. ');
}
