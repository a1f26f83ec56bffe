// From a whole request to the two halves that are compared: by meaning, and exactly.
// Owns: which part of a request belongs to which half, and the canonical form of what is compared exactly.
// Does not know: stores, embeddings, wire formats.

import { createHash } from 'node:crypto';
import { configure } from 'safe-stable-stringify';
import { namesLanguage } from '../matching/namedLanguage.ts';
import type { ContextPart, Message, MessagePart, ModelRequest, Prompt } from '../protocol/prompt.ts';
import { splitInstruction } from './splitInstruction.ts';

/**
 * The instruction is the untagged text of the last user message that has any, without pasted code and traces.
 * Everything else of the request is context; but not the open file's language where the instruction says in which one it
 * is to be answered, and no code goes with it that is written in the other.
 */
export function promptFromRequest(request: ModelRequest): Prompt {
  const asked = request.messages.findLastIndex(message => message.role === 'user' && message.parts.some(isTyped));
  const callNames = new Map<string, string>();
  const context: ContextPart[] = [];
  const typed: string[] = [];

  request.messages.forEach((message, at) => {
    if (at !== asked) {
      context.push(turn(message, at, callNames));
      return;
    }
    for (const part of message.parts) {
      if (isTyped(part)) typed.push(part.text);
      else context.push(attached(part, callNames));
    }
  });
  const { instruction, context: pasted } = splitInstruction(typed.join('\n\n'));
  context.push(...pasted);
  if (request.tools.length > 0) {
    const tools = [...request.tools].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    context.push({ kind: 'tools', name: `${tools.length} tools`, text: canonicalJson(tools) });
  }

  const exactOnly = whyExactOnly(request, instruction);
  return {
    instruction,
    context: withoutNeedlessLanguage(instruction, context),
    llmString: canonicalJson({ model: request.model, parameters: request.parameters }),
    ...(exactOnly === null ? {} : { exactOnly }),
  };
}

/** The seed's prompt: one text and an llmString as the caller made it. */
export function promptFromText(text: string, llmString: string): Prompt {
  const { instruction, context } = splitInstruction(text);
  return { instruction, context, llmString, ...(instruction === '' ? { exactOnly: noInstruction } : {}) };
}

const codeKinds: ReadonlySet<ContextPart['kind']> = new Set(['selection', 'file', 'code']);

function withoutNeedlessLanguage(instruction: string, context: ContextPart[]): ContextPart[] {
  const others = context.filter(({ kind }) => kind !== 'language');
  const isNeeded = others.length === context.length || others.some(({ kind }) => codeKinds.has(kind)) || !namesLanguage(instruction);
  return isNeeded ? context : others;
}

const noInstruction = 'it holds no question in words';

function whyExactOnly(request: ModelRequest, instruction: string): string | null {
  const parts = request.messages.flatMap(message => message.parts);
  if (parts.some(part => part.type === 'tool-call' || part.type === 'tool-result')) return 'tools were used before it';
  const data = parts.find(part => part.type === 'data');
  if (data?.type === 'data') return `it holds an attachment (${data.mimeType})`;
  return instruction === '' ? noInstruction : null;
}

function isTyped(part: MessagePart): part is MessagePart & { type: 'text' } {
  return part.type === 'text' && part.kind === undefined && part.text.trim() !== '';
}

function turn(message: Message, at: number, callNames: Map<string, string>): ContextPart {
  const text = message.parts.map(part => canonicalPart(part, callNames)).join('\n');
  return message.role === 'system'
    ? { kind: 'system', name: 'system message', text }
    : { kind: 'turn', name: `turn ${at + 1} (${message.role})`, text };
}

function attached(part: MessagePart, callNames: Map<string, string>): ContextPart {
  const text = canonicalPart(part, callNames);
  if (part.type === 'text') return { kind: part.kind ?? 'turn', name: part.name ?? part.kind ?? 'text', text };
  if (part.type === 'data') return { kind: 'data', name: part.mimeType, text };
  return { kind: 'turn', name: part.type === 'tool-call' ? `call of ${part.name}` : 'tool result', text };
}

/** Tool-call ids are random in every answer: they are renumbered by position, so that equal conversations are equal. */
function canonicalPart(part: MessagePart, callNames: Map<string, string>): string {
  const call = (id: string): string => {
    if (!callNames.has(id)) callNames.set(id, `call ${callNames.size + 1}`);
    return callNames.get(id)!;
  };
  switch (part.type) {
    case 'text':
      return canonicalText(part.text);
    case 'data':
      return `${part.mimeType} ${createHash('sha256').update(part.base64, 'base64').digest('hex')}`;
    case 'tool-call':
      return canonicalJson({ call: call(part.callId), name: part.name, input: part.input });
    case 'tool-result':
      return canonicalJson({ result: call(part.callId), parts: part.parts.map(inner => canonicalPart(inner, callNames)) });
  }
}

/** Ignores only what cannot matter: the kind of line end, and blanks at the end of a line. */
export function canonicalText(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(/[^\S\n]+$/gm, '');
}

const stableStringify = configure({ circularValue: Error, bigint: false });

/** JSON with sorted keys, so that equal values have equal text whatever program wrote them. */
export function canonicalJson(value: unknown): string {
  return stableStringify(value) ?? 'null';
}
