// How each API writes the same question, and where its answer's text stands: for tests that run over all of them.

import type { Api } from '../../server/gateway/api.ts';
import { apiNamed } from '../../server/gateway/apis.ts';

/* What comes back is read without types, as a test says what it expects of it. */
type Loose = any;

export interface ApiForm {
  name: 'chat' | 'messages' | 'responses';
  path: string;
  api: Api;
  /** A question with a system text, and further fields. */
  ask(question: string, more?: Record<string, unknown>, system?: string): Record<string, unknown>;
  /** Fields that offer these tools. */
  tools(...names: string[]): Record<string, unknown>;
  /** Fields that continue after a tool was called and has answered. */
  afterTool(question: string): Record<string, unknown>;
  /** The user's message with an image. */
  withImage(question: string, base64: string): Record<string, unknown>;
  maxTokens(count: number): Record<string, unknown>;
  textOf(answer: Loose): string;
  /** The text of a stream, from its deltas. */
  streamedText(stream: string): string;
  /** What of a final object is new on every replay. */
  withoutNew(answer: Loose): Loose;
}

/** The data of a stream's events. */
export function eventsIn(stream: string): Loose[] {
  return stream
    .split('\n\n')
    .map(block => block.split('\n').filter(line => line.startsWith('data: ')).map(line => line.slice(6)).join('\n'))
    .filter(data => data !== '' && data !== '[DONE]')
    .map(data => JSON.parse(data));
}

const schema = { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] };
const limit = { max_tokens: 1000 };

const chat: ApiForm = {
  name: 'chat',
  path: '/v1/chat/completions',
  api: apiNamed('chat'),
  ask: (question, more = {}, system = 'You are kind.') => ({
    model: 'm-large', ...limit, messages: [{ role: 'system', content: system }, { role: 'user', content: question }], ...more,
  }),
  tools: (...names) => ({ tools: names.map(name => ({ type: 'function', function: { name, description: `does ${name}`, parameters: schema } })) }),
  afterTool: question => ({
    messages: [
      { role: 'user', content: question },
      { role: 'assistant', content: null, tool_calls: [{ id: `call_${Math.random()}`, type: 'function', function: { name: 'read', arguments: '{"path":"a"}' } }] },
      { role: 'tool', tool_call_id: 'call_1', content: 'text of a' },
    ],
  }),
  withImage: (question, base64) => ({
    messages: [{ role: 'user', content: [{ type: 'text', text: question }, { type: 'image_url', image_url: { url: `data:image/png;base64,${base64}` } }] }],
  }),
  maxTokens: max_tokens => ({ max_tokens }),
  textOf: answer => answer.choices[0].message.content,
  streamedText: stream => eventsIn(stream).map(chunk => chunk.choices[0]?.delta.content ?? '').join(''),
  withoutNew: ({ id: _id, created: _created, ...answer }) => answer,
};

const messages: ApiForm = {
  name: 'messages',
  path: '/v1/messages',
  api: apiNamed('messages'),
  ask: (question, more = {}, system = 'You are kind.') => ({ model: 'm-large', ...limit, system, messages: [{ role: 'user', content: question }], ...more }),
  tools: (...names) => ({ tools: names.map(name => ({ name, description: `does ${name}`, input_schema: schema })) }),
  afterTool: question => ({
    messages: [
      { role: 'user', content: question },
      { role: 'assistant', content: [{ type: 'tool_use', id: `toolu_${Math.random()}`, name: 'read', input: { path: 'a' } }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'text of a' }] },
    ],
  }),
  withImage: (question, base64) => ({
    messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: base64 } }, { type: 'text', text: question }] }],
  }),
  maxTokens: max_tokens => ({ max_tokens }),
  textOf: answer => answer.content.map((block: Loose) => block.text ?? '').join(''),
  streamedText: stream => eventsIn(stream).map(event => (event.type === 'content_block_delta' ? (event.delta.text ?? '') : '')).join(''),
  withoutNew: ({ id: _id, ...answer }) => answer,
};

const responses: ApiForm = {
  name: 'responses',
  path: '/v1/responses',
  api: apiNamed('responses'),
  ask: (question, more = {}, system = 'You are kind.') => ({ model: 'm-large', max_output_tokens: 1000, instructions: system, input: question, store: false, ...more }),
  tools: (...names) => ({ tools: names.map(name => ({ type: 'function', name, description: `does ${name}`, parameters: schema })) }),
  afterTool: question => ({
    input: [
      { role: 'user', content: question },
      { type: 'function_call', id: 'fc_1', call_id: `call_${Math.random()}`, name: 'read', arguments: '{"path":"a"}' },
      { type: 'function_call_output', call_id: 'call_1', output: 'text of a' },
    ],
  }),
  withImage: (question, base64) => ({
    input: [{ role: 'user', content: [{ type: 'input_text', text: question }, { type: 'input_image', image_url: `data:image/png;base64,${base64}` }] }],
  }),
  maxTokens: max_output_tokens => ({ max_output_tokens }),
  textOf: answer => answer.output.flatMap((item: Loose) => item.content ?? []).map((part: Loose) => part.text).join(''),
  streamedText: stream => eventsIn(stream).map(event => (event.type === 'response.output_text.delta' ? event.delta : '')).join(''),
  withoutNew: ({ id: _id, created_at: _createdAt, ...answer }) => answer,
};

export const apiForms: readonly ApiForm[] = [chat, messages, responses];
