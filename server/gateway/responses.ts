// OpenAI's responses: body and final object. Its stream is in responseEvents.ts.

import type { ContentPart, FinishReason } from '../protocol/answer.ts';
import type { Message, MessagePart, ModelRequest, ToolOffer } from '../protocol/prompt.ts';
import {
  countOf, isBlank, isJson, jsonList, textOrEmpty, toolInput,
  type Api, type Finished, type Fresh, type Json, type PlainAnswer, type Reading,
} from './api.ts';
import { LiveResponse } from './liveResponse.ts';
import { attachment, image, sideText, toolOffer } from './blocks.ts';
import { parametersOf, quieted, typedAndWrapped } from './noise.ts';
import { openAiError } from './openAiError.ts';
import { eventsOfResponse, ResponseRecorder } from './responseEvents.ts';

export const responses: Api = {
  name: 'responses',
  path: '/v1/responses',
  read,
  recorder: () => new ResponseRecorder(),
  finished,
  // A client that wants the provider to keep the answer may name it later: then the provider must know its id.
  fits: (final, body) => body['store'] === false || final['store'] !== false,
  renewed,
  events: eventsOfResponse,
  plainOf,
  takesPlain: body => body['store'] === false,
  ofPlain,
  live: (body, fresh) => new LiveResponse(body, fresh),
  error: openAiError,
};

function read(body: Json): Reading {
  const parameters = parametersOf(body, ['model', 'input', 'instructions', 'tools'], { max_output_tokens: 'max_tokens' });
  if (Array.isArray(parameters['include'])) parameters['include'] = [...parameters['include']].sort();
  const instructions = isBlank(body['instructions']) ? [] : [{ role: 'system' as const, parts: partsOf(body['instructions'], false) }];
  const asked: ModelRequest = {
    model: textOrEmpty(body['model']),
    parameters,
    messages: [...instructions, ...inputMessages(body['input'])],
    tools: jsonList(body['tools']).map(toolOf),
  };
  const bypass = whyBypass(body);
  return { request: quieted(asked), asked, ...(bypass === null ? {} : { bypass }) };
}

function whyBypass(body: Json): string | null {
  const { input } = body;
  if (typeof input !== 'string' && !(Array.isArray(input) && input.every(isJson))) return 'it holds no input';
  if (!isBlank(body['previous_response_id']) || !isBlank(body['conversation'])) return 'it continues a conversation that the provider keeps';
  if (jsonList(input).some(item => item['type'] === 'item_reference')) return 'it refers to what the provider keeps';
  if (body['background'] === true) return 'it runs in the background';
  const include = Array.isArray(body['include']) ? body['include'] : [];
  if (countOf(body['top_logprobs']) > 0 || include.includes('message.output_text.logprobs')) return 'it asks for probabilities';
  return null;
}

function inputMessages(input: unknown): Message[] {
  return typeof input === 'string' ? [{ role: 'user', parts: typedAndWrapped(input) }] : jsonList(input).map(itemOf);
}

function itemOf(item: Json): Message {
  switch (item['type']) {
    case undefined:
    case 'message': {
      const role = textOrEmpty(item['role']);
      return {
        role: role === 'assistant' ? 'assistant' : role === 'user' ? 'user' : 'system',
        parts: partsOf(item['content'], role === 'user'),
      };
    }
    case 'function_call':
    case 'custom_tool_call':
      return { role: 'assistant', parts: [callOf(item)] };
    case 'function_call_output':
    case 'custom_tool_call_output':
      return {
        role: 'user',
        parts: [{ type: 'tool-result', callId: textOrEmpty(item['call_id']), parts: partsOf(item['output'], false) }],
      };
    case 'reasoning': {
      const { id: _id, status: _status, ...thought } = item;
      return { role: 'assistant', parts: [sideText('reasoning', thought)] };
    }
    default:
      return { role: 'assistant', parts: [attachment(item)] };
  }
}

function callOf(item: Json): MessagePart & { type: 'tool-call' } {
  return {
    type: 'tool-call',
    callId: textOrEmpty(item['call_id']),
    name: textOrEmpty(item['name']),
    input: toolInput(item['arguments'] ?? item['input']),
  };
}

function partsOf(content: unknown, isUser: boolean): MessagePart[] {
  if (typeof content === 'string') return isUser ? typedAndWrapped(content) : [{ type: 'text', text: content }];
  return jsonList(content).flatMap((block): MessagePart[] => {
    if (['input_text', 'output_text', 'text'].includes(textOrEmpty(block['type'])) && typeof block['text'] === 'string') {
      return partsOf(block['text'], isUser);
    }
    if (block['type'] === 'input_image' && typeof block['image_url'] === 'string') {
      const { type: _type, image_url, ...rest } = block;
      return [image(image_url, rest)];
    }
    return [attachment(block)];
  });
}

