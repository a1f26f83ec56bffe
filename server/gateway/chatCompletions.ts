// OpenAI's chat/completions: body, stream and final object.

import type { ContentPart, FinishReason, Usage } from '../protocol/answer.ts';
import type { Message, MessagePart, ModelRequest, ToolOffer } from '../protocol/prompt.ts';
import {
  countOf, isBlank, isJson, jsonList, textOrEmpty, toolInput,
  type Api, type Finished, type Fresh, type Json, type PlainAnswer, type Reading, type Recorder, type ServerEvent,
} from './api.ts';
import { LiveChat } from './liveChat.ts';
import { attachment, image, sideText, toolOffer } from './blocks.ts';
import { parametersOf, quieted, typedAndWrapped } from './noise.ts';
import { openAiError } from './openAiError.ts';

export const chatCompletions: Api = {
  name: 'chat',
  path: '/v1/chat/completions',
  read,
  recorder: () => new ChatRecorder(),
  finished,
  fits: () => true,
  renewed: (final, _body, { id, createdAt, usage }) => ({ ...final, id: `chatcmpl-${id}`, created: createdAt, usage: final['usage'] ?? counted(usage) }),
  events,
  plainOf,
  takesPlain: () => true,
  ofPlain,
  live: (body, fresh) => new LiveChat(body, fresh),
  error: openAiError,
};

function read(body: Json): Reading {
  const parameters = parametersOf(body, ['model', 'messages', 'tools'], { max_completion_tokens: 'max_tokens' });
  const asked: ModelRequest = {
    model: textOrEmpty(body['model']),
    parameters,
    messages: jsonList(body['messages']).map(messageOf),
    tools: jsonList(body['tools']).map(toolOf),
  };
  const bypass = whyBypass(body);
  return { request: quieted(asked), asked, ...(bypass === null ? {} : { bypass }) };
}

function whyBypass(body: Json): string | null {
  if (!Array.isArray(body['messages']) || !body['messages'].every(isJson)) return 'it holds no list of messages';
  if (countOf(body['n']) > 1) return 'it asks for several answers';
  if (body['logprobs'] === true || !isBlank(body['top_logprobs'])) return 'it asks for probabilities';
  if (!isBlank(body['audio'])) return 'it asks for sound';
  return null;
}

function messageOf(message: Json): Message {
  const role = textOrEmpty(message['role']);
  const { role: _role, content, tool_calls, tool_call_id, refusal: _refusal, ...rest } = message;
  if (role === 'tool' || role === 'function') {
    const parts = contentParts(content, false);
    return { role: 'user', parts: [{ type: 'tool-result', callId: textOrEmpty(tool_call_id ?? message['name']), parts }] };
  }
  const parts = contentParts(content, role === 'user');
  for (const call of jsonList(tool_calls)) parts.push(toolCallPart(call));
  for (const [name, value] of Object.entries(rest)) {
    if (!isBlank(value) && name !== 'id' && name !== 'cache_control') parts.push(sideText(name, value));
  }
  return { role: role === 'assistant' ? 'assistant' : role === 'user' ? 'user' : 'system', parts };
}

function toolCallPart(call: Json): MessagePart & { type: 'tool-call' } {
  const called = isJson(call['function']) ? call['function'] : isJson(call['custom']) ? call['custom'] : {};
  return {
    type: 'tool-call',
    callId: textOrEmpty(call['id']),
    name: textOrEmpty(called['name']),
    input: toolInput(called['arguments'] ?? called['input']),
  };
}

function contentParts(content: unknown, isUser: boolean): MessagePart[] {
  if (typeof content === 'string') return isUser ? typedAndWrapped(content) : [{ type: 'text', text: content }];
  return jsonList(content).flatMap((block): MessagePart[] => {
    if (block['type'] === 'text' && typeof block['text'] === 'string') return contentParts(block['text'], isUser);
    if (block['type'] === 'image_url' && isJson(block['image_url'])) {
      const { url, ...rest } = block['image_url'];
      return [image(textOrEmpty(url), rest)];
    }
    return [attachment(block)];
  });
}

