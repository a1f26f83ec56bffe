// Anthropic's messages: body, stream and final object.

import type { ContentPart, FinishReason } from '../protocol/answer.ts';
import type { Message, MessagePart, ModelRequest, ToolOffer } from '../protocol/prompt.ts';
import {
  countOf, isBlank, isJson, jsonList, textOrEmpty, toolInput,
  type Api, type Finished, type Fresh, type Json, type PlainAnswer, type Reading, type Recorder, type ServerEvent,
} from './api.ts';
import { LiveMessages } from './liveMessages.ts';
import { attachment, image, sideText, toolOffer } from './blocks.ts';
import { parametersOf, quieted, typedAndWrapped } from './noise.ts';

/** The version that every known client sends; another one is compared. */
const usualVersion = '2023-06-01';

export const messages: Api = {
  name: 'messages',
  path: '/v1/messages',
  read,
  recorder: () => new MessagesRecorder(),
  finished,
  fits: () => true,
  renewed: (final, _body, { id }) => ({ ...final, id: `msg_${id}` }),
  events,
  plainOf,
  // Which of them ended the answer is not known from another API.
  takesPlain: body => isBlank(body['stop_sequences']),
  ofPlain,
  live: (body, fresh) => new LiveMessages(body, fresh),
  error: anthropicError,
};

function read(body: Json, headers: (name: string) => string | undefined): Reading {
  const parameters = parametersOf(body, ['model', 'messages', 'system', 'tools'], { stop_sequences: 'stop' });
  if (isJson(parameters['tool_choice']) && Object.keys(parameters['tool_choice']).length === 1 && parameters['tool_choice']['type'] === 'auto') {
    delete parameters['tool_choice'];
  }
  const version = headers('anthropic-version');
  if (version !== undefined && version !== usualVersion) parameters['anthropic-version'] = version;
  const betas = (headers('anthropic-beta') ?? '').split(',').map(beta => beta.trim()).filter(beta => beta !== '').sort();
  if (betas.length > 0) parameters['anthropic-beta'] = betas;

  const system = blocksOf(body['system'], false);
  const asked: ModelRequest = {
    model: textOrEmpty(body['model']),
    parameters,
    messages: [...(system.length === 0 ? [] : [{ role: 'system' as const, parts: system }]), ...jsonList(body['messages']).map(messageOf)],
    tools: jsonList(body['tools']).map(toolOf),
  };
  const bypass = whyBypass(body);
  return { request: quieted(asked), asked, ...(bypass === null ? {} : { bypass }) };
}

function whyBypass(body: Json): string | null {
  if (!Array.isArray(body['messages']) || !body['messages'].every(isJson)) return 'it holds no list of messages';
  if (!isBlank(body['container'])) return 'it continues in a container of the provider';
  return null;
}

/** Claude Code also sends `role: "system"` among the messages. */
function messageOf(message: Json): Message {
  const role = textOrEmpty(message['role']);
  const { role: _role, content, ...rest } = message;
  const parts = blocksOf(content, role === 'user');
  for (const [name, value] of Object.entries(rest)) {
    if (!isBlank(value) && name !== 'id' && name !== 'cache_control') parts.push(sideText(name, value));
  }
  return { role: role === 'assistant' ? 'assistant' : role === 'user' ? 'user' : 'system', parts };
}

function blocksOf(content: unknown, isUser: boolean): MessagePart[] {
  if (typeof content === 'string') return isUser ? typedAndWrapped(content) : [{ type: 'text', text: content }];
  return jsonList(content).flatMap(block => partsOfBlock(block, isUser));
}

function partsOfBlock(block: Json, isUser: boolean): MessagePart[] {
  switch (block['type']) {
    case 'text': {
      const text = blocksOf(textOrEmpty(block['text']), isUser);
      return isBlank(block['citations']) ? text : [...text, sideText('citations', block['citations'])];
    }
    case 'image':
      return isJson(block['source']) && block['source']['type'] === 'base64'
        ? [image(`data:${textOrEmpty(block['source']['media_type'])};base64,${textOrEmpty(block['source']['data'])}`, {})]
        : [attachment(block)];
    case 'tool_use':
      return [{ type: 'tool-call', callId: textOrEmpty(block['id']), name: textOrEmpty(block['name']), input: toolInput(block['input']) }];
    case 'tool_result':
      return [{
        type: 'tool-result',
        callId: textOrEmpty(block['tool_use_id']),
        parts: [...blocksOf(block['content'], false), ...(block['is_error'] === true ? [sideText('is_error', true)] : [])],
      }];
    case 'thinking':
    case 'redacted_thinking': {
      const { cache_control: _cacheControl, ...thought } = block;
      return [sideText('thinking', thought)];
    }
    default:
      return [attachment(block)];
  }
}

