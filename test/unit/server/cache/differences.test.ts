import { expect, test } from 'vitest';
import { differencesOf, mayBeTold } from '../../../../server/cache/differences.ts';
import { promptFromRequest } from '../../../../server/cache/promptFromRequest.ts';
import { keysOf } from '../../../../server/cache/scope.ts';
import type { Message, MessagePart, ModelRequest } from '../../../../server/protocol/prompt.ts';

interface Facts {
  model?: string;
  parameters?: Record<string, unknown>;
  before?: Message[];
  parts?: MessagePart[];
  tools?: string[];
}

/** A prompt as the cache compares it. */
function compared({ model = 'gpt-4o', parameters = {}, before = [], parts = [], tools = [] }: Facts) {
  const request: ModelRequest = {
    model,
    parameters,
    messages: [...before, { role: 'user', parts: [...parts, { type: 'text', text: 'explain this' }] }],
    tools: tools.map(name => ({ name, inputSchema: {} })),
  };
  const prompt = promptFromRequest(request);
  return { llmString: prompt.llmString, context: keysOf(prompt).marks };
}

const selected = (name: string, text: string): MessagePart => ({ type: 'text', kind: 'selection', name, text });
const file = (name: string, text: string): MessagePart => ({ type: 'text', kind: 'file', name, text });
const language = (text: string): MessagePart => ({ type: 'text', kind: 'language', text });
const said = (role: Message['role'], text: string): Message => ({ role, parts: [{ type: 'text', text }] });

test.each<{ now: Facts; then: Facts; words: string[]; discreet?: string[] }>([
  { now: { parts: [selected('src/parse.ts', 'b')] }, then: { parts: [selected('src/parse.ts', 'a')] }, words: ['the selected code (src/parse.ts) changed'] },
  {
    now: { parts: [selected('b.ts', 'x')] }, then: { parts: [selected('a.ts', 'x')] },
    words: ['the selected code is another (b.ts instead of a.ts)'], discreet: ['the selected code is another (b.ts)'],
  },
  {
    now: { parts: [file('b.ts', 'x'), file('c.ts', 'y')] }, then: { parts: [file('c.ts', 'y'), file('a.ts', 'z')] },
    words: ['the open file is another (b.ts instead of a.ts)'], discreet: ['the open file is another (b.ts)'],
  },
  { now: { parts: [file('b.ts', 'x')] }, then: {}, words: ['the open file (b.ts) was not there'] },
  { now: {}, then: { parts: [file('a.ts', 'x')] }, words: ['the open file (a.ts) is missing'], discreet: ['the open file is missing'] },
  { now: { parts: [language('python')] }, then: { parts: [language('go')] }, words: ['the language of the file changed'] },
  { now: { model: 'gpt-5' }, then: {}, words: ['another model (gpt-4o)'], discreet: ['another model'] },
  { now: { parameters: { temperature: 1 } }, then: { parameters: { temperature: 0, top_p: 1 } }, words: ['other settings of the model (temperature, top_p)'] },
  { now: { before: [said('user', 'hi')] }, then: {}, words: ['1 earlier turn instead of 0'] },
  { now: {}, then: { before: [said('user', 'hi'), said('assistant', 'ho')] }, words: ['0 earlier turns instead of 2'] },
  { now: { before: [said('user', 'hi')] }, then: { before: [said('user', 'ho')] }, words: ['the earlier turns differ'] },
  { now: { before: [said('system', 'a')] }, then: { before: [said('system', 'b')] }, words: ['the system message differs'] },
  { now: { before: [said('system', 'a')] }, then: {}, words: ['there was no such system message'] },
  { now: {}, then: { before: [said('system', 'a')] }, words: ['a system message is missing'] },
  { now: { tools: ['grep'] }, then: { tools: ['find'] }, words: ['the tools on offer (1 tools) changed'] },
  {
    now: { model: 'x', parts: [selected('a.ts', '1')], before: [said('user', 'hi')] }, then: { parts: [selected('a.ts', '2')] },
    words: ['another model (gpt-4o)', '1 earlier turn instead of 0', 'the selected code (a.ts) changed'],
    discreet: ['another model', '1 earlier turn instead of 0', 'the selected code (a.ts) changed'],
  },
  { now: { parts: [file('a', '1'), file('b', '2')] }, then: { parts: [file('b', '2'), file('a', '1')] }, words: ['the same parts in another order'] },
])('differencesOf() names $words', ({ now, then, words, discreet = words }) => {
  const found = differencesOf(compared(now), compared(then));
  expect(found.map(each => each.words)).toEqual(words);
  expect(found.map(each => each.discreet)).toEqual(discreet);
});

test('differencesOf() names a model string that another program made', () => {
  const [found] = differencesOf({ llmString: 'a', context: [] }, { llmString: 'b', context: [] });
  expect(found).toEqual({ words: 'another model (b)', discreet: 'another model' });
});

test.each([
  { now: {}, then: {}, told: true },
  { now: { temperature: 1 }, then: { temperature: 0 }, told: true },
  { now: { 'semcache credential': 'a' }, then: { 'semcache credential': 'a' }, told: true },
  { now: { 'semcache credential': 'a' }, then: { 'semcache credential': 'b' }, told: false },
  { now: {}, then: { 'semcache credential': 'b' }, told: false },
  { now: { 'semcache namespace': 'x' }, then: {}, told: false },
])('mayBeTold() is $told between $now and $then', ({ now, then, told }) => {
  expect(mayBeTold(compared({ parameters: now }), compared({ parameters: then }))).toBe(told);
});