function toolOf(tool: Json): ToolOffer {
  const { type, function: offered, ...rest } = tool;
  if (type !== 'function' || !isJson(offered)) return toolOffer(textOrEmpty(type), undefined, undefined, { ...rest, type, function: offered ?? null });
  const { name, description, parameters, ...more } = offered;
  return toolOffer(textOrEmpty(name), description, parameters, { ...rest, ...more });
}

const finishReasons: Record<string, FinishReason> = {
  stop: 'stop',
  tool_calls: 'tool-calls',
  function_call: 'tool-calls',
  length: 'length',
  content_filter: 'content-filter',
};

function finished(final: Json): Finished {
  const [choice] = jsonList(final['choices']);
  const message = isJson(choice?.['message']) ? choice['message'] : {};
  const refused = textOrEmpty(message['refusal']) !== '';
  const calls = [...jsonList(message['tool_calls']), ...(isJson(message['function_call']) ? [{ function: message['function_call'] }] : [])];
  const text = textOrEmpty(message['content']);
  const content: ContentPart[] = [...(text === '' ? [] : [{ type: 'text' as const, text }]), ...calls.map(toolCallPart)];
  const usage = isJson(final['usage']) ? final['usage'] : null;
  return {
    finish: refused ? 'content-filter' : (finishReasons[textOrEmpty(choice?.['finish_reason'])] ?? 'unknown'),
    content,
    ...(usage === null ? {} : { usage: { promptTokens: countOf(usage['prompt_tokens']), completionTokens: countOf(usage['completion_tokens']) } }),
    ...(typeof final['model'] === 'string' ? { model: final['model'] } : {}),
  };
}

class ChatRecorder implements Recorder {
  readonly #head: Json = {};
  readonly #message: Json = { role: 'assistant', content: null, refusal: null };
  readonly #calls: Json[] = [];
  #choice: Json = {};
  #finish: unknown = null;
  #done = false;
  #failed = false;

