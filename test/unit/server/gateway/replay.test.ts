// A final object, replayed as a stream and recorded again, is the same object: nothing is lost on the way.

import { describe, expect, test } from 'vitest';
import type { Api, Json } from '../../../../server/gateway/api.ts';
import { apiNamed } from '../../../../server/gateway/apis.ts';

function recordedAgain(api: Api, final: Json, body: Json = {}): Json | null {
  const recorder = api.recorder();
  const ends = api.events(final, body).map(({ data }) => recorder.event(data));
  expect(ends.indexOf(true)).toBe(ends.length - 1);
  return recorder.final();
}

const usage = { input_tokens: 12, cache_creation_input_tokens: 3, cache_read_input_tokens: 8, output_tokens: 40, service_tier: 'standard' };
const message = (content: Json[], stop_reason = 'end_turn'): Json => ({
  id: 'msg_1', type: 'message', role: 'assistant', model: 'claude', content, stop_reason, stop_sequence: null, usage,
});

describe('messages', () => {
  test.each<{ why: string; content: Json[]; stop?: string }>([
    { why: 'text', content: [{ type: 'text', text: 'Häl🌯o\n\n"x"' }] },
    {
      why: 'thinking, signed, and redacted',
      content: [{ type: 'thinking', thinking: 'hm', signature: 'EqQB==' }, { type: 'redacted_thinking', data: 'abc' }, { type: 'text', text: 'x' }],
    },
    { why: 'citations', content: [{ type: 'text', text: 'x', citations: [{ type: 'char_location', cited_text: 'y', document_index: 0 }] }] },
    {
      why: 'a search of the provider\'s own',
      content: [
        { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'q' } },
        { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: [{ type: 'web_search_result', url: 'https://a' }] },
        { type: 'text', text: 'x' },
      ],
    },
    { why: 'tool calls', content: [{ type: 'text', text: 'x' }, { type: 'tool_use', id: 'toolu_1', name: 'read', input: { a: [1, { b: 'ü' }] } }, { type: 'tool_use', id: 'toolu_2', name: 'none', input: {} }], stop: 'tool_use' },
    { why: 'a block that nobody knows', content: [{ type: 'hologram', depth: 3 }] },
  ])('$why', ({ content, stop }) => {
    const final = message(content, stop);
    expect(recordedAgain(apiNamed('messages'), final)).toEqual(final);
  });

  test('a delta that nobody knows, or an error, is not put together', () => {
    for (const event of [{ type: 'content_block_delta', index: 0, delta: { type: 'hologram_delta' } }, { type: 'error', error: {} }]) {
      const recorder = apiNamed('messages').recorder();
      for (const { data } of apiNamed('messages').events(message([{ type: 'text', text: 'x' }]), {}).slice(0, 3)) recorder.event(data);
      recorder.event(JSON.stringify(event));
      recorder.event('{"type":"message_stop"}');
      expect(recorder.final()).toBeNull();
    }
  });
});

describe('chat', () => {
  const completion = (said: Json, finish_reason = 'stop'): Json => ({
    id: 'chatcmpl-1', object: 'chat.completion', created: 5, model: 'gpt', system_fingerprint: 'fp', service_tier: 'default',
    choices: [{ index: 0, message: { role: 'assistant', content: null, refusal: null, ...said }, logprobs: null, finish_reason }],
    usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
  });
  test.each<{ why: string; said: Json; finish?: string }>([
    { why: 'text', said: { content: 'Häl🌯o' } },
    { why: 'reasoning beside the text', said: { content: 'x', reasoning_content: 'hm', reasoning: 'hm', reasoning_details: [{ type: 'text', text: 'hm' }] } },
    { why: 'annotations', said: { content: 'x', annotations: [{ type: 'url_citation', url_citation: { url: 'https://a' } }] } },
    {
      why: 'tool calls',
      said: { tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'read', arguments: '{"a":1}' } }, { id: 'call_2', type: 'function', function: { name: 'ls', arguments: '{}' } }] },
      finish: 'tool_calls',
    },
    { why: 'the older function call', said: { function_call: { name: 'read', arguments: '{}' } }, finish: 'function_call' },
  ])('$why', ({ said, finish }) => {
    const final = completion(said, finish);
    expect(recordedAgain(apiNamed('chat'), final, { stream_options: { include_usage: true } })).toEqual(final);
  });

  test('a second choice, an error or no reason for the end is not put together', () => {
    for (const chunk of [{ choices: [{ index: 1, delta: { content: 'x' } }] }, { error: { message: 'x' } }, { choices: [{ index: 0, delta: { content: 'x' } }] }]) {
      const recorder = apiNamed('chat').recorder();
      recorder.event(JSON.stringify(chunk));
      expect(recorder.event('[DONE]')).toBe(true);
      expect(recorder.final()).toBeNull();
    }
  });
});

describe('responses', () => {
  const response = (...output: Json[]): Json => ({ id: 'resp_1', object: 'response', created_at: 5, status: 'completed', model: 'gpt', output, usage: null, metadata: {}, store: false });
  const text = { id: 'msg_1', type: 'message', status: 'completed', role: 'assistant', content: [{ type: 'output_text', text: 'Häl🌯o', annotations: [{ type: 'url_citation', url: 'https://a' }], logprobs: [] }] };
  test.each<{ why: string; output: Json[] }>([
    { why: 'text with citations', output: [text] },
    { why: 'reasoning, encrypted too', output: [{ id: 'rs_1', type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }], encrypted_content: 'gAAA' }, text] },
    { why: 'calls of functions and of free text', output: [{ id: 'fc_1', type: 'function_call', status: 'completed', call_id: 'call_1', name: 'read', arguments: '{"a":1}' }, { id: 'ctc_1', type: 'custom_tool_call', call_id: 'call_2', name: 'patch', input: '*** Begin' }] },
    { why: 'a search of the provider\'s own', output: [{ id: 'ws_1', type: 'web_search_call', status: 'completed', action: { type: 'search', query: 'q' } }, text] },
  ])('$why', ({ output }) => {
    const final = response(...output);
    expect(recordedAgain(apiNamed('responses'), final)).toEqual(final);
    const events = apiNamed('responses').events(final, {}).map(({ data }) => JSON.parse(data));
    expect(events.map(event => event.sequence_number)).toEqual(events.map((_event, at) => at));
    for (const item of output) expect(events).toContainEqual(expect.objectContaining({ type: 'response.output_item.done', item }));
  });

  test('items that a server leaves out of its last event are taken from their own', () => {
    const recorder = apiNamed('responses').recorder();
    recorder.event(JSON.stringify({ type: 'response.output_item.done', item: text }));
    recorder.event(JSON.stringify({ type: 'response.completed', response: response() }));
    expect(recorder.final()).toEqual(response(text));
  });
});

test('completions', () => {
  const final = { id: 'cmpl-1', object: 'text_completion', created: 5, model: 'm', choices: [{ index: 0, text: 'x y', logprobs: null, finish_reason: 'stop' }] };
  expect(recordedAgain(apiNamed('completions'), final)).toEqual(final);
});
