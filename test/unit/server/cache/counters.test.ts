import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Counters } from '../../../../server/cache/counters.ts';
import { openStore } from '../../../../server/store/openStore.ts';

function fail(error: unknown): never {
  throw error;
}

test('what a judge was asked survives the daemon, and what it cost is not taken for saved', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'semcache-counters-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const open = () => openStore(folder, { now: Date.now, maxEntries: 10 }).store;
  const cost = { promptTokens: 90, completionTokens: 1 };

  const before = open();
  const counting = new Counters({ store: before, onFailure: fail });
  expect(await counting.stats()).not.toHaveProperty('judge');
  for (const verdict of ['yes', 'no', 'no', null] as const) counting.countJudgement({ judge: 'tiny (small)', verdict, ms: 50, ...cost });
  counting.countJudgement({ judge: 'copilot/mini', verdict: 'yes', ms: 100, ...cost });
  counting.count({ status: 'hit', match: 'exact', entryId: 'e', instruction: 'q', distance: 0, ageMs: 1, savedMs: 500, savedTokens: 7, model: 'large', why: 'The same.' }, { model: 'large', promptTokens: 5, completionTokens: 2 });
  await before.close();

  const after = open();
  const stats = await new Counters({ store: after, onFailure: fail }).stats();
  expect(stats).toMatchObject({ hits: 1, saved: [{ model: 'large', promptTokens: 5, completionTokens: 2 }] });
  expect(stats.judge).toMatchObject({ yes: 2, no: 2, noVerdict: 1, ms: 300 });
  expect(stats.judge!.tokens).toHaveLength(2);
  expect(stats.judge!.tokens).toContainEqual({ model: 'tiny (small)', promptTokens: 360, completionTokens: 4 });
  expect(Object.keys(stats).filter(name => name.startsWith('judge'))).toEqual(['judge']);
  await after.close();
});
