// The answers of the real APIs, written out: each as one object and as the events of its stream.

export interface WireAnswer {
  text?: string;
  /** Anthropic: a thinking block; chat: reasoning_content; responses: a reasoning item. */
  thinking?: string;
  toolCall?: { name: string; input: object };
  /** How it ends: 'stop' unless said. */
  finish?: 'stop' | 'length' | 'refusal';
}

type Answer = WireAnswer & { model: string; number: number };

export interface ProviderWire {
  object(answer: Answer, body: Record<string, unknown>): object;
  /** The last one ends the answer. */
  events(answer: Answer, body: Record<string, unknown>): string[];
  /** An error in the middle of a stream. */
  error: string;
}

/** A digit and an emoji in every answer, so that cut and re-joined bytes show. */
function words(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\s)/);
}

const data = (value: unknown): string => `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`;
const event = (type: string, fields: object): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;

const chat: ProviderWire = {
  object: ({ text = '', thinking, toolCall, finish = 'stop', model, number }) => ({
    id: `chatcmpl-${number}`, object: 'chat.completion', created: 1_700_000_000 + number, model, system_fingerprint: 'fp_1', service_tier: 'default',
    choices: [{
      index: 0, logprobs: null,
      finish_reason: toolCall ? 'tool_calls' : finish === 'refusal' ? 'content_filter' : finish,
      message: {
        role: 'assistant', content: toolCall ? null : text, refusal: null, annotations: [],
        ...(thinking === undefined ? {} : { reasoning_content: thinking }),
        ...(toolCall ? { tool_calls: [{ id: `call_${number}`, type: 'function', function: { name: toolCall.name, arguments: JSON.stringify(toolCall.input) } }] } : {}),
      },
    }],
    usage: chatUsage(text),
  }),
  events: ({ text = '', thinking, toolCall, finish = 'stop', model, number }, body) => {
    const head = { id: `chatcmpl-${number}`, object: 'chat.completion.chunk', created: 1_700_000_000 + number, model, service_tier: 'default', system_fingerprint: 'fp_1' };
    const usage = (body['stream_options'] as { include_usage?: boolean } | undefined)?.include_usage === true;
    const choice = (delta: object, end: string | null = null): string =>
      data({ ...head, choices: [{ index: 0, delta, logprobs: null, finish_reason: end }], ...(usage ? { usage: null } : {}) });
    const args = toolCall ? JSON.stringify(toolCall.input) : '';
    return [
      choice({ role: 'assistant', content: '', refusal: null }),
      ...(thinking === undefined ? [] : words(thinking).map(word => choice({ reasoning_content: word }))),
      ...(toolCall
        ? [
            choice({ tool_calls: [{ index: 0, id: `call_${number}`, type: 'function', function: { name: toolCall.name, arguments: '' } }] }),
            choice({ tool_calls: [{ index: 0, function: { arguments: args.slice(0, 5) } }] }),
            choice({ tool_calls: [{ index: 0, function: { arguments: args.slice(5) } }] }),
          ]
        : words(text).map(word => choice({ content: word }))),
      choice({}, toolCall ? 'tool_calls' : finish === 'refusal' ? 'content_filter' : finish),
      ...(usage ? [data({ ...head, choices: [], usage: chatUsage(text) })] : []),
      data('[DONE]'),
    ];
  },
  error: data({ error: { message: 'The server had an error', type: 'server_error', param: null, code: null } }),
};

function chatUsage(text: string): object {
  const count = words(text).length;
  return {
    prompt_tokens: 20, completion_tokens: count, total_tokens: 20 + count,
    prompt_tokens_details: { cached_tokens: 8, audio_tokens: 0 }, completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  };
}

const messages: ProviderWire = {
  object: answer => ({ ...messageHead(answer), content: messageBlocks(answer), stop_reason: stopReason(answer), stop_sequence: null, usage: messageUsage(answer) }),
  events: answer => [
    event('message_start', { message: { ...messageHead(answer), content: [], stop_reason: null, stop_sequence: null, usage: { ...messageUsage(answer), output_tokens: 1 } } }),
    ...messageBlocks(answer).flatMap((block, index) => [
      event('content_block_start', { index, content_block: openedBlock(block) }),
      ...(index === 0 ? [event('ping', {})] : []),
      ...blockDeltas(block).map(delta => event('content_block_delta', { index, delta })),
      event('content_block_stop', { index }),
    ]),
    event('message_delta', { delta: { stop_reason: stopReason(answer), stop_sequence: null }, usage: { output_tokens: messageUsage(answer).output_tokens } }),
    event('message_stop', {}),
  ],
  error: event('error', { error: { type: 'overloaded_error', message: 'Overloaded' } }),
};

interface Block {
  type: string;
  text?: string;
  thinking?: string;
  signature?: string;
  id?: string;
  name?: string;
  input?: object;
}

function messageHead({ model, number }: Answer): object {
  return { id: `msg_${number}`, type: 'message', role: 'assistant', model };
}

function messageBlocks({ text = '', thinking, toolCall, number }: Answer): Block[] {
  return [
    ...(thinking === undefined ? [] : [{ type: 'thinking', thinking, signature: 'EqQBCkYIARgCKkD-signature' }]),
    ...(text === '' ? [] : [{ type: 'text', text }]),
    ...(toolCall ? [{ type: 'tool_use', id: `toolu_${number}`, name: toolCall.name, input: toolCall.input }] : []),
  ];
}

function openedBlock(block: Block): object {
  return { ...block, ...(block.type === 'text' ? { text: '' } : block.type === 'thinking' ? { thinking: '', signature: '' } : { input: {} }) };
}

