// An answer written as the stream of Anthropic's messages while it comes.

import type { ContentPart } from '../protocol/answer.ts';
import type { Json, LiveEvents, LiveFinish, LiveFresh, ServerEvent } from './api.ts';

const stopReasons: Record<LiveFinish, string> = { 'stop': 'end_turn', 'tool-calls': 'tool_use' };

export class LiveMessages implements LiveEvents {
  readonly #message: Json;
  readonly #inputTokens: number;
  /** Blocks begun. */
  #blocks = 0;
  #inText = false;

  constructor(body: Json, { id, promptTokens }: LiveFresh) {
    this.#inputTokens = promptTokens;
    this.#message = {
      id: `msg_${id}`, type: 'message', role: 'assistant', model: body['model'], content: [], stop_reason: null, stop_sequence: null,
      usage: this.#usage(0),
    };
  }

  begin(): ServerEvent[] {
    return [event('message_start', { message: this.#message })];
  }

  part(part: ContentPart & { type: 'text' | 'tool-call' }): ServerEvent[] {
    if (part.type === 'text') {
      const opening = this.#inText ? [] : this.#open({ type: 'text', text: '' });
      this.#inText = true;
      return [...opening, this.#delta({ type: 'text_delta', text: part.text })];
    }
    return [
      ...this.#closeText(),
      ...this.#open({ type: 'tool_use', id: part.callId, name: part.name, input: {} }),
      this.#delta({ type: 'input_json_delta', partial_json: JSON.stringify(part.input ?? {}) }),
      this.#close(),
    ];
  }

  end(finish: LiveFinish, completionTokens: number): ServerEvent[] {
    return [
      ...this.#closeText(),
      event('message_delta', { delta: { stop_reason: stopReasons[finish], stop_sequence: null }, usage: this.#usage(completionTokens) }),
      event('message_stop', {}),
    ];
  }

  error(message: string): ServerEvent[] {
    return [event('error', { error: { type: 'api_error', message } })];
  }

  #open(content_block: Json): ServerEvent[] {
    this.#blocks += 1;
    return [event('content_block_start', { index: this.#blocks - 1, content_block })];
  }

  #delta(delta: Json): ServerEvent {
    return event('content_block_delta', { index: this.#blocks - 1, delta });
  }

  #close(): ServerEvent {
    return event('content_block_stop', { index: this.#blocks - 1 });
  }

  #closeText(): ServerEvent[] {
    if (!this.#inText) return [];
    this.#inText = false;
    return [this.#close()];
  }

  #usage(output_tokens: number): Json {
    return { input_tokens: this.#inputTokens, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens };
  }
}

function event(type: string, fields: Json): ServerEvent {
  return { event: type, data: JSON.stringify({ type, ...fields }) };
}
