// Pieces of a body that all APIs hold, as parts of a message.

import { canonicalJson } from './canonicalJson.ts';
import type { MessagePart, ToolOffer } from '../protocol/prompt.ts';
import { isBlank, textOrEmpty, type Json } from './api.ts';
import { quietBlock } from './noise.ts';

/** What is neither typed text nor a tool's: compared by its content, and never by meaning. */
export function attachment(block: Json): MessagePart {
  return { type: 'data', mimeType: `${textOrEmpty(block['type']) || 'unknown'} block`, base64: base64Of(canonicalJson(quietBlock(block))) };
}

/** An image by its bytes where they are in the request, so that every API's way of writing it is equal. */
export function image(url: string, rest: Json): MessagePart {
  const inline = /^data:([^;,]+);base64,(.*)$/s.exec(url);
  return inline !== null && isBlank(rest)
    ? { type: 'data', mimeType: inline[1]!, base64: inline[2]! }
    : attachment({ type: 'image', url, ...rest });
}

/** Something a program or a model wrote beside the text (thinking, names): compared exactly, no reason for exactness alone. */
export function sideText(name: string, value: unknown): MessagePart {
  return { type: 'text', text: `${name} ${canonicalJson(value)}`, kind: 'wrapper', name };
}

/** A tool by its name, description and schema, whatever else it says beside. */
export function toolOffer(name: string, description: unknown, schema: unknown, more: Json): ToolOffer {
  const rest = Object.fromEntries(Object.entries(quietBlock(more)).filter(([, value]) => value !== false));
  return {
    name,
    ...(isBlank(description) ? {} : { description: String(description) }),
    ...(isBlank(rest) ? (isBlank(schema) ? {} : { inputSchema: schema }) : { inputSchema: { schema, ...rest } }),
  };
}

function base64Of(text: string): string {
  return Buffer.from(text).toString('base64');
}
