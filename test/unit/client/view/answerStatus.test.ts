import { expect, test } from 'vitest';
import { ageText, agoText, distanceText, durationText, statusLine, statusText, verdictOf, type AskStatus } from '../../../../client/view/answerStatus.ts';
import type { Decision } from '../../../../server/protocol/decision.ts';

const day = 86_400_000;
const hit: Decision = {
  status: 'hit', match: 'semantic', entryId: 'e1', instruction: 'reverse a list', distance: 0.0312, ageMs: 2 * day,
  savedMs: 1400, savedTokens: 120, model: 'gpt-4o-2024', why: 'near enough',
};
const miss: Decision = { status: 'miss', reason: 'no-entry', why: 'nothing like it' };
const bypass: Decision = { status: 'bypass', reason: 'store-failed', why: 'the store failed' };
const status = (change: Partial<AskStatus>): AskStatus => ({
  phase: 'answered', decision: miss, model: 'GPT-4o', tookMs: 1400, codeChanged: false, ...change,
});

test.each([
  { why: 'a hit', of: status({ decision: hit }), text: '● cached · 2 d · distance 0.03', verdict: 'hit' },
  { why: 'an identical hit', of: status({ decision: { ...hit, match: 'exact', distance: 0 } }), text: '● cached · 2 d · distance 0', verdict: 'hit' },
  { why: 'a stale hit', of: status({ decision: { ...hit, status: 'stale' } }), text: '◐ cached, stale · 2 d · distance 0.03', verdict: 'stale' },
  { why: 'a miss', of: status({}), text: '○ asked · 1.4 s', verdict: 'miss' },
  { why: 'a bypass', of: status({ decision: bypass }), text: '◌ asked, cache bypassed · 1.4 s', verdict: 'bypass' },
  { why: 'an ask that waits for its decision', of: status({ phase: 'asking', decision: null }), text: '○ asking…', verdict: 'asking' },
  { why: 'an ask that streams', of: status({ phase: 'asking' }), text: '○ asking…', verdict: 'asking' },
  { why: 'a hit on its way', of: status({ phase: 'asking', decision: hit }), text: '● cached · 2 d · distance 0.03', verdict: 'hit' },
  { why: 'a failure', of: status({ phase: 'failed' }), text: '✕ failed', verdict: 'failed' },
  { why: 'a cancelled ask', of: status({ phase: 'cancelled' }), text: '✕ cancelled', verdict: 'failed' },
  { why: 'a hit whose code changed', of: status({ decision: hit, codeChanged: true }), text: '◐ cached · 2 d · distance 0.03 · code changed since', verdict: 'stale' },
  { why: 'a miss whose code changed', of: status({ codeChanged: true }), text: '◐ asked · 1.4 s · code changed since', verdict: 'stale' },
])('statusText() says $text for $why', ({ of, text, verdict }) => {
  expect(statusText(of)).toBe(text);
  expect(verdictOf(of)).toBe(verdict);
});

test('statusLine() names the model as people know it, for a hit as for a miss', () => {
  expect(statusLine(status({ decision: hit }))).toBe('● cached · 2 d · distance 0.03 · GPT-4o');
  expect(statusLine(status({}))).toBe('○ asked · 1.4 s · GPT-4o');
});

test.each([
  [0, 'now'], [4999, 'now'], [5000, '5 s'], [59_999, '59 s'], [60_000, '1 min'], [3_599_999, '59 min'], [3_600_000, '1 h'],
  [day - 1, '23 h'], [day, '1 d'], [729 * day, '729 d'], [730 * day, '2 y'],
])('ageText(%i) is %s', (ms, text) => {
  expect(ageText(ms)).toBe(text);
});

test.each([[0, 'just now'], [5000, '5 s ago'], [2 * day, '2 d ago']])('agoText(%i) is %s', (ms, text) => {
  expect(agoText(ms)).toBe(text);
});

test.each([
  [0, '0 ms'], [99.4, '99 ms'], [100, '0.1 s'], [1449, '1.4 s'], [9949, '9.9 s'], [9950, '10 s'], [59_499, '59 s'],
  [60_000, '1 min'], [125_000, '2 min 5 s'], [3_600_000, '1 h'], [11_400_000, '3 h 10 min'],
])('durationText(%i) is %s', (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

test.each([[0, '0'], [0.001, '0.00'], [0.2, '0.20'], [2, '2.00']])('distanceText(%d) is %s', (distance, text) => {
  expect(distanceText(distance)).toBe(text);
});
