// The real JavaScript SDKs through the gateway.

import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import Anthropic from '@anthropic-ai/sdk';
import { generateText, jsonSchema, streamText, tool, type LanguageModel } from 'ai';
import OpenAI from 'openai';
import { ownVersion } from './clientTools.ts';
import { testClient, type ClientAnswer, type ClientAsk } from './clientContract.ts';

const schema = { type: 'object' as const, properties: { path: { type: 'string' } }, required: ['path'] };
const model = 'm-large';
/** Each waits for seconds before it tries again. */
const maxRetries = 1;

Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false });

testClient({ name: 'npm openai, chat.completions', version: ownVersion('openai'), ask: askChat });
testClient({ name: 'npm openai, responses', version: ownVersion('openai'), ask: askResponses, toldOfBrokenStreams: false });
testClient({ name: 'npm @anthropic-ai/sdk', version: ownVersion('@anthropic-ai/sdk'), ask: askAnthropic });
testClient({
  name: 'npm ai with @ai-sdk/openai-compatible',
  version: ownVersion('ai'),
  ask: ask => askAiSdk(createOpenAICompatible({ name: 'semcache', baseURL: `${ask.base}/v1`, apiKey: ask.key })(model), ask),
  toldOfBrokenStreams: false,
});
testClient({
  name: 'npm ai with @ai-sdk/anthropic',
  version: ownVersion('ai'),
  ask: ask => askAiSdk(createAnthropic({ baseURL: `${ask.base}/v1`, apiKey: ask.key })(model), ask),
  toldOfBrokenStreams: false,
});

async function askChat({ base, key, question, stream, tool: withTool, leave }: ClientAsk): Promise<ClientAnswer> {
  const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: key, maxRetries });
  const body = {
    model,
    messages: [{ role: 'user' as const, content: question }],
    ...(withTool === true ? { tools: [{ type: 'function' as const, function: { name: 'read', parameters: schema } }] } : {}),
  };
  if (!stream) {
    const { message } = (await client.chat.completions.create(body)).choices[0]!;
    return answerOf(message.content, message.tool_calls?.[0]);
  }
  const running = client.chat.completions.stream(body);
  if (leave === true) {
    for await (const _chunk of running) break;
    return { text: '', tool: null };
  }
  const { message } = (await running.finalChatCompletion()).choices[0]!;
  return answerOf(message.content, message.tool_calls?.[0]);
}

function answerOf(text: string | null, call: { type: string } | undefined): ClientAnswer {
  const called = (call as { function?: { name: string; arguments: string } } | undefined)?.function;
  return { text: text ?? '', tool: called === undefined ? null : { name: called.name, input: JSON.parse(called.arguments) } };
}

async function askResponses({ base, key, question, stream, tool: withTool, leave }: ClientAsk): Promise<ClientAnswer> {
  const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: key, maxRetries });
  const body = {
    model,
    input: question,
    ...(withTool === true ? { tools: [{ type: 'function' as const, name: 'read', parameters: schema, strict: false }] } : {}),
  };
  if (leave === true) {
    for await (const _event of await client.responses.create({ ...body, stream: true })) break;
    return { text: '', tool: null };
  }
  const final = stream ? await client.responses.stream(body).finalResponse() : await client.responses.create(body);
  const called: readonly OpenAI.Responses.ResponseOutputItem[] = final.output;
  const call = called.find(item => item.type === 'function_call') as OpenAI.Responses.ResponseFunctionToolCall | undefined;
  return { text: final.output_text, tool: call === undefined ? null : { name: call.name, input: JSON.parse(call.arguments) } };
}

async function askAnthropic({ base, key, question, stream, tool: withTool, leave }: ClientAsk): Promise<ClientAnswer> {
  const client = new Anthropic({ baseURL: base, apiKey: key, maxRetries });
  const body = {
    model,
    max_tokens: 1000,
    messages: [{ role: 'user' as const, content: question }],
    ...(withTool === true ? { tools: [{ name: 'read', input_schema: schema }] } : {}),
  };
  if (leave === true) {
    for await (const _event of client.messages.stream(body)) break;
    return { text: '', tool: null };
  }
  const final = stream ? await client.messages.stream(body).finalMessage() : await client.messages.create(body);
  const text = final.content.map(block => (block.type === 'text' ? block.text : '')).join('');
  const call = final.content.find(block => block.type === 'tool_use');
  return { text, tool: call === undefined ? null : { name: call.name, input: call.input } };
}

async function askAiSdk(languageModel: LanguageModel, { question, stream, tool: withTool, leave }: ClientAsk): Promise<ClientAnswer> {
  const settings = {
    model: languageModel,
    maxRetries,
    prompt: question,
    ...(withTool === true ? { tools: { read: tool({ inputSchema: jsonSchema<{ path: string }>(schema) }) } } : {}),
  };
  if (!stream) {
    const { text, toolCalls } = await generateText(settings);
    return { text, tool: toolOf(toolCalls) };
  }
  const leaving = new AbortController();
  const running = streamText({ ...settings, abortSignal: leaving.signal, onError: () => undefined });
  if (leave === true) {
    for await (const _part of running.textStream) break;
    leaving.abort();
    return { text: '', tool: null };
  }
  let text = '';
  for await (const piece of running.textStream) text += piece;
  return { text, tool: toolOf(await running.toolCalls) };
}

function toolOf(calls: ReadonlyArray<{ toolName: string; input: unknown }>): ClientAnswer['tool'] {
  const [call] = calls;
  return call === undefined ? null : { name: call.toolName, input: call.input };
}
