// How tagged context reads to a model that gets one text: the same for every upstream, whether the daemon or the window asks it.

import type { MessagePart } from './prompt.ts';

/** Code and files in a fence under their name, everything else as it is. */
export function textOfPart(part: MessagePart): string {
  if (part.type !== 'text') return '';
  switch (part.kind) {
    case 'selection':
    case 'file':
    case 'diagnostics':
    case 'terminal': {
      const fence = '`'.repeat(Math.max(3, longestFence(part.text) + 1));
      return `${headings[part.kind]}${part.name === undefined ? '' : ` (${part.name})`}:\n${fence}\n${part.text}\n${fence}`;
    }
    case 'language':
      return `Language of the open file: ${part.text}`;
    default:
      return part.text;
  }
}

const headings = {
  selection: 'Selected code',
  file: 'File',
  diagnostics: 'Problems reported there',
  terminal: 'Terminal',
} as const;

function longestFence(text: string): number {
  return Math.max(0, ...(text.match(/`{3,}/g) ?? []).map(fence => fence.length));
}
