// The bodies that real clients send, shortened (seen November 2026): what of them is the question, and which two are equal.

import { describe, expect, test } from 'vitest';
import { promptFromRequest } from '../../../../server/cache/promptFromRequest.ts';
import { keysOf } from '../../../../server/cache/scope.ts';
import type { ApiName, Json } from '../../../../server/gateway/api.ts';
import { apiNamed } from '../../../../server/gateway/apis.ts';
import type { Prompt } from '../../../../server/protocol/prompt.ts';

function promptOf(api: ApiName, body: Json, headers: Record<string, string> = {}): Prompt {
  return promptFromRequest(apiNamed(api).read(body, name => headers[name]).request);
}

const scopeOf = (api: ApiName, body: Json, headers?: Record<string, string>): string => keysOf(promptOf(api, body, headers)).scope;
const question = 'What is a monad?';

function claudeCode({ session = 'a', billing = 'e17', asArray = true, git = 'clean', prompt = question, date = '2026-11-23' } = {}): Json {
  const environment = `# Environment\ncwd: /home/ann\n${git}\nToday's date is ${date}.`;
  return {
    model: 'claude', max_tokens: 32_000, stream: true, thinking: { type: 'adaptive' }, output_config: { effort: 'high' },
    metadata: { user_id: `{"session_id":"${session}"}` },
    system: [
      { type: 'text', text: `x-anthropic-billing-header: cc_version=2.1.330.${billing}; cc_entrypoint=sdk-cli;` },
      { type: 'text', text: 'You are a Claude agent.', cache_control: { type: 'ephemeral' } },
    ],
    messages: [
      { role: 'user', content: [{ type: 'text', text: '<system-reminder>skills</system-reminder>' }, { type: 'text', text: prompt, ...(asArray ? { cache_control: { type: 'ephemeral' } } : {}) }] },
      { role: 'system', content: asArray ? [{ type: 'text', text: environment, cache_control: { type: 'ephemeral' } }] : environment },
    ],
    tools: [{ name: 'Bash', description: 'run', input_schema: { type: 'object' } }, { name: 'Later', defer_loading: true, input_schema: { type: 'object' } }],
  };
}

describe('Claude Code', () => {
  test('the question is what was typed, though a system message comes last', () => {
    expect(promptOf('messages', claudeCode()).instruction).toBe(question);
    expect(promptOf('messages', claudeCode()).exactOnly).toBeUndefined();
  });

  test.each([
    { why: 'another session', other: claudeCode({ session: 'b' }), same: true },
    { why: 'other digits in the billing header', other: claudeCode({ billing: 'f8c' }), same: true },
    { why: 'a string for a list of text blocks, and the cache marker moved', other: claudeCode({ asArray: false }), same: true },
    { why: 'the next day', other: claudeCode({ date: '2026-11-24' }), same: true },
    { why: 'another state of git', other: claudeCode({ git: 'dirty' }), same: false },
  ])('$why: the same scope is $same', ({ other, same }) => {
    expect(scopeOf('messages', other) === scopeOf('messages', claudeCode())).toBe(same);
  });

  test('the next day is another scope for a question about time', () => {
    const [a, b] = ['2026-11-23', '2026-11-24'].map(date => scopeOf('messages', claudeCode({ date, prompt: 'What is the date today?' })));
    expect(a).not.toBe(b);
  });

  test('betas are compared in any order, versions where they are not the usual one', () => {
    const scope = (headers: Record<string, string>): string => scopeOf('messages', claudeCode(), headers);
    expect(scope({ 'anthropic-beta': 'a,b', 'anthropic-version': '2023-06-01' })).toBe(scope({ 'anthropic-beta': 'b, a' }));
    expect(scope({ 'anthropic-beta': 'a' })).not.toBe(scope({ 'anthropic-beta': 'b' }));
    expect(scope({ 'anthropic-version': '2027-01-01' })).not.toBe(scope({}));
  });
});

function codex(run: number, prompt = question): Json {
  const item = (role: string, text: string): Json => ({ type: 'message', role, id: `msg_${run}_${text.length}`, content: [{ type: 'input_text', text }] });
  return {
    model: 'gpt', stream: true, store: false, include: ['reasoning.encrypted_content'], prompt_cache_key: `key-${run}`,
    client_metadata: { turn_started_at: run }, parallel_tool_calls: true, reasoning: { summary: 'auto' },
    input: [
      item('developer', 'You are Codex.'),
      item('user', `<environment_context>\n<cwd>/home/ann</cwd>\n<current_date>2026-11-2${run}</current_date>\n</environment_context>`),
      item('user', prompt),
    ],
    tools: [{ type: 'function', name: 'shell', parameters: {} }, { type: 'namespace', name: 'mcp', tools: [{ name: 'x' }] }, { type: 'web_search' }],
  };
}

test('Codex: ids, cache keys and the date of a run do not matter, and the question is the last message', () => {
  expect(promptOf('responses', codex(1)).instruction).toBe(question);
  expect(scopeOf('responses', codex(1))).toBe(scopeOf('responses', codex(2)));
});

test('Responses: three ways to write the same input are one', () => {
  const inputs = [
    question,
    [{ role: 'user', content: [{ type: 'input_text', text: question }] }],
    [{ content: question, role: 'user', type: 'message' }],
  ];
  expect(new Set(inputs.map(input => keysOf(promptOf('responses', { model: 'm', input })).entryId)).size).toBe(1);
});

test('Qwen Code: four wrapped parts, and the prompt as the last part', () => {
  const content = [1, 2, 3, 4].map(number => ({ type: 'text', text: `<system-reminder>part ${number}</system-reminder>` }));
  const body = { model: 'm', messages: [{ role: 'user', content: [...content, { type: 'text', text: question }] }] };
  expect(promptOf('chat', body).instruction).toBe(question);
});