function toolOf(tool: Json): ToolOffer {
  const { type, name, description, parameters, ...rest } = tool;
  return toolOffer(textOrEmpty(name) || textOrEmpty(type), description, parameters, {
    ...rest,
    ...(type === 'function' ? {} : { type }),
  });
}

function finished(final: Json): Finished {
  const output = jsonList(final['output']);
  const blocks = output.flatMap(item => (item['type'] === 'message' ? jsonList(item['content']) : []));
  const content = output.flatMap((item): ContentPart[] => {
    if (item['type'] === 'message') return jsonList(item['content']).map(block => ({ type: 'text', text: textOrEmpty(block['text']) }));
    if (item['type'] === 'reasoning') return [];
    const call = callOf(item);
    return [{ ...call, name: call.name || textOrEmpty(item['type']) }];
  });
  const usage = isJson(final['usage']) ? final['usage'] : null;
  return {
    finish: blocks.some(block => block['type'] === 'refusal') ? 'content-filter' : finishOf(final, content),
    content,
    ...(usage === null ? {} : { usage: { promptTokens: countOf(usage['input_tokens']), completionTokens: countOf(usage['output_tokens']) } }),
    ...(typeof final['model'] === 'string' ? { model: final['model'] } : {}),
  };
}

function finishOf(final: Json, content: ContentPart[]): FinishReason {
  if (final['status'] === 'completed') return content.some(part => part.type === 'tool-call') ? 'tool-calls' : 'stop';
  if (final['status'] !== 'incomplete') return final['status'] === 'cancelled' ? 'cancelled' : 'error';
  return isJson(final['incomplete_details']) && final['incomplete_details']['reason'] === 'content_filter' ? 'content-filter' : 'length';
}

/** What a response repeats of its request is that of the request at hand. */
const echoed = ['metadata', 'user', 'safety_identifier', 'prompt_cache_key', 'prompt_cache_retention'] as const;

function renewed(final: Json, body: Json, { id, createdAt }: Fresh): Json {
  const echo = Object.fromEntries(
    echoed.filter(name => name in final).map(name => [name, body[name] ?? (name === 'metadata' ? {} : null)]),
  );
  const isKept = final['store'] !== false && body['store'] !== false;
  return {
    ...final,
    ...echo,
    ...(isKept ? {} : { id: `resp_${id}` }),
    ...('store' in final ? { store: body['store'] ?? true } : {}),
    created_at: createdAt,
  };
}

function plainOf(final: Json): PlainAnswer | null {
  const output = jsonList(final['output']);
  const [item] = output;
  if (output.length !== 1 || item?.['type'] !== 'message' || final['status'] !== 'completed') return null;
  const blocks = jsonList(item['content']);
  const plain = blocks.length > 0 && blocks.every(block => block['type'] === 'output_text' && isBlank(block['annotations']) && isBlank(block['logprobs']));
  if (!plain) return null;
  const usage = isJson(final['usage']) ? final['usage'] : null;
  const detail = (name: string, field: string): number => (isJson(usage?.[name]) ? countOf(usage[name][field]) : 0);
  return {
    text: blocks.map(block => textOrEmpty(block['text'])).join(''),
    model: textOrEmpty(final['model']),
    usage: usage === null ? null : {
      input: countOf(usage['input_tokens']),
      cachedInput: detail('input_tokens_details', 'cached_tokens'),
      output: countOf(usage['output_tokens']),
      reasoning: detail('output_tokens_details', 'reasoning_tokens'),
    },
  };
}

function ofPlain({ text, model, usage }: PlainAnswer, { id, createdAt }: Fresh): Json {
  return {
    id: `resp_${id}`,
    object: 'response',
    created_at: createdAt,
    status: 'completed',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    model,
    output: [{
      id: `msg_${id}`,
      type: 'message',
      status: 'completed',
      role: 'assistant',
      content: [{ type: 'output_text', text, annotations: [], logprobs: [] }],
    }],
    parallel_tool_calls: true,
    previous_response_id: null,
    store: false,
    temperature: null,
    tool_choice: 'auto',
    tools: [],
    top_p: null,
    truncation: 'disabled',
    usage: usage === null ? null : {
      input_tokens: usage.input,
      input_tokens_details: { cached_tokens: usage.cachedInput },
      output_tokens: usage.output,
      output_tokens_details: { reasoning_tokens: usage.reasoning },
      total_tokens: usage.input + usage.output,
    },
  };
}
