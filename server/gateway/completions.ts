// OpenAI's older completions (text in, text on): code completion asks it. An answer is served to the identical text only.

import type { FinishReason } from '../protocol/answer.ts';
import {
  countOf, isBlank, isJson, jsonList, textOrEmpty,
  type Api, type Finished, type Json, type Reading, type Recorder, type ServerEvent,
} from './api.ts';
import { attachment } from './blocks.ts';
import { parametersOf } from './noise.ts';
import { openAiError } from './openAiError.ts';

export const completions: Api = {
  name: 'completions',
  path: '/v1/completions',
  read,
  recorder: () => new CompletionsRecorder(),
  finished,
  fits: () => true,
  renewed: (final, _body, { id, createdAt }) => ({ ...final, id: `cmpl-${id}`, created: createdAt }),
  events,
  plainOf: () => null,
  takesPlain: () => false,
  ofPlain: ({ text, model }, { id, createdAt }) => ({
    id: `cmpl-${id}`, object: 'text_completion', created: createdAt, model,
    choices: [{ index: 0, text, logprobs: null, finish_reason: 'stop' }],
  }),
  error: openAiError,
};

function read(body: Json): Reading {
  const several = Array.isArray(body['prompt']) && body['prompt'].length > 1 && typeof body['prompt'][0] === 'string';
  const bypass =
    several || countOf(body['n']) > 1 || countOf(body['best_of']) > 1 ? 'it asks for several answers'
    : body['echo'] === true || !isBlank(body['logprobs']) ? 'it asks for probabilities'
    : null;
  return {
    request: {
      model: textOrEmpty(body['model']),
      parameters: { api: 'completions', ...parametersOf(body, ['model', 'prompt']) },
      messages: [{ role: 'user', parts: [attachment({ type: 'prompt', prompt: body['prompt'] ?? null })] }],
      tools: [],
    },
    ...(bypass === null ? {} : { bypass }),
  };
}

const finishReasons: Record<string, FinishReason> = { stop: 'stop', length: 'length', content_filter: 'content-filter' };

function finished(final: Json): Finished {
  const [choice] = jsonList(final['choices']);
  const usage = isJson(final['usage']) ? final['usage'] : null;
  return {
    finish: finishReasons[textOrEmpty(choice?.['finish_reason'])] ?? 'unknown',
    content: [{ type: 'text', text: textOrEmpty(choice?.['text']) }],
    ...(usage === null ? {} : { usage: { promptTokens: countOf(usage['prompt_tokens']), completionTokens: countOf(usage['completion_tokens']) } }),
    ...(typeof final['model'] === 'string' ? { model: final['model'] } : {}),
  };
}

class CompletionsRecorder implements Recorder {
  readonly #head: Json = {};
  #text = '';
  #finish: unknown = null;
  #failed = false;
  #done = false;

  event(data: string): boolean {
    if (data === '[DONE]') return (this.#done = true);
    const { choices, error, ...head } = JSON.parse(data) as Json;
    if (!isBlank(error)) this.#failed = true;
    for (const [name, value] of Object.entries(head)) if (value !== null) this.#head[name] = value;
    for (const choice of jsonList(choices)) {
      if (countOf(choice['index']) !== 0) this.#failed = true;
      this.#text += textOrEmpty(choice['text']);
      this.#finish = choice['finish_reason'] ?? this.#finish;
    }
    return false;
  }

  final(): Json | null {
    if (!this.#done || this.#failed || typeof this.#finish !== 'string') return null;
    return { ...this.#head, choices: [{ index: 0, text: this.#text, logprobs: null, finish_reason: this.#finish }] };
  }
}

function events(final: Json, body: Json): ServerEvent[] {
  const { choices, usage, ...head } = final;
  const [choice] = jsonList(choices);
  const options = isJson(body['stream_options']) ? body['stream_options'] : {};
  const chunk = (fields: Json): ServerEvent => ({ data: JSON.stringify({ ...head, ...fields }) });
  return [
    chunk({ choices: [{ ...choice, finish_reason: null }] }),
    chunk({ choices: [{ ...choice, text: '' }] }),
    ...(options['include_usage'] === true ? [chunk({ choices: [], usage: usage ?? null })] : []),
    { data: '[DONE]' },
  ];
}
