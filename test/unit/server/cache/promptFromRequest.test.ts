import { describe, expect, test } from 'vitest';
import { promptFromRequest, promptFromText } from '../../../../server/cache/promptFromRequest.ts';
import { keysOf } from '../../../../server/cache/scope.ts';
import type { Message, MessagePart, ModelRequest } from '../../../../server/protocol/prompt.ts';

const text = (value: string, more: object = {}): MessagePart => ({ type: 'text', text: value, ...more });
const user = (...parts: MessagePart[]): Message => ({ role: 'user', parts });
const request = (messages: Message[], more: Partial<ModelRequest> = {}): ModelRequest => ({
  model: 'm',
  parameters: {},
  messages,
  tools: [],
  ...more,
});
const scopeOf = (asked: ModelRequest): string => keysOf(promptFromRequest(asked)).scope;

describe('promptFromRequest()', () => {
  test('takes the untagged text of the last user message as the instruction', () => {
    const prompt = promptFromRequest(
      request([
        { role: 'system', parts: [text('be brief')] },
        user(text('earlier')),
        { role: 'assistant', parts: [text('answer')] },
        user(text('const a = 1;', { kind: 'selection', name: 'src/a.ts' }), text('explain this')),
      ]),
    );
    expect(prompt.instruction).toBe('explain this');
    expect(prompt.context.map(part => [part.kind, part.name])).toEqual([
      ['system', 'system message'],
      ['turn', 'turn 2 (user)'],
      ['turn', 'turn 3 (assistant)'],
      ['selection', 'src/a.ts'],
    ]);
    expect(prompt.exactOnly).toBeUndefined();
  });

  test('finds the question before a trailing system message', () => {
    const prompt = promptFromRequest(request([user(text('what is a monad?')), { role: 'system', parts: [text('environment')] }]));
    expect(prompt.instruction).toBe('what is a monad?');
    expect(prompt.context.map(part => part.kind)).toEqual(['system']);
  });

  test('leaves wrappers out of the instruction and in the scope', () => {
    const prompt = promptFromRequest(request([user(text('<reminder>', { kind: 'wrapper' }), text('what is a monad?'))]));
    expect(prompt.instruction).toBe('what is a monad?');
    expect(prompt.context).toEqual([{ kind: 'wrapper', name: 'wrapper', text: '<reminder>' }]);
  });

  test.each<{ why: string; parts: MessagePart[]; words: string }>([
    { why: 'an attachment', parts: [text('what is this?'), { type: 'data', mimeType: 'image/png', base64: 'aGk=' }], words: 'attachment' },
    { why: 'a tool result in the history', parts: [text('go on'), { type: 'tool-result', callId: 'a', parts: [text('1')] }], words: 'tools were used' },
    { why: 'no words', parts: [text('```\ncode\n```')], words: 'no question' },
  ])('serves only identical prompts with $why', ({ parts, words }) => {
    expect(promptFromRequest(request([user(...parts)])).exactOnly).toContain(words);
  });
});

describe('the language of the open file', () => {
  const asked = (question: string, language: string, ...more: MessagePart[]) =>
    request([user(text(language, { kind: 'language' }), ...more, text(question))]);
  const sameScope = (question: string, ...more: MessagePart[]): boolean =>
    scopeOf(asked(question, 'markdown', ...more)) === scopeOf(asked(question, 'python', ...more));

  test('belongs to the scope of a question that names none', () => {
    expect(sameScope('how do I reverse a list')).toBe(false);
    expect(promptFromRequest(asked('how do I reverse a list', 'python')).context).toEqual([{ kind: 'language', name: 'language', text: 'python' }]);
  });

  test('does not where the question says itself in which language it is to be answered', () => {
    expect(sameScope('how do I reverse a list in python')).toBe(true);
    expect(scopeOf(asked('how do I reverse a list in python', 'go'))).toBe(scopeOf(request([user(text('how do I reverse a list in python'))])));
  });

  test.each(['selection', 'file'])('belongs to the %s that goes with a question, whatever that names', kind => {
    expect(sameScope('write this in python', text('x = [1]', { kind, name: 'Untitled-1' }))).toBe(false);
  });

  test('belongs to pasted code, too', () => {
    expect(sameScope('write this in python\n```\nx = [1]\n```')).toBe(false);
  });
});

describe('keysOf() gives one scope to requests that differ only in what cannot matter', () => {
  const base = request([user(text('def f():\n  return 1', { kind: 'selection', name: 'a.py' }), text('explain'))], {
    parameters: { temperature: 0, max_tokens: 100 },
    tools: [{ name: 'b' }, { name: 'a' }],
  });

  test.each<{ why: string; other: Partial<ModelRequest> }>([
    { why: 'line ends', other: { messages: [user(text('def f():\r\n  return 1', { kind: 'selection', name: 'a.py' }), text('explain'))] } },
    { why: 'blanks at line ends', other: { messages: [user(text('def f():  \n  return 1', { kind: 'selection', name: 'a.py' }), text('explain'))] } },
    { why: 'the order of parameters', other: { parameters: { max_tokens: 100, temperature: 0 } } },
    { why: 'the order of tools', other: { tools: [{ name: 'a' }, { name: 'b' }] } },
    { why: 'the wording of the instruction', other: { messages: [user(base.messages[0]!.parts[0]!, text('please explain it'))] } },
  ])('$why', ({ other }) => {
    expect(scopeOf({ ...base, ...other })).toBe(scopeOf(base));
  });

  test.each<{ why: string; other: Partial<ModelRequest> }>([
    { why: 'the selected code', other: { messages: [user(text('def f():\n  return 2', { kind: 'selection', name: 'a.py' }), text('explain'))] } },
    { why: 'indentation', other: { messages: [user(text('def f():\n    return 1', { kind: 'selection', name: 'a.py' }), text('explain'))] } },
    { why: 'the file', other: { messages: [user(text('def f():\n  return 1', { kind: 'selection', name: 'b.py' }), text('explain'))] } },
    { why: 'the model', other: { model: 'n' } },
    { why: 'a parameter', other: { parameters: { temperature: 1, max_tokens: 100 } } },
    { why: 'the tools', other: { tools: [{ name: 'a' }] } },
    { why: 'an earlier turn', other: { messages: [user(text('hi')), ...base.messages] } },
    { why: 'the system message', other: { messages: [{ role: 'system', parts: [text('be brief')] }, ...base.messages] } },
  ])('and another for $why', ({ other }) => {
    expect(scopeOf({ ...base, ...other })).not.toBe(scopeOf(base));
  });

  test('tool-call ids are told apart by position only', () => {
    const conversation = (id: string): ModelRequest =>
      request([
        user(text('list')),
        { role: 'assistant', parts: [{ type: 'tool-call', callId: id, name: 'ls', input: { path: '.' } }] },
        user({ type: 'tool-result', callId: id, parts: [text('a.ts')] }, text('and now?')),
      ]);
    expect(keysOf(promptFromRequest(conversation('call_1x'))).entryId).toBe(keysOf(promptFromRequest(conversation('toolu_9'))).entryId);
  });
});

describe('promptFromText()', () => {
  test('keeps the llmString to the letter', () => {
    expect(promptFromText('a', '{"b": 1}---[]').llmString).toBe('{"b": 1}---[]');
  });

  test('two texts that differ only in pasted code are in two scopes', () => {
    const scope = (code: string): string => keysOf(promptFromText(`explain\n\`\`\`\n${code}\n\`\`\``, 'm')).scope;
    expect(scope('a')).not.toBe(scope('b'));
  });
});
