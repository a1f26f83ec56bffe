// The command line, as a person or script uses it: real processes on a real store.

import { statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { openParts } from '../../server/daemon/openParts.ts';
import { openLog } from '../../server/daemon/log.ts';
import { preparedDataFolder } from '../../server/daemon/discovery.ts';
import type { Entry } from '../../server/protocol/entry.ts';
import { defaultCacheSettings } from '../../server/protocol/settings.ts';
import { attach, newDataFolder, run, saying, serve, summary } from './daemonProcess.ts';

const asked = 'how do I reverse a list in python';
const reworded = 'python: reverse a list';

test('what update stored, lookup finds in other words, for the same llm-string only', async () => {
  const folder = newDataFolder();
  expect(await run(folder, ['lookup', '--prompt', asked, '--llm-string', 'm', '--json'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\{"status":"miss","distance":null,"generations":\[\],/),
  });
  const updated = await run(folder, ['update', '--prompt', asked, '--llm-string', 'm', '--answer', 'X', '--json']);
  expect(JSON.parse(updated.stdout)).toEqual({ entryId: expect.any(String) });

  const hit = JSON.parse((await run(folder, ['lookup', '--prompt', reworded, '--llm-string', 'm', '--json'])).stdout);
  expect(hit).toMatchObject({ status: 'hit', generations: [{ text: 'X' }] });
  expect(hit.distance).toBeGreaterThan(0);
  expect(hit.distance).toBeLessThan(0.2);
  expect(JSON.parse((await run(folder, ['lookup', '--prompt', asked, '--llm-string', 'm', '--json'])).stdout)).toMatchObject({ status: 'hit', distance: 0 });
  expect(JSON.parse((await run(folder, ['lookup', '--prompt', reworded, '--llm-string', 'n', '--json'])).stdout)).toMatchObject({ status: 'miss', generations: [] });
  const strict = ['lookup', '--prompt', reworded, '--llm-string', 'm', '--threshold', '0', '--json'];
  expect(JSON.parse((await run(folder, strict)).stdout)).toMatchObject({ status: 'miss', distance: hit.distance });

  expect(JSON.parse((await run(folder, ['stats', '--json'])).stdout)).toMatchObject({ hits: 2, exactHits: 1, misses: 3, entries: 1, hitRate: 0.4 });
  expect((await run(folder, ['stats'])).stdout).toContain('hit rate    40 %');
});

test('a window\'s answers and the command line\'s are in one store, at the same time', async () => {
  const folder = newDataFolder();
  const daemon = await serve(folder);
  const window = await attach(daemon.record);
  await window.ask('asked in a window', () => saying('from the window'));
  expect(JSON.parse((await run(folder, ['list', '--search', 'window', '--json'])).stdout)).toMatchObject({ total: 1 });
  await run(folder, ['clear', '--all']);
  expect(summary(await window.ask('asked in a window', () => saying('asked again')))).toMatchObject({ status: 'miss' });
});

test('explain says what lookup would find and why, for people and for programs, and changes nothing', async () => {
  const folder = newDataFolder();
  await run(folder, ['update', '--prompt', 'turn on the dark mode', '--llm-string', 'm', '--answer', 'so']);
  const asked = ['explain', '--prompt', 'turn off the dark mode', '--llm-string', 'm'];
  const { code, stdout } = await run(folder, asked);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^miss: Opposites: "off" here, "on" in the stored question\.\n/);
  expect(stdout).toMatch(/\d\.\d{3} {2}refused: turn on the dark mode/);
  expect(JSON.parse((await run(folder, [...asked, '--json'])).stdout)).toMatchObject({
    decision: { status: 'miss', reason: 'refused' }, matching: 'verified', candidates: [{ guards: [{ guard: 'opposite' }] }],
  });
  const elsewhere = await run(folder, ['explain', '--prompt', 'turn on the dark mode', '--llm-string', 'n', '--matching', 'distance']);
  expect(elsewhere.stdout).toContain('another model (m)');
  expect(JSON.parse((await run(folder, ['stats', '--json'])).stdout)).toMatchObject({ hits: 0, misses: 0, entries: 1 });
});

describe('export and import', () => {
  test('an imported export is the same store: entries with vectors and times, tombstones, aliases, counters', async () => {
    const [from, to] = [newDataFolder(), newDataFolder()];
    await fill(from);
    const file = path.join(from, 'export.jsonl');
    expect(JSON.parse((await run(from, ['export', file, '--json'])).stdout)).toEqual({ file, entries: 3, tombstones: 1, aliases: 1 });
    expect(statSync(file).mode & 0o077).toBe(0);
    expect(await run(to, ['import', file, '--json'])).toMatchObject({ code: 0, stdout: expect.stringContaining('"entries":3,"tombstones":1,"aliases":1,"refused":[]') });
    expect(await contentOf(to)).toEqual(await contentOf(from));
    expect((await run(to, ['stats'])).stdout).toContain('pairs of questions: 1 the same, 1 not');
    expect((await contentOf(from)).entries.map(({ vector }) => vector?.split(' ').length ?? null).sort()).toEqual([384, 384, null]);
  });

  test('through pipes as well: - is the standard output and input', async () => {
    const [from, to] = [newDataFolder(), newDataFolder()];
    await fill(from);
    const exported = await run(from, ['export']);
    expect(exported.stdout.trim().split('\n').map(line => (JSON.parse(line) as { type: string }).type)).toEqual([
      'semcache', 'entry', 'entry', 'entry', 'tombstone', 'alias', 'counts',
    ]);
    expect((await run(to, ['import', '-'], exported.stdout)).code).toBe(0);
    expect(await contentOf(to)).toEqual(await contentOf(from));
  });

  test('importing twice changes nothing the second time', async () => {
    const [from, to] = [newDataFolder(), newDataFolder()];
    await fill(from);
    const exported = (await run(from, ['export', '-'])).stdout;
    await run(to, ['import', '-'], exported);
    await run(to, ['import', '-'], exported);
    expect(await contentOf(to)).toEqual(await contentOf(from));
  });

  test('bad lines are reported by number and reason, without quoting them, and the rest is imported', async () => {
    const [from, to] = [newDataFolder(), newDataFolder()];
    await fill(from);
    const lines = (await run(from, ['export'])).stdout.trim().split('\n');
    const entry = JSON.parse(lines[1]!) as Record<string, unknown>;
    const bad = [
      '{"type": "entry", secret',
      JSON.stringify({ ...entry, hits: -1 }),
      JSON.stringify({ ...entry, surprise: 'secret' }),
      JSON.stringify({ type: 'secret' }),
      JSON.stringify({ ...entry, vector: 'AAA=' }),
    ];
    const imported = await run(to, ['import', '-', '--json'], [...lines.slice(0, 2), ...bad, '', ...lines.slice(2)].join('\n'));
    expect(imported.code).toBe(1);
    const result = JSON.parse(imported.stdout) as { entries: number; refused: { line: number; reason: string }[] };
    expect(result.entries).toBe(3);
    expect(result.refused.map(({ line }) => line)).toEqual([3, 4, 5, 6, 7]);
    expect(result.refused.map(({ reason }) => reason)).toEqual([
      'it is not JSON',
      expect.stringContaining('hits'),
      expect.stringContaining('surprise'),
      expect.stringContaining('type'),
      expect.stringContaining('vector'),
    ]);
    expect(imported.stdout + imported.stderr).not.toContain('secret');
    expect(imported.stderr).toContain('line 3 was left out');
    expect((await contentOf(to)).entries).toEqual((await contentOf(from)).entries);
  });

  test('a file that is not there is named', async () => {
    const folder = newDataFolder();
    expect(await run(folder, ['import', path.join(folder, 'nothing.jsonl')])).toMatchObject({ code: 1, stderr: expect.stringContaining('nothing.jsonl') });
  });
});

describe('doctor', () => {
  test('says that all is well, and by what', async () => {
    const folder = newDataFolder();
    const well = await run(folder, ['doctor', '--json']);
    expect(well.code).toBe(0);
    const { ok, checks } = JSON.parse(well.stdout) as { ok: boolean; checks: { name: string; ok: boolean; text: string }[] };
    expect(ok).toBe(true);
    expect(checks.map(({ name }) => name)).toEqual(['versions', 'data folder', 'store', 'store integrity', 'embedding', 'daemon']);
    expect(checks[4]!.text).toMatch(/on the (native|wasm) runtime, .*reference vector met/);
    expect(checks[5]!.text).toContain('not running');

    const daemon = await serve(folder);
    const running = await run(folder, ['doctor']);
    expect(running.stdout).toContain(`running: process ${daemon.pid}`);
    expect(running.stdout).toContain('All is well.');
  });

  test('a data folder that is a file is found, with exit code 1, and the other checks are still made', async () => {
    const folder = newDataFolder();
    writeFileSync(folder, 'a file');
    const ill = await run(folder, ['doctor']);
    expect(ill.code).toBe(1);
    expect(ill.stdout).toMatch(/FAIL +data folder/);
    expect(ill.stdout).toMatch(/ok +daemon/);
  });
});

test('a command line that is not understood ends with code 2', async () => {
  expect(await run(newDataFolder(), ['dance'])).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('dance') });
});

