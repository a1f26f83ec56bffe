import { expect, test } from 'vitest';
import { answerText } from '../../../../client/view/answerDocument.ts';
import type { ShownAsk } from '../../../../client/view/answerStatus.ts';
import { hoverText } from '../../../../client/view/askHover.ts';
import { offerActions, offerMarkdown, offerText, type NearOffer } from '../../../../client/view/nearOffer.ts';
import type { NearHit } from '../../../../server/protocol/decision.ts';

const near: NearHit = {
  entryId: 'e2', instruction: 'how do I [exit] vim?', distance: 0.2, probability: 0.6, ageMs: 172_800_000, model: 'gpt-4o',
};
const offer = (change: Partial<NearOffer> = {}): NearOffer => ({ near, said: null, ...change });
const ask = (of: NearOffer | null, phase: ShownAsk['status']['phase'] = 'asking'): ShownAsk => ({
  id: 'a1', question: 'how can I leave vim?', entryId: null, offer: of, text: phase === 'asking' ? '' : 'Type :q.', usage: null, notStored: null,
  status: {
    phase, model: 'GPT-4o', tookMs: 12, codeChanged: false,
    decision: { status: 'miss', reason: 'refused', why: 'The same question with 60.0 % probability; more is needed.', nearest: near, near },
  },
});

test.each([
  { why: 'while nothing was said', of: offer(), text: 'A similar question was answered 2 d ago: “how do I [exit] vim?”', actions: ['Show it', 'Same question', 'Not the same'] },
  { why: 'of a moment ago', of: offer({ near: { ...near, ageMs: 0 } }), text: 'A similar question was answered just now: “how do I [exit] vim?”', actions: ['Show it', 'Same question', 'Not the same'] },
  { why: 'called the same', of: offer({ said: 'same' }), text: 'You said: the same question as “how do I [exit] vim?”', actions: ['Show it', 'Not the same'] },
  { why: 'called another', of: offer({ said: 'not-the-same' }), text: 'You said: not the same question as “how do I [exit] vim?”', actions: [] },
])('an offer $why says so and offers what is left to say', ({ of, text, actions }) => {
  expect(offerText(of)).toBe(text);
  expect(offerActions(of).map(({ title }) => title)).toEqual(actions);
});

test('offerMarkdown() links its commands to the ask, and shows stored words as text', () => {
  const markdown = offerMarkdown(offer(), 'a1');
  expect(markdown).toContain('“how do I \\[exit\\] vim?”');
  const argument = encodeURIComponent('[{"askId":"a1"}]');
  for (const id of ['showNear', 'sameQuestion', 'notTheSame']) expect(markdown).toContain(`(command:semcache.${id}?${argument})`);
  expect(offerMarkdown(offer({ said: 'not-the-same' }), 'a1')).not.toContain('command:');
});

test('the answer document has the offer in its third line, while the fresh answer comes and after it', () => {
  expect(answerText(ask(offer()))).toBe(
    '○ asking… · GPT-4o\n\n*A similar question was answered 2 d ago: “how do I [exit] vim?”*\n\n> how can I leave vim?\n',
  );
  expect(answerText(ask(offer(), 'answered')).split('\n')[2]).toMatch(/^\*A similar question/);
  expect(answerText(ask(null)).split('\n')[2]).toBe('> how can I leave vim?');
});

test('the hover says why in its second line, and has the offer instead of the nearest question', () => {
  const paragraphs = hoverText(ask(offer())).split('\n\n');
  expect(paragraphs[1]).toMatch(/^The same question with 60\\\.0 % probability; more is needed\\\. \[Why\?\]\(command:semcache\.explain\?/);
  expect(paragraphs).toContain('A similar question was answered 2 d ago: “how do I \\[exit\\] vim?”');
  expect(hoverText(ask(offer()))).not.toContain('Nearest:');
  expect(hoverText(ask(null))).toContain('Nearest:');
});
