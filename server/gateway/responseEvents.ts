// The stream of OpenAI's responses: its last event holds the whole response, so recording is keeping that one.
// Replayed with deltas, done events and the full final object: each known client takes the text from another of them.

import { isJson, jsonList, textOrEmpty, type Json, type Recorder, type ServerEvent } from './api.ts';

export class ResponseRecorder implements Recorder {
  readonly #items: Json[] = [];
  #response: Json | null = null;
  #failed = false;

  event(data: string): boolean {
    if (data === '[DONE]') return false;
    const event = JSON.parse(data) as Json;
    switch (event['type']) {
      case 'response.output_item.done':
        if (isJson(event['item'])) this.#items.push(event['item']);
        return false;
      case 'response.completed':
        this.#response = isJson(event['response']) ? event['response'] : null;
        return this.#response !== null;
      case 'response.failed':
      case 'response.incomplete':
      case 'error':
        this.#failed = true;
        return false;
      default:
        return false;
    }
  }

  final(): Json | null {
    if (this.#failed || this.#response === null) return null;
    // Some compatible servers leave the items out of the last event.
    return jsonList(this.#response['output']).length > 0 ? this.#response : { ...this.#response, output: this.#items };
  }
}

export function eventsOfResponse(final: Json): ServerEvent[] {
  const { events, say } = numbered();
  sayBegin(say, final);
  jsonList(final['output']).forEach((item, output_index) => sayItem(say, item, output_index));
  say('response.completed', { response: final });
  return events;
}

export type Say = (type: string, fields: Json) => void;

/** Events with their numbers from 0, as they are said. */
export function numbered(): { events: ServerEvent[]; say: Say } {
  const events: ServerEvent[] = [];
  let number = 0;
  const say: Say = (type, fields) => {
    events.push({ event: type, data: JSON.stringify({ type, sequence_number: number, ...fields }) });
    number += 1;
  };
  return { events, say };
}

export function sayBegin(say: Say, response: Json): void {
  const begun: Json = { ...response, status: 'in_progress', output: [], usage: null };
  if ('completed_at' in response) begun['completed_at'] = null;
  say('response.created', { response: begun });
  say('response.in_progress', { response: begun });
}

export function sayItem(say: Say, item: Json, output_index: number): void {
  const item_id = item['id'];
  const at = { item_id, output_index };
  switch (item['type']) {
    case 'message':
      sayMessageBegin(say, item, output_index);
      jsonList(item['content']).forEach((part, content_index) => sayContent(say, part, { ...at, content_index }));
      break;
    case 'function_call':
      say('response.output_item.added', { output_index, item: { ...item, status: 'in_progress', arguments: '' } });
      say('response.function_call_arguments.delta', { ...at, delta: textOrEmpty(item['arguments']) });
      say('response.function_call_arguments.done', { ...at, name: item['name'], arguments: textOrEmpty(item['arguments']) });
      break;
    case 'custom_tool_call':
      say('response.output_item.added', { output_index, item: { ...item, status: 'in_progress', input: '' } });
      say('response.custom_tool_call_input.delta', { ...at, delta: textOrEmpty(item['input']) });
      say('response.custom_tool_call_input.done', { ...at, input: textOrEmpty(item['input']) });
      break;
    case 'reasoning':
      say('response.output_item.added', { output_index, item: { ...item, summary: [] } });
      jsonList(item['summary']).forEach((part, summary_index) => {
        const here = { ...at, summary_index };
        say('response.reasoning_summary_part.added', { ...here, part: { ...part, text: '' } });
        say('response.reasoning_summary_text.delta', { ...here, delta: textOrEmpty(part['text']) });
        say('response.reasoning_summary_text.done', { ...here, text: textOrEmpty(part['text']) });
        say('response.reasoning_summary_part.done', { ...here, part });
      });
      break;
    default:
      say('response.output_item.added', { output_index, item });
  }
  say('response.output_item.done', { output_index, item });
}

export function sayMessageBegin(say: Say, item: Json, output_index: number): void {
  say('response.output_item.added', { output_index, item: { ...item, status: 'in_progress', content: [] } });
}

export function sayTextBegin(say: Say, part: Json, at: Json): void {
  say('response.content_part.added', { ...at, part: { ...part, text: '', annotations: [] } });
}

export function sayText(say: Say, delta: string, at: Json): void {
  say('response.output_text.delta', { ...at, delta, logprobs: [] });
}

export function sayTextEnd(say: Say, part: Json, at: Json): void {
  say('response.output_text.done', { ...at, text: textOrEmpty(part['text']), logprobs: part['logprobs'] ?? [] });
  say('response.content_part.done', { ...at, part });
}

function sayContent(say: Say, part: Json, at: Json): void {
  sayTextBegin(say, part, at);
  sayText(say, textOrEmpty(part['text']), at);
  jsonList(part['annotations']).forEach((annotation, annotation_index) => {
    say('response.output_text.annotation.added', { ...at, annotation_index, annotation });
  });
  sayTextEnd(say, part, at);
}