  event(data: string): boolean {
    if (data === '[DONE]') return (this.#done = true);
    const chunk = JSON.parse(data) as Json;
    if (!isBlank(chunk['error'])) this.#failed = true;
    const { choices, object: _object, ...head } = chunk;
    for (const [name, value] of Object.entries(head)) if (value !== null) this.#head[name] = value;
    for (const choice of jsonList(choices)) this.#read(choice);
    return false;
  }

  final(): Json | null {
    if (!this.#done || this.#failed || typeof this.#finish !== 'string') return null;
    const message: Json = { ...this.#message, ...(this.#calls.length === 0 ? {} : { tool_calls: this.#calls.filter(isJson) }) };
    // The first piece of a stream says "" where a whole answer without text says null.
    if (message['content'] === '' && (this.#calls.length > 0 || isJson(message['function_call']))) message['content'] = null;
    return {
      ...this.#head,
      object: 'chat.completion',
      choices: [{ logprobs: null, ...this.#choice, index: 0, message, finish_reason: this.#finish }],
    };
  }

  #read(choice: Json): void {
    if (countOf(choice['index']) !== 0) this.#failed = true;
    const { index: _index, delta, finish_reason, ...rest } = choice;
    this.#choice = { ...this.#choice, ...rest };
    this.#finish = finish_reason ?? this.#finish;
    for (const [name, value] of Object.entries(isJson(delta) ? delta : {})) {
      if (name === 'tool_calls') for (const call of jsonList(value)) this.#readCall(call);
      else if (name === 'role' || value === null) continue;
      else this.#message[name] = joined(this.#message[name], value);
    }
  }

  #readCall(piece: Json): void {
    const { index, ...rest } = piece;
    const at = countOf(index);
    const call = (this.#calls[at] ??= {});
    for (const [name, value] of Object.entries(rest)) {
      if (value === null) continue;
      call[name] = name === 'type' || name === 'id' ? value : joined(call[name], value);
    }
  }
}

/** Anything but `null`: clients read its fields unasked. */
function counted(usage: Usage = { promptTokens: 0, completionTokens: 0 }): Json {
  const { promptTokens, completionTokens } = usage;
  return { prompt_tokens: promptTokens, completion_tokens: completionTokens, total_tokens: promptTokens + completionTokens };
}

/** Deltas are added up: texts and lists to their ends, objects field by field. */
function joined(before: unknown, delta: unknown): unknown {
  if (typeof before === 'string' && typeof delta === 'string') return before + delta;
  if (Array.isArray(before) && Array.isArray(delta)) return [...before, ...delta];
  if (isJson(before) && isJson(delta)) {
    const sum = { ...before };
    for (const [name, value] of Object.entries(delta)) sum[name] = name === 'name' ? value : joined(sum[name], value);
    return sum;
  }
  return delta;
}

function events(final: Json, body: Json): ServerEvent[] {
  const { choices, usage, object: _object, ...head } = final;
  const [choice] = jsonList(choices);
  const { message, finish_reason, index: _index, ...choiceRest } = choice ?? {};
  const { role: _role, content, tool_calls, ...rest } = isJson(message) ? message : {};
  const options = isJson(body['stream_options']) ? body['stream_options'] : {};
  const withUsage = options['include_usage'] === true;

  const chunk = (fields: Json): ServerEvent => ({ data: JSON.stringify({ ...head, object: 'chat.completion.chunk', ...fields }) });
  const part = (delta: Json, finish: unknown = null): ServerEvent =>
    chunk({ choices: [{ ...choiceRest, index: 0, delta, finish_reason: finish }], ...(withUsage ? { usage: null } : {}) });

  const said = Object.fromEntries(Object.entries(rest).filter(([, value]) => !isBlank(value)));
  return [
    part({ role: 'assistant', content: '' }),
    ...(isBlank(said) ? [] : [part(said)]),
    ...(isBlank(content) ? [] : [part({ content })]),
    ...(isBlank(tool_calls) ? [] : [part({ tool_calls: jsonList(tool_calls).map((call, index) => ({ index, ...call })) })]),
    part({}, finish_reason),
    ...(withUsage ? [chunk({ choices: [], usage: usage ?? null })] : []),
    { data: '[DONE]' },
  ];
}

function plainOf(final: Json): PlainAnswer | null {
  const choices = jsonList(final['choices']);
  const [choice] = choices;
  if (choices.length !== 1 || choice?.['finish_reason'] !== 'stop' || !isJson(choice['message'])) return null;
  const { role: _role, content, ...rest } = choice['message'];
  if (typeof content !== 'string' || !Object.values(rest).every(isBlank) || !isBlank(choice['logprobs'])) return null;
  const usage = isJson(final['usage']) ? final['usage'] : null;
  const detail = (name: string, field: string): number => (isJson(usage?.[name]) ? countOf(usage[name][field]) : 0);
  return {
    text: content,
    model: textOrEmpty(final['model']),
    usage: usage === null ? null : {
      input: countOf(usage['prompt_tokens']),
      cachedInput: detail('prompt_tokens_details', 'cached_tokens'),
      output: countOf(usage['completion_tokens']),
      reasoning: detail('completion_tokens_details', 'reasoning_tokens'),
    },
  };
}

function ofPlain({ text, model, usage }: PlainAnswer, { id, createdAt }: Fresh): Json {
  return {
    id: `chatcmpl-${id}`,
    object: 'chat.completion',
    created: createdAt,
    model,
    choices: [{ index: 0, message: { role: 'assistant', content: text, refusal: null }, logprobs: null, finish_reason: 'stop' }],
    ...(usage === null ? {} : {
      usage: {
        prompt_tokens: usage.input,
        completion_tokens: usage.output,
        total_tokens: usage.input + usage.output,
        prompt_tokens_details: { cached_tokens: usage.cachedInput },
        completion_tokens_details: { reasoning_tokens: usage.reasoning },
      },
    }),
  };
}
