// Families of editor prompts as they lie on disk, and as requests that an editor would send.
// Format: test/fixtures/quality/README.md.

import { readFile } from 'node:fs/promises';
import type { Message, MessagePart, ModelRequest, TextKind } from '../../server/protocol/prompt.ts';

export interface ContextItem {
  kind: 'selection' | 'file' | 'diagnostic' | 'terminal' | 'history';
  uri?: string;
  text: string;
}

export interface Variant {
  prompt: string;
  /** Absent: the seed's. */
  context?: ContextItem[];
  label: 'same' | 'different';
  kind: string;
}

export interface Family {
  id: string;
  language: string;
  seed: { prompt: string; context?: ContextItem[]; system?: string };
  variants: Variant[];
}

export interface Distractor {
  id: string;
  prompt: string;
  language: string;
}

/** One JSON value a line. */
export async function readLines<T>(path: string): Promise<T[]> {
  const text = await readFile(path, 'utf8');
  return text.split('\n').filter(line => line.trim() !== '').map(line => JSON.parse(line) as T);
}

const kinds: Record<Exclude<ContextItem['kind'], 'history'>, TextKind> = {
  selection: 'selection', file: 'file', diagnostic: 'diagnostics', terminal: 'terminal',
};

/** A question with code goes out with the code, its place and language; a question on its own goes out alone. */
export function requestOf(asked: { prompt: string; language: string; context: ContextItem[]; system?: string | undefined }): ModelRequest {
  const text = (each: string, more: Partial<MessagePart & { type: 'text' }> = {}): MessagePart => ({ type: 'text', text: each, ...more });
  const parts: MessagePart[] = [];
  const messages: Message[] = asked.system === undefined ? [] : [{ role: 'system', parts: [text(asked.system)] }];
  for (const { kind, uri, text: content } of asked.context) {
    if (kind === 'history') messages.push({ role: 'assistant', parts: [text(content)] });
    else parts.push(text(content, { kind: kinds[kind], ...(uri === undefined ? {} : { name: uri }) }));
  }
  if (parts.length > 0) parts.unshift(text(asked.language, { kind: 'language' }));
  messages.push({ role: 'user', parts: [...parts, text(asked.prompt)] });
  return { model: 'quality', parameters: {}, messages, tools: [] };
}
