// Between the editor's language-model messages and ours, in both directions.
// Owns: which parts of a message are notes between an extension and its provider, and no part of the question.
// Always true: what is not understood is kept as data, which makes the prompt exact-only; nothing is dropped silently
// but the notes.

import type * as vscode from 'vscode';
import type { ContentPart } from '../../server/protocol/answer.ts';
import type { Message, MessagePart, ToolOffer } from '../../server/protocol/prompt.ts';
import { textOfPart } from '../../server/protocol/partText.ts';

/** The classes of the editor, passed in so that this runs without it. */
export type PartClasses = Pick<
  typeof vscode,
  'LanguageModelTextPart' | 'LanguageModelToolCallPart' | 'LanguageModelToolResultPart' | 'LanguageModelDataPart'
>;
export type MessageClasses = PartClasses & Pick<typeof vscode, 'LanguageModelChatMessage'>;

/** Data parts of these types are notes of Copilot Chat to its own models (its endpoint types name them). */
const noteTypes = new Set(['cache_control', 'stateful_marker', 'thinking', 'context_management', 'phase_data']);

export function messagesFromEditor(
  messages: readonly vscode.LanguageModelChatRequestMessage[],
  classes: PartClasses,
): Message[] {
  return messages.map(message => ({
    role: roles[message.role] ?? 'user',
    parts: message.content.flatMap(part => partFromEditor(part, classes)),
  }));
}

/** 3 is the system role, which is there at run time and not yet in the typings. */
const roles: Record<number, Message['role']> = { 1: 'user', 2: 'assistant', 3: 'system' };

function partFromEditor(part: unknown, classes: PartClasses): MessagePart[] {
  if (part instanceof classes.LanguageModelTextPart) return [{ type: 'text', text: part.value }];
  if (part instanceof classes.LanguageModelToolCallPart) {
    return [{ type: 'tool-call', callId: part.callId, name: part.name, input: part.input }];
  }
  if (part instanceof classes.LanguageModelToolResultPart) {
    return [
      { type: 'tool-result', callId: part.callId, parts: part.content.flatMap(inner => partFromEditor(inner, classes)) },
    ];
  }
  if (part instanceof classes.LanguageModelDataPart) {
    if (noteTypes.has(part.mimeType)) return [];
    return [{ type: 'data', mimeType: part.mimeType, base64: Buffer.from(part.data).toString('base64') }];
  }
  if (isThinking(part)) return [];
  const json = JSON.stringify(part) ?? String(part);
  return [{ type: 'data', mimeType: 'application/x-unknown+json', base64: Buffer.from(json).toString('base64') }];
}

/** The proposed LanguageModelThinkingPart: a text part by its fields, but of another class. */
function isThinking(part: unknown): boolean {
  return typeof part === 'object' && part !== null && 'value' in part && ('metadata' in part || 'id' in part);
}

export function toolsFromEditor(tools: readonly vscode.LanguageModelChatTool[] | undefined): ToolOffer[] {
  return (tools ?? []).map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
}

/** For a model of the editor. The editor knows no system role for callers: it becomes a first user message. */
export function messagesForEditor(messages: readonly Message[], classes: MessageClasses): vscode.LanguageModelChatMessage[] {
  return messages.map(({ role, parts }) =>
    role === 'assistant'
      ? classes.LanguageModelChatMessage.Assistant(parts.map(part => partForEditor(part, classes)) as AssistantParts)
      : classes.LanguageModelChatMessage.User(parts.map(part => partForEditor(part, classes)) as UserParts),
  );
}

type AssistantParts = Array<vscode.LanguageModelTextPart | vscode.LanguageModelToolCallPart | vscode.LanguageModelDataPart>;
type UserParts = Array<vscode.LanguageModelTextPart | vscode.LanguageModelToolResultPart | vscode.LanguageModelDataPart>;

export function partForEditor(part: MessagePart | ContentPart, classes: PartClasses): vscode.LanguageModelInputPart {
  switch (part.type) {
    case 'text':
      return new classes.LanguageModelTextPart(textOfPart(part));
    case 'data':
      return new classes.LanguageModelDataPart(Buffer.from(part.base64, 'base64'), part.mimeType);
    case 'tool-call':
      return new classes.LanguageModelToolCallPart(part.callId, part.name, part.input as object);
    case 'tool-result':
      return new classes.LanguageModelToolResultPart(part.callId, part.parts.map(inner => partForEditor(inner, classes)));
  }
}