function toolOf(tool: Json): ToolOffer {
  const { type, name, description, input_schema, ...rest } = tool;
  return toolOffer(textOrEmpty(name) || textOrEmpty(type), description, input_schema, {
    ...rest,
    ...(type === undefined || type === 'custom' ? {} : { type }),
  });
}

const finishReasons: Record<string, FinishReason> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  tool_use: 'tool-calls',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  refusal: 'content-filter',
};

function finished(final: Json): Finished {
  const content = jsonList(final['content']).flatMap((block): ContentPart[] => {
    if (block['type'] === 'text') return [{ type: 'text', text: textOrEmpty(block['text']) }];
    if (block['type'] === 'thinking' || block['type'] === 'redacted_thinking') return [];
    return [{ type: 'tool-call', callId: textOrEmpty(block['id']), name: textOrEmpty(block['name']) || textOrEmpty(block['type']), input: block['input'] ?? {} }];
  });
  const usage = isJson(final['usage']) ? final['usage'] : null;
  return {
    finish: finishReasons[textOrEmpty(final['stop_reason'])] ?? 'unknown',
    content,
    ...(usage === null ? {} : { usage: { promptTokens: inputTokens(usage), completionTokens: countOf(usage['output_tokens']) } }),
    ...(typeof final['model'] === 'string' ? { model: final['model'] } : {}),
  };
}

/** Anthropic counts what came from or went into its cache beside `input_tokens`. */
function inputTokens(usage: Json): number {
  return countOf(usage['input_tokens']) + countOf(usage['cache_read_input_tokens']) + countOf(usage['cache_creation_input_tokens']);
}

class MessagesRecorder implements Recorder {
  #message: Json | null = null;
  readonly #blocks: Json[] = [];
  readonly #inputs = new Map<number, string>();
  #failed = false;

  event(data: string): boolean {
    const event = JSON.parse(data) as Json;
    switch (event['type']) {
      case 'message_start':
        this.#message = isJson(event['message']) ? { ...event['message'] } : null;
        return false;
      case 'content_block_start':
        this.#blocks[countOf(event['index'])] = isJson(event['content_block']) ? { ...event['content_block'] } : {};
        return false;
      case 'content_block_delta':
        this.#delta(countOf(event['index']), isJson(event['delta']) ? event['delta'] : {});
        return false;
      case 'content_block_stop':
        this.#stop(countOf(event['index']));
        return false;
      case 'message_delta':
        this.#messageDelta(event);
        return false;
      case 'message_stop':
        return true;
      case 'error':
        this.#failed = true;
        return false;
      default:
        return false;
    }
  }

  final(): Json | null {
    return this.#failed || this.#message === null ? null : { ...this.#message, content: this.#blocks.filter(isJson) };
  }

  #delta(at: number, delta: Json): void {
    const block = (this.#blocks[at] ??= {});
    switch (delta['type']) {
      case 'text_delta':
        block['text'] = textOrEmpty(block['text']) + textOrEmpty(delta['text']);
        break;
      case 'thinking_delta':
        block['thinking'] = textOrEmpty(block['thinking']) + textOrEmpty(delta['thinking']);
        break;
      case 'signature_delta':
        block['signature'] = textOrEmpty(block['signature']) + textOrEmpty(delta['signature']);
        break;
      case 'citations_delta':
        block['citations'] = [...(Array.isArray(block['citations']) ? block['citations'] : []), delta['citation']];
        break;
      case 'input_json_delta':
        this.#inputs.set(at, (this.#inputs.get(at) ?? '') + textOrEmpty(delta['partial_json']));
        break;
      default:
        this.#failed = true;
    }
  }

