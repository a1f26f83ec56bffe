// An answer written as the stream of chat/completions while it comes.

import type { ContentPart } from '../protocol/answer.ts';
import { isJson, type Json, type LiveEvents, type LiveFinish, type LiveFresh, type ServerEvent } from './api.ts';
import { openAiError } from './openAiError.ts';

const finishReasons: Record<LiveFinish, string> = { 'stop': 'stop', 'tool-calls': 'tool_calls' };

export class LiveChat implements LiveEvents {
  readonly #head: Json;
  readonly #promptTokens: number;
  readonly #withUsage: boolean;
  #calls = 0;

  constructor(body: Json, { id, createdAt, promptTokens }: LiveFresh) {
    this.#head = { id: `chatcmpl-${id}`, object: 'chat.completion.chunk', created: createdAt, model: body['model'] };
    this.#promptTokens = promptTokens;
    this.#withUsage = isJson(body['stream_options']) && body['stream_options']['include_usage'] === true;
  }

  begin(): ServerEvent[] {
    return [this.#chunk({ role: 'assistant', content: '' })];
  }

  part(part: ContentPart & { type: 'text' | 'tool-call' }): ServerEvent[] {
    if (part.type === 'text') return [this.#chunk({ content: part.text })];
    const called = { name: part.name, arguments: JSON.stringify(part.input ?? {}) };
    const call = { index: this.#calls, id: part.callId, type: 'function', function: called };
    this.#calls += 1;
    return [this.#chunk({ tool_calls: [call] })];
  }

  end(finish: LiveFinish, completionTokens: number): ServerEvent[] {
    const usage = { prompt_tokens: this.#promptTokens, completion_tokens: completionTokens, total_tokens: this.#promptTokens + completionTokens };
    return [
      this.#chunk({}, finishReasons[finish]),
      ...(this.#withUsage ? [{ data: JSON.stringify({ ...this.#head, choices: [], usage }) }] : []),
      { data: '[DONE]' },
    ];
  }

  error(message: string): ServerEvent[] {
    return [{ data: JSON.stringify(openAiError(502, message)) }];
  }

  #chunk(delta: Json, finish: string | null = null): ServerEvent {
    const choices = [{ index: 0, delta, logprobs: null, finish_reason: finish }];
    return { data: JSON.stringify({ ...this.#head, choices, ...(this.#withUsage ? { usage: null } : {}) }) };
  }
}
