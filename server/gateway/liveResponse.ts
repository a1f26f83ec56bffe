// An answer written as the stream of OpenAI's responses while it comes.

import type { ContentPart } from '../protocol/answer.ts';
import type { Json, LiveEvents, LiveFinish, LiveFresh, ServerEvent } from './api.ts';
import { numbered, sayBegin, sayItem, sayMessageBegin, sayText, sayTextBegin, sayTextEnd } from './responseEvents.ts';

export class LiveResponse implements LiveEvents {
  readonly #response: Json;
  readonly #id: string;
  readonly #promptTokens: number;
  readonly #output: Json[] = [];
  readonly #said = numbered();
  /** Of the message that is being written; null outside one. */
  #text: string | null = null;

  constructor(body: Json, { id, createdAt, promptTokens }: LiveFresh) {
    this.#id = id;
    this.#promptTokens = promptTokens;
    this.#response = {
      id: `resp_${id}`, object: 'response', created_at: createdAt, background: false, error: null, incomplete_details: null,
      instructions: body['instructions'] ?? null, max_output_tokens: body['max_output_tokens'] ?? null, metadata: body['metadata'] ?? {},
      model: body['model'], parallel_tool_calls: body['parallel_tool_calls'] ?? true, previous_response_id: null, store: false,
      temperature: body['temperature'] ?? null, text: body['text'] ?? { format: { type: 'text' } }, tool_choice: body['tool_choice'] ?? 'auto',
      tools: body['tools'] ?? [], top_p: body['top_p'] ?? null, truncation: 'disabled',
    };
  }

  begin(): ServerEvent[] {
    sayBegin(this.#said.say, this.#response);
    return this.#taken();
  }

  part(part: ContentPart & { type: 'text' | 'tool-call' }): ServerEvent[] {
    const { say } = this.#said;
    if (part.type === 'text') {
      if (this.#text === null) {
        sayMessageBegin(say, this.#message('in_progress', []), this.#output.length);
        sayTextBegin(say, textPart(''), this.#at());
      }
      sayText(say, part.text, this.#at());
      this.#text = (this.#text ?? '') + part.text;
      return this.#taken();
    }
    this.#closeText();
    const item = {
      id: `fc_${this.#id}_${this.#output.length}`, type: 'function_call', status: 'completed', call_id: part.callId, name: part.name,
      arguments: JSON.stringify(part.input ?? {}),
    };
    sayItem(say, item, this.#output.length);
    this.#output.push(item);
    return this.#taken();
  }

  end(_finish: LiveFinish, completionTokens: number): ServerEvent[] {
    this.#closeText();
    const usage = {
      input_tokens: this.#promptTokens, input_tokens_details: { cached_tokens: 0 }, output_tokens: completionTokens,
      output_tokens_details: { reasoning_tokens: 0 }, total_tokens: this.#promptTokens + completionTokens,
    };
    this.#said.say('response.completed', { response: { ...this.#response, status: 'completed', output: this.#output, usage } });
    return this.#taken();
  }

  error(message: string): ServerEvent[] {
    this.#said.say('error', { code: 'server_error', message, param: null });
    return this.#taken();
  }

  #closeText(): void {
    if (this.#text === null) return;
    const part = textPart(this.#text);
    sayTextEnd(this.#said.say, part, this.#at());
    const item = this.#message('completed', [part]);
    this.#said.say('response.output_item.done', { output_index: this.#output.length, item });
    this.#output.push(item);
    this.#text = null;
  }

  #message(status: string, content: Json[]): Json {
    return { id: `msg_${this.#id}_${this.#output.length}`, type: 'message', status, role: 'assistant', content };
  }

  #at(): Json {
    return { item_id: `msg_${this.#id}_${this.#output.length}`, output_index: this.#output.length, content_index: 0 };
  }

  #taken(): ServerEvent[] {
    return this.#said.events.splice(0);
  }
}

function textPart(text: string): Json {
  return { type: 'output_text', text, annotations: [], logprobs: [] };
}
