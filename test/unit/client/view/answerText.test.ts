import { expect, test } from 'vitest';
import { answerText } from '../../../../client/view/answerDocument.ts';
import type { ShownAsk } from '../../../../client/view/answerStatus.ts';
import { hoverText } from '../../../../client/view/askHover.ts';
import type { Decision } from '../../../../server/protocol/decision.ts';

const hit: Decision = {
  status: 'hit', match: 'semantic', entryId: 'e1', instruction: 'python: *reverse* a list', distance: 0.0312, ageMs: 172_800_000,
  savedMs: 1400, savedTokens: 1200, model: 'gpt-4o', why: 'Within the threshold.',
};
const ask = (change: Partial<ShownAsk>, status: Partial<ShownAsk['status']> = {}): ShownAsk => ({
  id: 'a1', question: 'how do I reverse a list?', entryId: 'e1', offer: null, text: 'Use reversed().\n', usage: null, notStored: null,
  ...change,
  status: { phase: 'answered', decision: hit, model: 'GPT-4o', tookMs: 12, codeChanged: false, ...status },
});

test('answerText() has the status in its first line, then the question, what was matched and the answer', () => {
  expect(answerText(ask({}))).toBe(
    '● cached · 2 d · distance 0.03 · GPT-4o\n\n> how do I reverse a list?\n\n' +
      '*Answered for “python: *reverse* a list”. Within the threshold.*\n\nUse reversed().\n',
  );
});

test('answerText() says what an identical question needs no words for', () => {
  const text = answerText(ask({}, { decision: { ...hit, match: 'exact', distance: 0 } }));
  expect(text).not.toContain('Answered for');
});

test('answerText() quotes every line of the question', () => {
  expect(answerText(ask({ question: 'one\n\ntwo' }))).toContain('\n> one\n>\n> two\n');
});

test('answerText() tells why there is no answer, why the cache was bypassed and why nothing was stored', () => {
  const failed = answerText(ask({ text: '' }, { phase: 'failed', decision: null, failure: 'The model refused.' }));
  expect(failed).toContain('✕ failed · GPT-4o');
  expect(failed).toContain('The model refused.');
  const bypassed = answerText(
    ask({ entryId: null, notStored: 'the store failed' }, { decision: { status: 'bypass', reason: 'store-failed', why: 'The disk is full.' } }),
  );
  expect(bypassed).toContain('*The disk is full. This answer is not stored.*');
  expect(answerText(ask({ notStored: 'the answer is empty' }))).toContain('Not stored: the answer is empty.');
});

test('hoverText() tells matched prompt, distance, age, tokens and time saved, and links every command to this ask', () => {
  const hover = hoverText(ask({}));
  expect(hover).toContain('Matched: “python: \\*reverse\\* a list”');
  expect(hover).toContain('| Distance | 0\\.03 \\(0 is identical\\) |');
  expect(hover).toContain('| Age | 2 d |');
  expect(hover).toContain('| Saved | 1,200 tokens · 1\\.4 s |');
  const argument = encodeURIComponent('[{"askId":"a1"}]');
  for (const id of ['refresh', 'edit', 'delete', 'wrongAnswer', 'showEntry', 'showAnswer']) {
    expect(hover).toContain(`(command:semcache.${id}?${argument})`);
  }
});

test('hoverText() offers nothing that needs an entry where none is stored', () => {
  const hover = hoverText(ask({ entryId: null, notStored: 'the answer is empty' }, { decision: { status: 'miss', reason: 'no-entry', why: 'New.' } }));
  for (const id of ['edit', 'delete', 'wrongAnswer', 'showEntry']) expect(hover).not.toContain(`semcache.${id}?`);
  expect(hover).toContain('semcache.refresh?');
  expect(hover).toContain('Not stored: the answer is empty');
});

test('hoverText() shows what a person typed as text, never as a link or picture', () => {
  const hover = hoverText(ask({ question: '[x](command:evil) ![](http://x/y.png) <img src=x> $(alert)' }));
  expect(hover).toContain('\\[x\\]\\(command:evil\\) \\!\\[\\]\\(http://x/y\\.png\\) \\<img src=x\\> \\$\\(alert\\)');
});

test('hoverText() of a miss names the nearest stored question', () => {
  const nearest = { entryId: 'e2', instruction: 'sort a list', distance: 0.41 };
  const hover = hoverText(ask({}, { decision: { status: 'miss', reason: 'too-far', why: 'Too far.', nearest } }));
  expect(hover).toContain('Nearest: “sort a list”, distance 0.41');
});
