import { expect, test } from 'vitest';
import { explanationActions, explanationText } from '../../../../client/view/explanationText.ts';
import { missWords, type NearHit } from '../../../../server/protocol/decision.ts';
import type { CandidateExplanation, Explanation } from '../../../../server/protocol/explanation.ts';

const near: NearHit = { entryId: 'e1', instruction: 'How do I exit vim?', distance: 0.21, probability: 0.441, ageMs: 7_200_000, model: 'gpt-4o' };
const candidates: CandidateExplanation[] = [
  {
    entryId: 'e1', instruction: 'How do I exit vim?', distance: 0.21, outcome: 'near', probability: 0.441, bound: 0.8203, guards: [], trivial: false,
    why: 'The same question with 44.1 % probability; at least 82.0 % is needed.',
    alignment: { share: 0.5, leftAsked: ['get', 'out'], leftStored: ['exit'] }, logits: [0.5, -0.25],
  },
  {
    entryId: 'e2', instruction: 'How do I save in vim?', distance: 0.3, outcome: 'refused', why: 'Another verb: “save” and “get out”.',
    guards: [{ guard: 'act', reason: 'Another verb: “save” and “get out”.' }, { guard: 'number', reason: 'The numbers differ: 1 and 2.' }],
  },
  { entryId: 'e4', instruction: 'What is a monad?', distance: 0.95, outcome: 'refused', why: missWords['too-far'], alignment: { share: 0, leftAsked: ['vim'], leftStored: ['monad'] } },
];
const miss: Explanation = {
  instruction: 'How can I get out of vim?',
  context: [{ kind: 'selection', name: 'src/a.ts' }, { kind: 'language', name: 'language' }],
  llmString: '{"model":"gpt-4o","parameters":{"temperature":0.2}}',
  decision: { status: 'miss', reason: 'refused', why: candidates[0]!.why, nearest: near, near },
  candidates,
  elsewhere: [{ entryId: 'e3', instruction: 'How can I get out of vim?', updatedAt: 0, differs: ['the selected code (src/a.ts) changed', 'another model (gpt-5)'] }],
  matching: 'verified',
  maxWrongHitRate: 0.01,
};
const hit: Explanation = {
  ...miss,
  decision: {
    status: 'hit', match: 'semantic', entryId: 'e1', instruction: 'How do I exit vim?', distance: 0.21, ageMs: 7_200_000, savedMs: 1, savedTokens: 2,
    model: 'gpt-4o', why: 'You said that these two ask the same.',
  },
  candidates: [],
  elsewhere: [],
};
const care = { date: '2026-11-23', steps: [{ maxWrongHitRate: 0.01, measured: [{ set: 's', served: 100, wrong: 1, wrongShareUpper95: 0.02, coverage: 0.3 }] }] };
const text = (explanation: Explanation): string => explanationText(explanation, { care, now: 172_800_000 });

test('explanationText() tells the decision, what was compared, what had to be equal, and every candidate with its reasons', () => {
  const said = text(miss);
  for (const part of [
    '**Asked of the model.** The same question with 44.1 % probability; at least 82.0 % is needed. Near enough to be offered: “How do I exit vim?”.',
    '> How can I get out of vim?',
    '- the model: gpt-4o, with temperature 0.2', '- the selected code: src/a.ts', '- the language of the open file\n',
    '1. “How do I exit vim?”', '- 50 % of the words pair up', '- only in your question: “get”, “out”', '- only in the stored one: “exit”',
    '- log-odds of the verifier, both ways: 0.50 and -0.25',
    '2. “How do I save in vim?”', '- number: The numbers differ: 1 and 2.',
    '“How can I get out of vim?”, answered 2 d ago: the selected code (src/a.ts) changed; another model (gpt-5)',
    '- semcache.matching: verified', '- semcache.maxWrongHitRate: 0.01 (careful, up to 1 wrong in 100)',
    '- About 1 wrong in 100 served by meaning (measured; upper limit 2); serves 30 % of reworded questions',
    '- “Same question” gives', '- “Not the same” never', '- “Choose how careful…” serves', '- Ask about the same context',
  ]) expect(said).toContain(part);
  const rows = said.split('\n').filter(line => line.startsWith('| ')).map(line => line.replace(/ +/g, ' '));
  expect(rows.slice(1)).toEqual([
    '| 1 | offered | 0.21 | 44.1 % | 82.0 % | How do I exit vim? |',
    '| 2 | refused | 0.30 | – | – | How do I save in vim? |',
    '| 3 | too far | 0.95 | – | – | What is a monad? |',
  ]);
  expect(said.match(/Another verb/g)).toHaveLength(1);
  expect(said).not.toContain('“monad”');
});

test('explanationText() of a hit by meaning names the stored question and the way to say that it is wrong', () => {
  expect(text(hit)).toContain('**Served from the cache**, stored 2 h ago. You said that these two ask the same. It was stored for “How do I exit vim?”.');
  expect(text(hit)).toContain('- “Wrong answer” asks the model again');
  expect(text(hit)).not.toContain('## The same words elsewhere');
});

test.each([
  { why: 'a bound that nothing reaches, null over the wire', candidate: { ...candidates[0]!, bound: null as never }, cell: '| 44.1 % | – |' },
  { why: 'a pair that is the same by its words', candidate: { ...candidates[0]!, probability: undefined as never, trivial: true }, cell: '| no doubt | 82.0 % |' },
])('explanationText() shows $why', ({ candidate, cell }) => {
  expect(text({ ...miss, candidates: [candidate] }).replace(/ +/g, ' ')).toContain(cell);
});

test('explanationText() tells what asking the judge took', () => {
  const judgement = { judge: 'gpt-4o-mini', verdict: 'no', ms: 420, promptTokens: 118, completionTokens: 2 } as const;
  const decision = { ...miss.decision, judgement } as Explanation['decision'];
  expect(text({ ...miss, decision })).toContain('Asking the judge, gpt-4o-mini, took 0.4 s and 120 tokens.');
});

test('explanationText() shows an llmString of another program as it is', () => {
  expect(text({ ...miss, llmString: '[("model", "x")]', context: [] })).toContain('- the model and its parameters: [("model", "x")]\n- nothing else');
});

test.each([
  { why: 'a near miss', of: miss, offer: { near, said: null }, titles: ['Show it', 'Same question', 'Not the same', 'Choose how careful…'] },
  { why: 'a near miss that was called the same', of: miss, offer: { near, said: 'same' as const }, titles: ['Show it', 'Not the same', 'Choose how careful…'] },
  { why: 'a miss with a refused candidate', of: miss, offer: null, titles: ['2 is the same question', 'Choose how careful…'] },
  { why: 'a hit', of: hit, offer: null, titles: ['Wrong answer', 'Choose how careful…'] },
])('explanationActions() are $titles for $why', ({ of, offer, titles }) => {
  expect(explanationActions(of, { id: 'a1', offer }).map(({ title }) => title)).toEqual(titles);
});
