// "Copy Debug Information": what a maintainer needs to see, and nothing of what was asked.
// Always true: holds no prompt, answer, key or token, and no user name of an address.

import type { Build, DaemonFacts, Health } from '../../server/protocol/messages.ts';
import { settingsTable, type SettingName } from '../../server/protocol/settings.ts';
import type { Stats } from '../../server/protocol/stats.ts';

export interface DebugView {
  client: Build;
  editor: { name: string; version: string; host: string; remote: string };
  platform: string;
  node: string;
  state: string;
  problem: string | null;
  facts: DaemonFacts | null;
  health: Health | null;
  stats: Stats | null;
  /** What a person set, by name without the prefix; undefined where nothing is set. */
  settingOf: (name: SettingName) => unknown;
  /** Ids of the models that are known, and of the one that answers a miss. */
  models: { known: string[]; current: string };
}

export function debugReport(view: DebugView): string {
  const { facts, health, stats } = view;
  const lines: Array<[string, string]> = [
    ['Extension', buildText(view.client)],
    ['Editor', `${view.editor.name} ${view.editor.version}, ${view.editor.host}${view.editor.remote && `, remote ${view.editor.remote}`}`],
    ['Platform', `${view.platform}, Node ${view.node}`],
    ['Daemon', view.problem === null ? view.state : `${view.state}: ${view.problem}`],
  ];
  if (facts !== null) {
    lines.push(
      ['Daemon build', `${buildText(facts.build)}, protocol ${facts.protocol}, ${facts.mode} mode, pid ${facts.pid}`],
      ['Data folder', facts.dataFolder],
      ['HTTP gateway', facts.http ?? 'none'],
    );
  }
  if (health !== null) {
    lines.push(['Embedding', health.embedding], ['Store', `${health.store}: ${health.storeText}`]);
    for (const problem of health.problems) lines.push(['Problem', problem]);
  }
  if (stats !== null) {
    const { hits, exactHits, misses, bypasses, refreshes, wrongHits, entries, sizeBytes } = stats;
    lines.push(['Counts', JSON.stringify({ hits, exactHits, misses, bypasses, refreshes, wrongHits, entries, sizeBytes })]);
  }
  lines.push(['Model for misses', view.models.current], ['Models known', view.models.known.join(', ')]);
  return [
    '## Semcache debug information',
    lines.map(([name, value]) => `- ${name}: ${value}`).join('\n'),
    '### Settings that were changed',
    changedSettings(view.settingOf) || '- none',
    '',
  ].join('\n\n');
}

function buildText({ version, builtAt }: Build): string {
  return builtAt === 0 ? version : `${version} of ${new Date(builtAt).toISOString()}`;
}

function changedSettings(settingOf: DebugView['settingOf']): string {
  return (Object.keys(settingsTable) as SettingName[])
    .filter(name => settingOf(name) !== undefined)
    .map(name => `- semcache.${name}: ${JSON.stringify(withoutCredentials(settingOf(name)))}`)
    .join('\n');
}

/** Addresses may hold a user name and password, or a key in their query. */
function withoutCredentials(value: unknown): unknown {
  if (typeof value === 'string') return value.includes('://') ? addressOnly(value) : value;
  if (Array.isArray(value)) return value.map(withoutCredentials);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withoutCredentials(inner)]));
}

function addressOnly(address: string): string {
  if (!URL.canParse(address)) return '(an address)';
  const { protocol, host, pathname } = new URL(address);
  return `${protocol}//${host}${pathname}`;
}
