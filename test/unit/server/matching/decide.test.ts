import { expect, test } from 'vitest';
import { decide } from '../../../../server/matching/decide.ts';
import { candidate } from './candidate.ts';

const distanceMode = { mode: 'distance', instruction: 'sort a list' } as const;

test.each([
  { why: 'below the threshold', distance: 0.1, scoreThreshold: 0.2, accepted: true },
  { why: 'exactly at the threshold', distance: 0.2, scoreThreshold: 0.2, accepted: true },
  { why: 'just above the threshold', distance: 0.2001, scoreThreshold: 0.2, accepted: false },
  { why: 'identical vectors at threshold 0', distance: 0, scoreThreshold: 0, accepted: true },
  { why: 'almost identical vectors at threshold 0', distance: 1e-6, scoreThreshold: 0, accepted: false },
])('decide() in distance mode: $why is accepted = $accepted', async ({ distance, scoreThreshold, accepted }) => {
  const verdict = await decide({ ...distanceMode, scoreThreshold, candidates: [candidate('order a list', distance)] });
  expect(verdict.accepted !== null).toBe(accepted);
  expect(verdict.missReason).toBe(accepted ? null : 'too-far');
  expect(verdict.nearest?.distance).toBe(distance);
});

test('decide() in distance mode applies no guard: a near miss within the threshold is served, as LangChain does', async () => {
  const verdict = await decide({
    mode: 'distance', instruction: 'turn off dark mode', scoreThreshold: 0.2, candidates: [candidate('turn on dark mode', 0.05)],
  });
  expect(verdict.accepted?.entry.instruction).toBe('turn on dark mode');
});

test('decide() passes over a tombstoned candidate and takes the next one within the threshold', async () => {
  const candidates = [candidate('a', 0.01, { tombstoned: true }), candidate('b', 0.02)];
  const verdict = await decide({ ...distanceMode, scoreThreshold: 0.2, candidates });
  expect(verdict.accepted?.entry.instruction).toBe('b');
  expect(verdict.explanation.map(e => e.outcome)).toEqual(['refused', 'accepted']);
});

test('decide() says "tombstone" when only tombstoned candidates are near enough', async () => {
  const candidates = [candidate('a', 0.01, { tombstoned: true }), candidate('b', 0.5)];
  const verdict = await decide({ ...distanceMode, scoreThreshold: 0.2, candidates });
  expect(verdict).toMatchObject({ accepted: null, missReason: 'tombstone' });
});

test('decide() in exact mode accepts nothing, however near', async () => {
  const verdict = await decide({ mode: 'exact', scoreThreshold: 2, instruction: 'a', candidates: [candidate('a', 0)] });
  expect(verdict).toMatchObject({ accepted: null, missReason: 'exact-only' });
});

test('decide() without candidates says that there is no entry', async () => {
  expect(await decide({ ...distanceMode, scoreThreshold: 0.2, candidates: [] })).toMatchObject({ missReason: 'no-entry', nearest: null });
});