test('Copilot: the time to the millisecond and the session folder do not matter', () => {
  const body = (ms: string, id: string): Json => ({
    model: 'm', temperature: 0,
    messages: [
      { role: 'system', content: `Session folder /tmp/${id}` },
      { role: 'user', content: `<current_datetime>2026-11-23T06:09:53.${ms}+00:00</current_datetime>\n\n${question}` },
    ],
  });
  const [a, b] = [body('655', '0a1b2c3d-0000-4000-8000-123456789abc'), body('999', '1a1b2c3d-0000-4000-8000-123456789abc')];
  expect(promptOf('chat', a).instruction).toBe(question);
  expect(keysOf(promptOf('chat', a)).entryId).toBe(keysOf(promptOf('chat', b)).entryId);
});

describe('forms of the same chat body', () => {
  const body: Json = { model: 'm', temperature: 0, max_tokens: 5, messages: [{ role: 'system', content: 'Be kind.' }, { role: 'user', content: question }] };
  test.each([
    { why: 'keys in another order', other: { messages: [{ content: 'Be kind.', role: 'system' }, { content: question, role: 'user' }], max_tokens: 5, temperature: 0, model: 'm' }, same: true },
    { why: 'text parts for a text', other: { ...body, messages: [{ role: 'system', content: [{ type: 'text', text: 'Be kind.' }] }, { role: 'user', content: [{ type: 'text', text: question }] }] }, same: true },
    { why: 'developer for system', other: { ...body, messages: [{ role: 'developer', content: 'Be kind.' }, { role: 'user', content: question }] }, same: true },
    { why: 'max_completion_tokens for max_tokens', other: { ...body, max_tokens: undefined, max_completion_tokens: 5 }, same: true },
    { why: 'null for an absent field', other: { ...body, stop: null }, same: true },
    { why: 'a stop word', other: { ...body, stop: ['x'] }, same: false },
    { why: 'a response format', other: { ...body, response_format: { type: 'json_object' } }, same: false },
    { why: 'an earlier turn', other: { ...body, messages: [{ role: 'user', content: 'Hi' }, { role: 'assistant', content: 'Hi' }, { role: 'user', content: question }] }, same: false },
    { why: 'a name that is an id', other: { ...body, messages: [{ role: 'system', content: 'Be kind.' }, { role: 'user', name: '0a1b2c3d-0000-4000-8000-123456789abc', content: question }] }, same: false },
    { why: 'a name of the user', other: { ...body, messages: [{ role: 'system', content: 'Be kind.' }, { role: 'user', name: 'bob', content: question }] }, same: false },
  ])('$why: the same scope is $same', ({ other, same }) => {
    expect(scopeOf('chat', JSON.parse(JSON.stringify(other)) as Json) === scopeOf('chat', body)).toBe(same);
  });

  test('the question is the same through all APIs', () => {
    const ids = [
      keysOf(promptOf('chat', body)).entryId,
      keysOf(promptOf('messages', { model: 'm', temperature: 0, max_tokens: 5, system: 'Be kind.', messages: [{ role: 'user', content: question }] })).entryId,
      keysOf(promptOf('responses', { model: 'm', temperature: 0, max_output_tokens: 5, instructions: 'Be kind.', input: question })).entryId,
    ];
    expect(new Set(ids).size).toBe(1);
  });
});

describe('tool calls in the history', () => {
  const history = (api: ApiName, id: string): Json =>
    api === 'chat'
      ? {
          model: 'm', messages: [
            { role: 'user', content: question },
            { role: 'assistant', content: '', tool_calls: [{ id, type: 'function', function: { name: 'read', arguments: '{"b":1, "a":2}' } }] },
            { role: 'tool', tool_call_id: id, content: 'text' },
          ],
        }
      : {
          model: 'm', messages: [
            { role: 'user', content: question },
            { role: 'assistant', content: [{ type: 'tool_use', id, name: 'read', input: { a: 2, b: 1 } }] },
            { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content: [{ type: 'text', text: 'text' }] }] },
          ],
        };

  test.each(['chat', 'messages'] as const)('%s: random ids do not matter, and only the identical prompt may be served', api => {
    expect(scopeOf(api, history(api, 'call_1'))).toBe(scopeOf(api, history(api, 'call_2')));
    expect(promptOf(api, history(api, 'call_1')).exactOnly).toBeDefined();
  });

  test('chat and messages write the same history', () => {
    expect(scopeOf('chat', history('chat', 'x'))).toBe(scopeOf('messages', history('messages', 'y')));
  });

  test('which result belongs to which call does matter', () => {
    const two = (first: string, second: string): Json => ({
      model: 'm', messages: [
        { role: 'user', content: question },
        { role: 'assistant', tool_calls: ['a', 'b'].map(id => ({ id, type: 'function', function: { name: 'read', arguments: '{}' } })) },
        { role: 'tool', tool_call_id: first, content: 'one' }, { role: 'tool', tool_call_id: second, content: 'two' },
      ],
    });
    expect(scopeOf('chat', two('a', 'b'))).not.toBe(scopeOf('chat', two('b', 'a')));
  });
});

test('completions: the identical text only', () => {
  const prompt = promptOf('completions', { model: 'm', prompt: '<PRE> a <SUF> b <MID>' });
  expect(prompt.exactOnly).toBeDefined();
  expect(scopeOf('completions', { model: 'm', prompt: 'a' })).not.toBe(scopeOf('completions', { model: 'm', prompt: 'b' }));
});