  #stop(at: number): void {
    const input = this.#inputs.get(at);
    if (input === undefined) return;
    this.#blocks[at]!['input'] = input.trim() === '' ? {} : JSON.parse(input);
    this.#inputs.delete(at);
  }

  #messageDelta({ type: _type, delta, usage, ...rest }: Json): void {
    if (this.#message === null) return;
    const before = isJson(this.#message['usage']) ? this.#message['usage'] : {};
    Object.assign(this.#message, rest, delta, { usage: { ...before, ...(isJson(usage) ? usage : {}) } });
  }
}

function events(final: Json): ServerEvent[] {
  const { content, stop_reason, stop_sequence, usage, ...head } = final;
  const said = isJson(usage) ? usage : { input_tokens: 0, output_tokens: 0 };
  const event = (type: string, fields: Json = {}): ServerEvent => ({ event: type, data: JSON.stringify({ type, ...fields }) });
  return [
    event('message_start', {
      message: { ...head, content: [], stop_reason: null, stop_sequence: null, usage: { ...said, output_tokens: 0 } },
    }),
    ...jsonList(content).flatMap((block, index) => [
      event('content_block_start', { index, content_block: opened(block) }),
      ...deltasOf(block).map(delta => event('content_block_delta', { index, delta })),
      event('content_block_stop', { index }),
    ]),
    event('message_delta', { delta: { stop_reason, stop_sequence: stop_sequence ?? null }, usage: said }),
    event('message_stop'),
  ];
}

/** A block as it stands before its deltas. */
function opened(block: Json): Json {
  switch (block['type']) {
    case 'text':
      return { ...block, text: '', ...(block['citations'] === undefined ? {} : { citations: Array.isArray(block['citations']) ? [] : null }) };
    case 'thinking':
      return { ...block, thinking: '', signature: '' };
    case 'tool_use':
    case 'server_tool_use':
    case 'mcp_tool_use':
      return { ...block, input: {} };
    default:
      return block;
  }
}

function deltasOf(block: Json): Json[] {
  switch (block['type']) {
    case 'text':
      return [
        ...jsonList(block['citations']).map(citation => ({ type: 'citations_delta', citation })),
        { type: 'text_delta', text: block['text'] },
      ];
    case 'thinking':
      return [
        { type: 'thinking_delta', thinking: block['thinking'] },
        { type: 'signature_delta', signature: block['signature'] },
      ];
    case 'tool_use':
    case 'server_tool_use':
    case 'mcp_tool_use':
      return [{ type: 'input_json_delta', partial_json: JSON.stringify(block['input'] ?? {}) }];
    default:
      return [];
  }
}

function plainOf(final: Json): PlainAnswer | null {
  const blocks = jsonList(final['content']);
  const plain = blocks.length > 0 && blocks.every(block => block['type'] === 'text' && isBlank(block['citations']));
  if (!plain || final['stop_reason'] !== 'end_turn' || !isBlank(final['container'])) return null;
  const usage = isJson(final['usage']) ? final['usage'] : null;
  return {
    text: blocks.map(block => textOrEmpty(block['text'])).join(''),
    model: textOrEmpty(final['model']),
    usage: usage === null ? null : {
      input: inputTokens(usage),
      cachedInput: countOf(usage['cache_read_input_tokens']),
      output: countOf(usage['output_tokens']),
      reasoning: 0,
    },
  };
}

function ofPlain({ text, model, usage }: PlainAnswer, { id }: Fresh): Json {
  const counted = usage ?? { input: 0, cachedInput: 0, output: 0 };
  return {
    id: `msg_${id}`,
    type: 'message',
    role: 'assistant',
    model,
    content: [{ type: 'text', text }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: {
      input_tokens: counted.input - counted.cachedInput,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: counted.cachedInput,
      output_tokens: counted.output,
    },
  };
}

const errorTypes: Record<number, string> = {
  400: 'invalid_request_error', 401: 'authentication_error', 403: 'permission_error', 404: 'not_found_error',
  413: 'request_too_large', 429: 'rate_limit_error', 503: 'overloaded_error', 504: 'timeout_error',
};

function anthropicError(status: number, message: string): Json {
  const type = errorTypes[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error');
  return { type: 'error', error: { type, message } };
}
