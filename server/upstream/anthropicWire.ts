// Anthropic's messages.

import type { FinishReason, Usage, UpstreamPart } from '../protocol/answer.ts';
import { SemcacheError } from '../protocol/errors.ts';
import type { Message, MessagePart, ModelRequest } from '../protocol/prompt.ts';
import { textOfPart } from '../protocol/partText.ts';
import type { Wire, WireReader } from './wire.ts';

/** The API demands a limit; what every current model allows. */
const defaultMaxTokens = 8192;

export const anthropicWire: Wire = {
  path: '/messages',
  headers: ({ apiKey, bearer }): Record<string, string> => ({
    'anthropic-version': '2023-06-01',
    ...(apiKey === undefined ? {} : bearer === true ? { authorization: `Bearer ${apiKey}` } : { 'x-api-key': apiKey }),
  }),
  body: (request: ModelRequest) => {
    const system = request.messages.filter(message => message.role === 'system').flatMap(message => message.parts.map(textOfPart));
    return {
      max_tokens: defaultMaxTokens,
      ...request.parameters,
      model: request.model,
      ...(system.length === 0 ? {} : { system: system.join('\n\n') }),
      messages: request.messages.filter(message => message.role !== 'system').map(bodyMessage),
      ...(request.tools.length === 0
        ? {}
        : {
            tools: request.tools.map(({ name, description, inputSchema }) => ({
              name,
              description,
              input_schema: inputSchema ?? { type: 'object', properties: {} },
            })),
          }),
      stream: true,
    };
  },
  reader: createReader,
};

function bodyMessage(message: Message): unknown {
  return { role: message.role, content: message.parts.map(block) };
}

function block(part: MessagePart): unknown {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: textOfPart(part) };
    case 'data':
      return { type: 'image', source: { type: 'base64', media_type: part.mimeType, data: part.base64 } };
    case 'tool-call':
      return { type: 'tool_use', id: part.callId, name: part.name, input: part.input };
    case 'tool-result':
      return { type: 'tool_result', tool_use_id: part.callId, content: part.parts.map(block) };
  }
}

interface Event {
  type: string;
  message?: { model?: string; usage?: { input_tokens?: number; cache_read_input_tokens?: number; cache_creation_input_tokens?: number } };
  content_block?: { type: string; id?: string; name?: string };
  delta?: { type?: string; text?: string; partial_json?: string; stop_reason?: string };
  usage?: { output_tokens?: number };
  error?: { message?: string };
}

const finishReasons: Record<string, FinishReason> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  tool_use: 'tool-calls',
  max_tokens: 'length',
  refusal: 'content-filter',
};

function createReader(): WireReader {
  const usage: Usage = { promptTokens: 0, completionTokens: 0 };
  let model: string | undefined;
  let finish: FinishReason = 'unknown';
  let call: { callId: string; name: string; input: string } | null = null;

  const read = (data: string): UpstreamPart[] => {
    const event = JSON.parse(data) as Event;
    switch (event.type) {
      case 'message_start': {
        const counted = event.message?.usage;
        model = event.message?.model;
        usage.promptTokens =
          (counted?.input_tokens ?? 0) + (counted?.cache_read_input_tokens ?? 0) + (counted?.cache_creation_input_tokens ?? 0);
        return [];
      }
      case 'content_block_start':
        if (event.content_block?.type === 'tool_use') {
          call = { callId: event.content_block.id ?? '', name: event.content_block.name ?? '', input: '' };
        }
        return [];
      case 'content_block_delta':
        if (call !== null) call.input += event.delta?.partial_json ?? '';
        return event.delta?.type === 'text_delta' && event.delta.text ? [{ type: 'text', text: event.delta.text }] : [];
      case 'content_block_stop': {
        if (call === null) return [];
        const { callId, name, input } = call;
        call = null;
        return [{ type: 'tool-call', callId, name, input: input === '' ? {} : JSON.parse(input) }];
      }
      case 'message_delta':
        finish = finishReasons[event.delta?.stop_reason ?? ''] ?? 'unknown';
        usage.completionTokens = event.usage?.output_tokens ?? usage.completionTokens;
        return [];
      case 'message_stop':
        return [{ type: 'end', finish, usage, ...(model !== undefined && { model }) }];
      case 'error':
        throw new SemcacheError('upstream-failed', `The model stopped with an error: ${event.error?.message ?? 'no reason given'}. Ask again.`);
      default:
        return [];
    }
  };
  return { read, close: () => null };
}
