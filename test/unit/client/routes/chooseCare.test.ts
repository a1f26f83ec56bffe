import { expect, test } from 'vitest';
import { chooseCareCommand } from '../../../../client/routes/chooseCare.ts';
import type { CareItem } from '../../../../client/view/care.ts';
import type { Care } from '../../../../server/protocol/care.ts';

const measured = [{ set: 'one', served: 100, wrong: 1, wrongShareUpper95: 0.02, coverage: 0.3 }];
const care: Care = { date: '2026-11-23', steps: [{ maxWrongHitRate: 0.01, measured }, { maxWrongHitRate: 0.05, measured }] };
const cache = { matching: 'verified' as const, maxWrongHitRate: 0.01, scoreThreshold: 0.2, embeddingEndpoint: '' };

/** A window in which the person picks the row of this number; `effective` is what the folder's own settings leave of it. */
function setUp(picks: number | null, effective: Record<string, unknown> = {}) {
  const written: unknown[][] = [];
  const warnings: string[] = [];
  const settings: Record<string, unknown> = {};
  const input = {
    placeholder: '', items: [] as CareItem[], activeItems: [] as CareItem[], selectedItems: [] as CareItem[],
    accept: (): void => undefined, hidden: (): void => undefined,
    onDidAccept(listener: () => void) { this.accept = listener; },
    onDidHide(listener: () => void) { this.hidden = listener; },
    hide() { this.hidden(); },
    dispose: () => undefined,
    show() {
      if (picks === null) return this.hide();
      this.selectedItems = [this.items[picks]!];
      this.accept();
    },
  };
  const editor = {
    ConfigurationTarget: { Global: 1 },
    commands: { executeCommand: async () => undefined },
    window: { createQuickPick: () => input, showWarningMessage: async (text: string) => void warnings.push(text) },
    workspace: {
      getConfiguration: () => ({
        update: async (name: string, value: unknown, target: number) => (written.push([name, value, target]), (settings[name] = value)),
        get: (name: string) => effective[name] ?? settings[name],
      }),
    },
  };
  const run = (change: Partial<typeof cache> = {}, figures: Care | null = care): Promise<void> =>
    chooseCareCommand({ editor: editor as never, care: () => figures, configuration: { settings: { cache: { ...cache, ...change } } } });
  return { run, written, warnings, input };
}

test('it begins at the step in force, and what is picked goes to the user\'s settings', async () => {
  const { run, written, input, warnings } = setUp(2);
  await run();
  expect(input.activeItems.map(({ label }) => label)).toEqual(['$(check) Careful: 1 in 100']);
  expect(input.placeholder).toContain('Measured 2026-11-23');
  expect(written).toEqual([['matching', 'verified', 1], ['maxWrongHitRate', 0.05, 1]]);
  expect(warnings).toEqual([]);
});

test('exact only leaves the permitted share as it is', async () => {
  const { run, written } = setUp(0);
  await run();
  expect(written).toEqual([['matching', 'exact', 1]]);
});

test('a person who leaves changes nothing', async () => {
  const { run, written } = setUp(null);
  await run();
  expect(written).toEqual([]);
});

test('a workspace that sets it otherwise is named', async () => {
  const { run, warnings } = setUp(2, { maxWrongHitRate: 0.2 });
  await run();
  expect(warnings).toEqual(['Your choice is kept, but this workspace sets semcache.maxWrongHitRate itself.']);
});

test.each([
  { why: 'by distance', change: { matching: 'distance' as never }, said: 'Now: by distance alone (semcache.scoreThreshold 0.2), whatever the words' },
  { why: 'with embeddings from elsewhere', change: { embeddingEndpoint: 'http://x' }, said: 'Measured with the local model only' },
])('$why it says what the figures are worth', async ({ change, said }) => {
  const { run, input } = setUp(null);
  await run(change);
  expect(input.placeholder).toContain(said);
});

test('without a daemon there are no figures to choose by', async () => {
  const { run } = setUp(0);
  await expect(run({}, null)).rejects.toMatchObject({ code: 'daemon-unreachable' });
});
