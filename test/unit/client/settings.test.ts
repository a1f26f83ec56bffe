import { expect, test } from 'vitest';
import { readSettings } from '../../../client/settings.ts';
import { defaultCacheSettings, settingsTable } from '../../../server/protocol/settings.ts';

const configured = (values: Record<string, unknown>) => ({ get: <T>(name: string) => values[name] as T }) as never;

test('readSettings() has the defaults of the table where nothing is set', () => {
  const settings = readSettings(configured({}));
  expect(settings.cache).toEqual(defaultCacheSettings);
  expect(settings).toMatchObject({ model: 'auto', upstreams: [], daemonMode: 'shared', decorationsEnabled: true });
  expect(settings.prices).toEqual(settingsTable.prices.default);
});

test.each([
  { name: 'scoreThreshold', value: 0, read: 0, why: 'the smallest that is legal' },
  { name: 'scoreThreshold', value: 2, read: 2, why: 'the largest that is legal' },
  { name: 'scoreThreshold', value: 2.01, read: 0.2, why: 'above the range' },
  { name: 'scoreThreshold', value: '0.1', read: 0.2, why: 'a text' },
  { name: 'scoreThreshold', value: Number.NaN, read: 0.2, why: 'no number' },
  { name: 'maxEntries', value: 1.5, read: 50000, why: 'no whole number' },
  { name: 'enabled', value: 'false', read: true, why: 'a text that only looks like false' },
  { name: 'enabled', value: false, read: false, why: 'what was set' },
])('readSettings() reads $name $value as $read: $why', ({ name, value, read }) => {
  expect(readSettings(configured({ [name]: value })).cache).toMatchObject({ [name]: read });
});

test('readSettings() takes a matching mode from the table only', () => {
  expect(readSettings(configured({ matching: 'exact' })).cache.matching).toBe('exact');
  expect(readSettings(configured({ matching: 'loose' })).cache.matching).toBe(settingsTable.matching.default);
});

test('readSettings() leaves out upstreams and price rows that cannot be used, and keeps the others', () => {
  const good = { name: 'local', kind: 'openai', baseUrl: 'http://127.0.0.1:1/v1', models: ['m'] };
  const settings = readSettings(
    configured({
      upstreams: [good, null, { ...good, baseUrl: 'nowhere' }, { ...good, kind: 'soap' }, { ...good, models: [1] }, { ...good, name: '' }],
      prices: { good: [1, 2], bad: [1], worse: 'x' },
    }),
  );
  expect(settings.upstreams).toEqual([good]);
  expect(settings.prices).toEqual({ good: [1, 2] });
});
