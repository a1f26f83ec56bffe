import { expect, test } from 'vitest';
import { controlOf, headersOf } from '../../../../server/gateway/control.ts';
import type { Decision } from '../../../../server/protocol/decision.ts';

const nothing = { refresh: false, noStore: false, onlyIfCached: false, staleIfError: false, maxAgeMs: null, namespace: null, maxWrongHitRate: null };

test.each<{ headers: Record<string, string>; control: object }>([
  { headers: {}, control: nothing },
  { headers: { 'x-semcache-control': 'no-store, max-age=60' }, control: { ...nothing, noStore: true, maxAgeMs: 60_000 } },
  { headers: { 'x-semcache-control': 'max-age=-1, max-age=x, private' }, control: nothing },
  { headers: { 'x-semcache-control': 'Max-Age=5, Stale-If-Error' }, control: { ...nothing, maxAgeMs: 5000, staleIfError: true } },
  { headers: { 'x-semcache-namespace': ' a ', 'x-semcache-max-wrong-hit-rate': '0.05' }, control: { ...nothing, namespace: 'a', maxWrongHitRate: 0.05 } },
  { headers: { 'x-semcache-max-wrong-hit-rate': '7' }, control: nothing },
  { headers: { 'x-semcache-max-wrong-hit-rate': 'low' }, control: nothing },
])('controlOf() of $headers', ({ headers, control }) => {
  expect(controlOf(headers)).toEqual(control);
});

const hit: Decision = {
  status: 'hit', match: 'semantic', entryId: 'e1', instruction: 'x', distance: 0.1234567, probability: 0.99912, ageMs: 61_999, savedMs: 1, savedTokens: 1,
  model: 'm', why: 'Same “words”,\r\nx-evil: 1 – naïve…',
};

test('headersOf() a hit has all that is known of it, in one line of ASCII each', () => {
  expect(headersOf(hit)).toEqual({
    'x-semcache-status': 'hit', 'x-semcache-reason': 'Same "words", x-evil: 1 na ve...', 'x-semcache-entry': 'e1',
    'x-semcache-distance': '0.123457', 'x-semcache-probability': '0.9991', 'x-semcache-age': '61',
  });
});

test('headersOf() a miss has the distance of the nearest entry, where there was one', () => {
  expect(headersOf({ status: 'miss', reason: 'too-far', why: 'far', nearest: { entryId: 'e', instruction: 'i', distance: 0.5 } })).toEqual({
    'x-semcache-status': 'miss', 'x-semcache-reason': 'far', 'x-semcache-distance': '0.5',
  });
});
