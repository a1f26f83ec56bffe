import { expect, test } from 'vitest';
import { statisticsText } from '../../../../client/view/statistics.ts';
import { statusCommands, statusFace, type StatusView } from '../../../../client/view/statusBar.ts';
import type { Stats } from '../../../../server/protocol/stats.ts';

const stats: Stats = {
  hits: 17, exactHits: 5, misses: 8, bypasses: 1, refreshes: 2, wrongHits: 1, savedMs: 42_000, since: Date.UTC(2025, 0, 31),
  saved: [{ model: 'gpt-4o', promptTokens: 10_000, completionTokens: 2345 }], entries: 25, sizeBytes: 1_200_000, lastHitDistance: 0.031,
};
const view = (change: Partial<StatusView>): StatusView => ({
  state: 'ready', problem: null, health: { embedding: 'ready', store: 'ready', storeText: 'SQLite', problems: [] }, stats,
  prices: { 'gpt-4o*': [2.5, 10] }, model: 'GPT-4o', care: 'careful, up to 1 wrong in 100', enabled: true, ownDaemon: false, ...change,
});
const nothing: Stats = { ...stats, hits: 0, exactHits: 0, misses: 0, saved: [], lastHitDistance: null };

test.each([
  { why: 'after some asks', of: view({}), text: '$(database) 68%', warning: false, label: 'Semcache, 68 percent hit rate' },
  { why: 'before the first ask', of: view({ stats: nothing }), text: '$(database) –', warning: false, label: 'Semcache, nothing asked yet' },
  { why: 'while starting', of: view({ state: 'starting', stats: null, health: null }), text: '$(loading~spin) Semcache', warning: false, label: 'Semcache is starting' },
  { why: 'while starting again', of: view({ state: 'starting' }), text: '$(loading~spin) 68%', warning: false, label: 'Semcache is starting' },
  {
    why: 'with no daemon', of: view({ state: 'stopped', problem: 'It would not start.' }), text: '$(warning) 68%', warning: true,
    label: 'Semcache, 68 percent hit rate. It would not start.',
  },
  {
    why: 'with a store that failed',
    of: view({ health: { embedding: 'ready', store: 'failed', storeText: '', problems: ['The disk is full.'] } }),
    text: '$(warning) 68%', warning: true, label: 'Semcache, 68 percent hit rate. The disk is full.',
  },
  { why: 'switched off', of: view({ enabled: false }), text: '$(circle-slash) 68%', warning: false, label: 'Semcache, switched off' },
])('statusFace() is $text $why', ({ of, text, warning, label }) => {
  expect(statusFace(of)).toMatchObject({ text, warning, label });
});

test('the tooltip tells hits, misses, bypasses, what was saved, the last hit, and the health', () => {
  const { tooltip } = statusFace(view({}));
  for (const row of [
    '| Hits | 17 \\(5 identical, 12 by meaning\\) |', '| Misses | 8 |', '| Bypasses | 1 |',
    '| Saved | 12,345 tokens · 42 s · \\$0\\.0485 |', '| Last hit | distance 0\\.03 |', '| Stored | 25 answers, 1\\.2 MB |',
    '| Model for misses | GPT\\-4o |', '| How careful | careful, up to 1 wrong in 100 |', '| Embedding | ready |', '| Store | SQLite |',
  ]) expect(tooltip).toContain(row);
});

test('the tooltip runs only commands that it is trusted to run', () => {
  const broken = statusFace(view({ state: 'stopped', problem: 'Gone.' })).tooltip;
  const linked = [...broken.matchAll(/\(command:([\w.]+)/g)].map(match => match[1]);
  expect(linked).toContain('semcache.restartDaemon');
  expect(new Set(linked)).toEqual(new Set(statusCommands));
});

test('the tooltip names no price where none is known', () => {
  expect(statusFace(view({ prices: {} })).tooltip).toContain('| Saved | 12,345 tokens · 42 s |');
});

test('statisticsText() tells every counter, and what each model saved', () => {
  const text = statisticsText({ stats, dataFolder: '/home/ann/.local/share/semcache', prices: { 'gpt-4o*': [2.5, 10] } }).replace(/ +/g, ' ');
  expect(text).toContain('since 2025-01-31');
  for (const row of [
    '| Hit rate | 68.0% of hits and misses |', '| Hits | 17 |', '| – identical | 5 |', '| – by meaning | 12 |',
    '| Misses | 8 |', '| Reported wrong | 1 |', '| Time | 42 s |', '| Tokens | 12,345 |', '| Money | $0.0485 |',
    '| gpt-4o | 10,000 | 2,345 | $0.0485 |', '| Stored answers | 25 |', '| Size | 1.2 MB |', '| Folder | /home/ann/.local/share/semcache |',
  ]) expect(text).toContain(row);
});

test('the tooltip says that a window with a daemon of its own serves no other tools', () => {
  expect(statusFace(view({ ownDaemon: true })).tooltip).toContain('| Other tools | no gateway: this window runs a daemon of its own |');
  expect(statusFace(view({})).tooltip).not.toContain('Other tools');
});

test('statisticsText() tells what the judge said and cost, once it was asked', () => {
  const prices = { 'gpt-4o-mini*': [0.15, 0.6] } as const;
  const judge = { yes: 3, no: 4, noVerdict: 1, ms: 2400, tokens: [{ model: 'gpt-4o-mini (openai)', promptTokens: 2000, completionTokens: 10 }] };
  const text = statisticsText({ stats: { ...stats, judge }, dataFolder: null, prices }).replace(/ +/g, ' ');
  for (const row of ['| Asked | 8 |', '| – yes: served | 3 |', '| – no | 4 |', '| – no verdict | 1 (failed', '| Time for one | 0.3 s |', '| Tokens | 2,010 |', '| Money | $0.0003 |']) {
    expect(text).toContain(row);
  }
  expect(statisticsText({ stats, dataFolder: null, prices })).not.toContain('Judge');
});