/** Three entries, one without a vector, a tombstone, an alias and counters other than 0. */
async function fill(folder: string): Promise<void> {
  const answers = [
    [asked, 'X'],
    ['what is a monad?', 'a monoid "quoted"\nwith \u2028 lines'],
    ['```\nonly code\n```', 'Y'],
  ] as const;
  await withStore(folder, async parts => {
    for (const [prompt, text] of answers) {
      await parts.update({ prompt, llmString: 'm', generations: [{ text, generationInfo: { finish_reason: 'stop' } }] }, defaultCacheSettings);
    }
    await parts.lookup({ prompt: reworded, llmString: 'm' }, defaultCacheSettings);
    await parts.lookup({ prompt: reworded, llmString: 'n' }, defaultCacheSettings);
    await parts.store.addRuling({ a: 'a', b: 'b', same: false, createdAt: 17 });
    await parts.store.addRuling({ a: 'a', b: 'c', same: true, createdAt: 18 });
    await parts.store.addCounts({ wrongHits: 2, savedMs: 250, judgeYes: 3, judgeMs: 900, saved: { model: 'gpt', promptTokens: 5, completionTokens: 7 } });
  });
}

async function contentOf(folder: string): Promise<{ entries: (Omit<Entry, 'vector'> & { vector: string | null })[]; rulings: unknown; counts: unknown }> {
  return withStore(folder, async ({ store }) => {
    const entries: (Omit<Entry, 'vector'> & { vector: string | null })[] = [];
    for await (const entry of store.entries()) entries.push({ ...entry, vector: entry.vector?.join(' ') ?? null });
    const { since: _since, ...counts } = await store.counts();
    return { entries: entries.sort((a, b) => (a.id < b.id ? -1 : 1)), rulings: await store.rulings(), counts };
  });
}

async function withStore<T>(folder: string, work: (parts: ReturnType<typeof openParts>) => Promise<T>): Promise<T> {
  const parts = openParts({ dataFolder: preparedDataFolder(folder), now: Date.now, log: openLog({ now: Date.now }), shared: { embeddingDeadlineMs: 60_000 } });
  try {
    return await work(parts);
  } finally {
    await parts.close();
  }
}