function blockDeltas(block: Block): object[] {
  if (block.type === 'text') return words(block.text ?? '').map(text => ({ type: 'text_delta', text }));
  if (block.type === 'thinking') {
    return [...words(block.thinking ?? '').map(thinking => ({ type: 'thinking_delta', thinking })), { type: 'signature_delta', signature: block.signature }];
  }
  const input = JSON.stringify(block.input);
  return [input.slice(0, 4), input.slice(4)].map(partial_json => ({ type: 'input_json_delta', partial_json }));
}

function stopReason({ toolCall, finish = 'stop' }: Answer): string {
  return toolCall ? 'tool_use' : finish === 'length' ? 'max_tokens' : finish === 'refusal' ? 'refusal' : 'end_turn';
}

function messageUsage({ text = '' }: Answer): { input_tokens: number; cache_creation_input_tokens: number; cache_read_input_tokens: number; output_tokens: number } {
  return { input_tokens: 12, cache_creation_input_tokens: 0, cache_read_input_tokens: 8, output_tokens: words(text).length };
}

const responses: ProviderWire = {
  object: (answer, body) => response(answer, body),
  events: (answer, body) => {
    const whole = response(answer, body);
    const events: string[] = [];
    const say = (type: string, fields: object): void => void events.push(event(type, { sequence_number: events.length, ...fields }));
    const begun = { ...whole, status: 'in_progress', output: [], usage: null };
    say('response.created', { response: begun });
    say('response.in_progress', { response: begun });
    whole.output.forEach((item, output_index) => {
      const at = { item_id: item.id, output_index };
      say('response.output_item.added', { output_index, item: { ...item, status: 'in_progress', ...(item.content ? { content: [] } : {}), ...(item.arguments ? { arguments: '' } : {}) } });
      for (const [content_index, part] of (item.content ?? []).entries()) {
        say('response.content_part.added', { ...at, content_index, part: { ...part, text: '' } });
        for (const word of words(part.text)) say('response.output_text.delta', { ...at, content_index, delta: word, logprobs: [] });
        say('response.output_text.done', { ...at, content_index, text: part.text, logprobs: [] });
        say('response.content_part.done', { ...at, content_index, part });
      }
      if (item.arguments !== undefined) {
        say('response.function_call_arguments.delta', { ...at, delta: item.arguments });
        say('response.function_call_arguments.done', { ...at, arguments: item.arguments });
      }
      say('response.output_item.done', { output_index, item });
    });
    say(whole.status === 'completed' ? 'response.completed' : 'response.incomplete', { response: whole });
    return events;
  },
  error: event('error', { code: 'server_error', message: 'The server had an error', param: null, sequence_number: 3 }),
};

interface Item {
  id: string;
  type: string;
  status?: string;
  role?: string;
  content?: Array<{ type: string; text: string; annotations: unknown[]; logprobs: unknown[] }>;
  name?: string;
  call_id?: string;
  arguments?: string;
  summary?: object[];
}

function response({ text = '', thinking, toolCall, finish = 'stop', model, number }: Answer, body: Record<string, unknown>) {
  const status = finish === 'stop' ? 'completed' : 'incomplete';
  const output: Item[] = [
    ...(thinking === undefined ? [] : [{ id: `rs_${number}`, type: 'reasoning', summary: [{ type: 'summary_text', text: thinking }] }]),
    ...(text === '' ? [] : [{ id: `msg_${number}`, type: 'message', status, role: 'assistant', content: [{ type: 'output_text', text, annotations: [], logprobs: [] }] }]),
    ...(toolCall ? [{ id: `fc_${number}`, type: 'function_call', status, name: toolCall.name, call_id: `call_${number}`, arguments: JSON.stringify(toolCall.input) }] : []),
  ];
  const count = words(text).length;
  return {
    id: `resp_${number}`, object: 'response', created_at: 1_700_000_000 + number, status, background: false, error: null,
    incomplete_details: finish === 'length' ? { reason: 'max_output_tokens' } : finish === 'refusal' ? { reason: 'content_filter' } : null,
    instructions: body['instructions'] ?? null, max_output_tokens: body['max_output_tokens'] ?? null, metadata: body['metadata'] ?? {}, model, output,
    parallel_tool_calls: true, previous_response_id: null, reasoning: { effort: null, summary: null }, store: body['store'] ?? true, temperature: 1,
    text: { format: { type: 'text' } }, tool_choice: 'auto', tools: body['tools'] ?? [], top_p: 1, truncation: 'disabled', user: body['user'] ?? null,
    usage: { input_tokens: 20, input_tokens_details: { cached_tokens: 8 }, output_tokens: count, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: 20 + count },
  };
}

const completions: ProviderWire = {
  object: ({ text = '', finish = 'stop', model, number }) => ({
    id: `cmpl-${number}`, object: 'text_completion', created: 1_700_000_000 + number, model,
    choices: [{ index: 0, text, logprobs: null, finish_reason: finish }], usage: { prompt_tokens: 20, completion_tokens: 3, total_tokens: 23 },
  }),
  events: ({ text = '', finish = 'stop', model, number }) => {
    const chunk = (choice: object): string =>
      data({ id: `cmpl-${number}`, object: 'text_completion', created: 1_700_000_000 + number, model, choices: [{ index: 0, logprobs: null, finish_reason: null, ...choice }] });
    return [...words(text).map(word => chunk({ text: word })), chunk({ text: '', finish_reason: finish }), data('[DONE]')];
  },
  error: data({ error: { message: 'The server had an error' } }),
};

export const providerWires: Record<string, ProviderWire> = {
  '/v1/chat/completions': chat,
  '/v1/messages': messages,
  '/v1/responses': responses,
  '/v1/completions': completions,
};
