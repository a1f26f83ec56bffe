import { describe, expect, test } from 'vitest';
import { promptFromRequest } from '../../../../server/cache/promptFromRequest.ts';
import { keysOf } from '../../../../server/cache/scope.ts';
import type { Json } from '../../../../server/gateway/api.ts';
import { apiNamed } from '../../../../server/gateway/apis.ts';
import { noiseBlockFields, noiseDefaults, noiseFields, noiseText, quieted, speaksOfTime, typedAndWrapped, wrapperTags } from '../../../../server/gateway/noise.ts';
import type { ModelRequest } from '../../../../server/protocol/prompt.ts';

const request = (system: string, ...user: ModelRequest['messages'][number]['parts']): ModelRequest => ({
  model: 'm', parameters: {}, tools: [], messages: [{ role: 'system', parts: [{ type: 'text', text: system }] }, { role: 'user', parts: user }],
});
const typed = (text: string) => ({ type: 'text' as const, text });
const systemOf = (asked: ModelRequest): string => asked.messages[0]!.parts.map(part => (part.type === 'text' ? part.text : '')).join('');
const scopeOf = (body: Json): string => keysOf(promptFromRequest(apiNamed('chat').read(body, () => undefined).request)).scope;

describe('every row of the noise tables', () => {
  test.each(Object.keys(noiseFields))('a body\'s %s does not change the key', field => {
    const body = { model: 'm', messages: [{ role: 'user', content: 'hi' }] };
    expect(scopeOf({ ...body, [field]: { any: 'thing' } })).toBe(scopeOf(body));
  });

  test.each(Object.keys(noiseBlockFields))('a block\'s %s does not change the key', field => {
    const block = { type: 'new_thing', value: 1 };
    const body = (content: object): Json => ({ model: 'm', messages: [{ role: 'user', content: [content] }] });
    expect(scopeOf(body({ ...block, [field]: 'x' }))).toBe(scopeOf(body(block)));
  });

  test.each(noiseDefaults)('$field: $value is the same as leaving it out, and another value is not', ({ field, value }) => {
    const body = { model: 'm', messages: [{ role: 'user', content: 'hi' }] };
    expect(scopeOf({ ...body, [field]: value })).toBe(scopeOf(body));
    expect(scopeOf({ ...body, [field]: 'another' })).not.toBe(scopeOf(body));
  });

  test.each([...Object.values(noiseFields), ...Object.values(noiseBlockFields), ...noiseDefaults.map(row => row.why), ...noiseText.map(row => row.why)])(
    'says why: %s',
    why => expect(why.length).toBeGreaterThan(8),
  );
});

describe('texts that programs write', () => {
  test.each([
    ['Today\'s date is 2026-11-23.', 'Today\'s date is 2026-11-24.'],
    ['Today’s date: Monday, Nov 23, 2026', 'Today’s date: Tuesday, Nov 24, 2026'],
    ['Current date: 11/23/2026', 'Current date: 11/24/2026'],
    ['- 2. Date: 11/23/2026, 9:01:02 AM', '- 2. Date: 12/1/2026, 11:59:59 PM'],
    ['Today is 23 November 2026 and', 'Today is 24 November 2026 and'],
    ['<current_date>2026-11-23</current_date>', '<current_date>2026-11-24</current_date>'],
    ['the current date and time is 2026-11-23T09:01:02.345+00:00', 'the current date and time is 2026-11-24T10:00:00Z'],
    ['session /tmp/0a1b2c3d-0000-4000-8000-123456789abc/x', 'session /tmp/ffffffff-0000-4000-8000-123456789abc/x'],
    ['x-anthropic-billing-header: cc_version=2.1.330.e17; cc_entrypoint=cli;\nYou are', 'x-anthropic-billing-header: cc_version=2.1.330.f8c; cc_entrypoint=cli;\nYou are'],
  ])('%j and %j are one system text', (a, b) => {
    const quiet = (text: string): string => systemOf(quieted(request(text, typed('What is a monad?'))));
    expect(quiet(a)).toBe(quiet(b));
  });

  test.each([
    ['Released on 2024-01-01.', 'Released on 2025-01-01.'],
    ['Version 11/23/2026', 'Version 11/24/2026'],
    ['id 0a1b2c3d-0000-4000-8000', 'id ffffffff-0000-4000-8000'],
  ])('%j and %j stay two', (a, b) => {
    const quiet = (text: string): string => systemOf(quieted(request(text, typed('What is a monad?'))));
    expect(quiet(a)).not.toBe(quiet(b));
  });

  test('dates stay when the person asks about time; ids go all the same', () => {
    const text = 'Today\'s date is 2026-11-23. 0a1b2c3d-0000-4000-8000-123456789abc';
    expect(systemOf(quieted(request(text, typed('What day is it tomorrow?'))))).toBe('Today\'s date is 2026-11-23. <uuid>');
  });

  test('what stands beside a message (a name, thinking) is compared to the letter', () => {
    const named = (id: string): ModelRequest => request('', typed('hi'), { type: 'text', text: `name ${id}`, kind: 'wrapper', name: 'name' });
    const [a, b] = ['0a1b2c3d-0000-4000-8000-123456789abc', 'ffffffff-0000-4000-8000-123456789abc'].map(id => quieted(named(id)));
    expect(a).not.toEqual(b);
  });

  test('nothing that a person typed is changed', () => {
    const text = 'Today\'s date is 2026-11-23 and the id 0a1b2c3d-0000-4000-8000-123456789abc is what?';
    expect(quieted(request('', typed(text))).messages.at(-1)!.parts).toEqual([typed(text)]);
  });
});

