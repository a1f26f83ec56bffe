// OpenAI's chat/completions, as every compatible server speaks it.

import type { FinishReason, Usage, UpstreamPart } from '../protocol/answer.ts';
import { SemcacheError } from '../protocol/errors.ts';
import type { Message, MessagePart, ModelRequest } from '../protocol/prompt.ts';
import { textOfPart } from '../protocol/partText.ts';
import type { Wire, WireReader } from './wire.ts';

export const openAiWire: Wire = {
  path: '/chat/completions',
  headers: ({ apiKey }): Record<string, string> => (apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
  body: (request: ModelRequest) => ({
    ...request.parameters,
    model: request.model,
    messages: request.messages.flatMap(bodyMessages),
    ...(request.tools.length === 0
      ? {}
      : {
          tools: request.tools.map(({ name, description, inputSchema }) => ({
            type: 'function',
            function: { name, description, parameters: inputSchema ?? { type: 'object', properties: {} } },
          })),
        }),
    stream: true,
    stream_options: { include_usage: true },
  }),
  reader: createReader,
};

function bodyMessages(message: Message): unknown[] {
  const results = message.parts.flatMap(part =>
    part.type === 'tool-result' ? [{ role: 'tool', tool_call_id: part.callId, content: part.parts.map(textOfPart).join('\n') }] : [],
  );
  const calls = message.parts.flatMap(part =>
    part.type === 'tool-call'
      ? [{ id: part.callId, type: 'function', function: { name: part.name, arguments: JSON.stringify(part.input) } }]
      : [],
  );
  const content = message.parts.flatMap(contentPart);
  if (content.length === 0 && calls.length === 0) return results;
  const onlyText = content.every(part => part.type === 'text');
  return [
    ...results,
    {
      role: message.role,
      content: onlyText ? content.map(part => part.text).join('\n\n') || null : content,
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    },
  ];
}

type BodyPart = { type: 'text'; text: string } | { type: 'image_url'; text?: never; image_url: { url: string } };

function contentPart(part: MessagePart): BodyPart[] {
  if (part.type === 'text') return [{ type: 'text', text: textOfPart(part) }];
  if (part.type === 'data') return [{ type: 'image_url', image_url: { url: `data:${part.mimeType};base64,${part.base64}` } }];
  return [];
}

interface Chunk {
  model?: string;
  error?: { message?: string };
  choices?: Array<{
    delta?: { content?: string | null; tool_calls?: Array<{ index: number; id?: string; function?: { name?: string; arguments?: string } }> };
    finish_reason?: string | null;
  }>;
  usage?: { prompt_tokens?: number; completion_tokens?: number } | null;
}

const finishReasons: Record<string, FinishReason> = {
  stop: 'stop',
  tool_calls: 'tool-calls',
  function_call: 'tool-calls',
  length: 'length',
  content_filter: 'content-filter',
};

function createReader(): WireReader {
  const calls = new Map<number, { callId: string; name: string; input: string }>();
  let finish: FinishReason | null = null;
  let usage: Usage | undefined;
  let model: string | undefined;

  const end = (): UpstreamPart[] => [
    ...[...calls.values()].map(call => ({ type: 'tool-call' as const, ...call, input: parsedInput(call.input) })),
    { type: 'end', finish: finish ?? 'unknown', ...(usage && { usage }), ...(model !== undefined && { model }) },
  ];

  const read = (data: string): UpstreamPart[] => {
    if (data === '[DONE]') return end();
    const chunk = JSON.parse(data) as Chunk;
    if (chunk.error !== undefined) {
      throw new SemcacheError('upstream-failed', `The model stopped with an error: ${chunk.error.message ?? 'no reason given'}. Ask again.`);
    }
    model = chunk.model ?? model;
    if (chunk.usage) {
      usage = { promptTokens: chunk.usage.prompt_tokens ?? 0, completionTokens: chunk.usage.completion_tokens ?? 0 };
    }
    const choice = chunk.choices?.[0];
    for (const delta of choice?.delta?.tool_calls ?? []) {
      const call = calls.get(delta.index) ?? { callId: '', name: '', input: '' };
      call.callId += delta.id ?? '';
      call.name += delta.function?.name ?? '';
      call.input += delta.function?.arguments ?? '';
      calls.set(delta.index, call);
    }
    if (choice?.finish_reason) finish = finishReasons[choice.finish_reason] ?? 'unknown';
    const text = choice?.delta?.content;
    return text ? [{ type: 'text', text }] : [];
  };
  return { read, close: () => (finish === null ? null : end()) };
}

function parsedInput(text: string): unknown {
  return text === '' ? {} : JSON.parse(text);
}
