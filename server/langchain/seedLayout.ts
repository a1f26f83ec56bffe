// How LangChain's RedisSemanticCache (langchain-community) lays entries out: index, keys, fields, and its JSON.
// Does not know: commands, thresholds.
//
//   index cache:MD5   over doc:cache:MD5:, MD5 of llm_string in hex; one index for each llm_string
//   key   doc:cache:MD5:32 hex digits, a HASH of prompt, content_vector (float32, little endian), llm_string, return_val
//   return_val is langchain_core's dumps() of a list of Generation or ChatGeneration; before that existed, plain JSON
// Always true: what is read makes data, never an object of a class that the JSON names.

import { createHash } from 'node:crypto';
import type { Generation } from '../protocol/answer.ts';

export interface SeedNames {
  index: string;
  /** Of keys, with its separator: another llm_string's keys never begin so. */
  prefix: string;
}

export function seedNames(llmString: string): SeedNames {
  const hash = createHash('md5').update(llmString).digest('hex');
  return { index: `cache:${hash}`, prefix: `doc:cache:${hash}:` };
}

/** One key a prompt, so that an update replaces; LangChain takes a random one each time. */
export function seedKey(llmString: string, prompt: string): string {
  return seedNames(llmString).prefix + createHash('md5').update(prompt).digest('hex');
}

/** LangChain's constructor JSON. */
interface Constructor {
  lc: number;
  type: 'constructor';
  id: string[];
  kwargs: Record<string, unknown>;
}

/** Generations as langchain_core's dumps() writes them. A chat generation is one with a message. */
export function dumpedGenerations(generations: readonly Generation[]): string {
  return JSON.stringify(generations.map(dumped));
}

export function dumped(generation: Generation): Constructor {
  const { text, generationInfo, message } = generation;
  const info = generationInfo === undefined ? {} : { generation_info: generationInfo };
  return message === undefined
    ? constructed('output', 'Generation', { text, ...info, type: 'Generation' })
    : constructed('output', 'ChatGeneration', { text, ...info, type: 'ChatGeneration', message });
}

/**
 * Generations from any form that LangChain has written: dumps() of a list, a list of dumps(), or plain JSON.
 * Null where it is none of them.
 */
export function readGenerations(json: string): Generation[] | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    return null;
  }
  if (!Array.isArray(parsed)) return null;
  const generations = parsed.map(readGeneration);
  return generations.every(generation => generation !== null) ? generations : null;
}

function readGeneration(value: unknown): Generation | null {
  if (typeof value === 'string') {
    try {
      return readGeneration(JSON.parse(value));
    } catch {
      return null;
    }
  }
  if (!isRecord(value)) return null;
  const fields = isConstructor(value) ? value.kwargs : value;
  if (isConstructor(value) && !/^(?:Chat)?Generation(?:Chunk)?$/.test(value.id.at(-1) ?? '')) return null;
  const { message, generation_info: info } = fields;
  const text = typeof fields['text'] === 'string' ? fields['text'] : textOfMessage(message);
  if (text === null) return null;
  return {
    text,
    ...(isRecord(info) ? { generationInfo: info } : {}),
    ...(isRecord(message) ? { message } : {}),
  };
}

/** The words of a message whose content is text or text blocks. */
function textOfMessage(message: unknown): string | null {
  if (!isRecord(message)) return null;
  const fields = isConstructor(message) ? message.kwargs : ((message['data'] as Record<string, unknown> | undefined) ?? message);
  const content = fields['content'];
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return null;
  return content.map(block => (isRecord(block) && typeof block['text'] === 'string' ? block['text'] : typeof block === 'string' ? block : '')).join('');
}

export function constructed(module: 'output' | 'messages', name: string, kwargs: Record<string, unknown>): Constructor {
  return { lc: 1, type: 'constructor', id: ['langchain', 'schema', module, name], kwargs };
}

export function isConstructor(value: unknown): value is Constructor {
  return isRecord(value) && value['type'] === 'constructor' && Array.isArray(value['id']) && isRecord(value['kwargs']);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
