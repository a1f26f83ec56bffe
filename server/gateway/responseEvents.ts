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
  const events: ServerEvent[] = [];
  const say = (type: string, fields: Json): void => {
    events.push({ event: type, data: JSON.stringify({ type, sequence_number: events.length, ...fields }) });
  };
  const begun = { ...final, status: 'in_progress', output: [], usage: null, completed_at: null };
  if (!('completed_at' in final)) delete (begun as Json)['completed_at'];
  say('response.created', { response: begun });
  say('response.in_progress', { response: begun });
  jsonList(final['output']).forEach((item, output_index) => sayItem(say, item, output_index));
  say('response.completed', { response: final });
  return events;
}

type Say = (type: string, fields: Json) => void;

function sayItem(say: Say, item: Json, output_index: number): void {
  const item_id = item['id'];
  const at = { item_id, output_index };
  switch (item['type']) {
    case 'message':
      say('response.output_item.added', { output_index, item: { ...item, status: 'in_progress', content: [] } });
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

function sayContent(say: Say, part: Json, at: Json): void {
  say('response.content_part.added', { ...at, part: { ...part, text: '', annotations: [] } });
  say('response.output_text.delta', { ...at, delta: textOrEmpty(part['text']), logprobs: [] });
  jsonList(part['annotations']).forEach((annotation, annotation_index) => {
    say('response.output_text.annotation.added', { ...at, annotation_index, annotation });
  });
  say('response.output_text.done', { ...at, text: textOrEmpty(part['text']), logprobs: part['logprobs'] ?? [] });
  say('response.content_part.done', { ...at, part });
}