test.each([
  { text: 'What is the latest version?', time: true },
  { text: 'How old is Rome?', time: true },
  { text: 'What is a monad?', time: false },
  { text: 'Rename updateTimer to tick', time: false },
])('speaksOfTime() of "$text" is $time', ({ text, time }) => {
  expect(speaksOfTime(text)).toBe(time);
});

describe('typedAndWrapped()', () => {
  test.each(wrapperTags)('<%s> is not what the person typed', tag => {
    expect(typedAndWrapped(`<${tag}>cwd /x</${tag}>\n\nWhat is a monad?`)).toEqual([
      { type: 'text', text: `<${tag}>cwd /x</${tag}>`, kind: 'wrapper', name: tag },
      { type: 'text', text: 'What is a monad?' },
    ]);
  });

  test('takes what was typed out of its own tags', () => {
    expect(typedAndWrapped('<task>\nWhat is a monad?\n</task>\n<environment_details>x</environment_details>')).toEqual([
      { type: 'text', text: 'What is a monad?' },
      { type: 'text', text: '<environment_details>x</environment_details>', kind: 'wrapper', name: 'environment_details' },
    ]);
  });

  test.each(['<system-reminder>never closed', 'a < b and c > d', '<b>bold</b>', ''])('leaves %j alone', text => {
    expect(typedAndWrapped(text)).toEqual(text === '' ? [] : [{ type: 'text', text }]);
  });

  test('comes to its end on a long text made to be slow', () => {
    const text = '<system-reminder>'.repeat(1_000_000);
    expect(typedAndWrapped(text)).toEqual([{ type: 'text', text }]);
  });
});

test.each(['__proto__', 'constructor', 'toString'])('a field called %s is compared like any other', name => {
  const body = (value: string): Json => JSON.parse(`{"model":"m","messages":[{"role":"user","content":"hi"}],"${name}":"${value}"}`) as Json;
  expect(scopeOf(body('a'))).not.toBe(scopeOf(body('b')));
});

describe('what a program ends a question with, and its system text too', () => {
  const rules = '# Rules:\n\nAnswer in *blocks*.\n\nReply in English.';
  const ask = (system: string, user: string): Json => ({ model: 'm', messages: [{ role: 'system', content: system }, { role: 'user', content: user }] });
  const promptOf = (body: Json) => promptFromRequest(apiNamed('chat').read(body, () => undefined).request);

  test.each(['Reply in English.', rules])('is not taken for typed: %j', reminder => {
    const prompt = promptOf(ask(`You are kind.\n${reminder}\n`, `What is a monad?\n\nBriefly.\n\n${reminder}\n`));
    expect(prompt.instruction).toBe('What is a monad?\n\nBriefly.');
    expect(prompt.context).toContainEqual({ kind: 'wrapper', name: 'reminder', text: reminder });
  });

  test('is compared exactly', () => {
    const scope = (reminder: string, user = reminder): string => scopeOf(ask(`You are kind.\n${reminder}`, `What is a monad?\n\n${user}`));
    expect(scope('Reply in English.')).not.toBe(scope('Reply in French.'));
    expect(scope('Reply in English.')).not.toBe(scopeOf(ask('You are kind.\nReply in English.', 'What is a monad?')));
  });

  test.each([
    { why: 'the system text says something else', system: 'You are kind.', user: 'What is a monad?\n\nReply in English.' },
    { why: 'it is the end of a longer line there', system: 'You are kind. Reply in English.', user: 'What is a monad?\n\nReply in English.' },
    { why: 'no blank line is before it', system: 'You are kind.\nReply in English.', user: 'What is a monad?\nReply in English.' },
    { why: 'there is nothing else', system: 'You are kind.\nReply in English.', user: 'Reply in English.' },
  ])('is typed where $why', ({ system, user }) => {
    expect(promptOf(ask(system, user)).instruction).toBe(user);
  });
});
