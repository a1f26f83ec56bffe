// The hashes that decide which entries may meet at all.

import { createHash } from 'node:crypto';
import type { ContextMark } from '../protocol/entry.ts';
import type { Prompt } from '../protocol/prompt.ts';
import { canonicalJson, canonicalText } from './promptFromRequest.ts';

export interface PromptKeys {
  /** SHA-256 over llmString and context: entries are compared only inside one scope. */
  scope: string;
  /** SHA-256 of the canonical instruction. */
  instructionKey: string;
  /** Of scope and instruction: the same prompt always has the same entry. 32 hex digits. */
  entryId: string;
  /** The context by name and hash, so that a miss can say which part differs. */
  marks: ContextMark[];
}

export function keysOf(prompt: Prompt): PromptKeys {
  const marks = prompt.context.map(part => ({
    kind: part.kind,
    name: part.name,
    sha256: sha256(canonicalText(part.text)),
  }));
  const scope = sha256(canonicalJson([prompt.llmString, marks]));
  const instructionKey = sha256(canonicalText(prompt.instruction).trim().normalize('NFC'));
  return { scope, instructionKey, entryId: entryIdOf(scope, instructionKey), marks };
}

export function entryIdOf(scope: string, instructionKey: string): string {
  return sha256(`${scope} ${instructionKey}`).slice(0, 32);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
