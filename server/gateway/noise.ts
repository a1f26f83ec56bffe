// What a request holds that cannot change its answer, and is therefore not compared. One table; each row says why.
// Everything here is still sent upstream, unchanged. Seen in the requests of real clients (Claude Code, Codex, Copilot,
// opencode, Qwen Code, Cline and the SDKs), November 2026.
// Always true: a row never removes anything that a person typed.

import type { Message, MessagePart, ModelRequest } from '../protocol/prompt.ts';

/** Fields of a body. */
export const noiseFields: Record<string, string> = {
  metadata: 'labels for the caller\'s own books; Claude Code puts its session id there',
  user: 'an id of the caller\'s own user, for abuse reports',
  safety_identifier: 'the successor of user',
  prompt_cache_key: 'where the provider caches the prompt; Codex puts its session id there',
  prompt_cache_retention: 'how long the provider caches the prompt',
  prompt_cache_options: 'how the provider caches the prompt',
  client_metadata: 'Codex: ids and times of the session',
  service_tier: 'how fast, not what',
  store: 'whether the provider keeps the answer; looked at when a Responses answer is replayed',
  stream: 'one recording serves both forms',
  stream_options: 'one recording serves both forms',
};

/** Fields of a message, content block, input item or tool. */
export const noiseBlockFields: Record<string, string> = {
  cache_control: 'where the provider caches the prompt; it moves from turn to turn',
  id: 'random ids of Responses items and messages; tool calls are paired by call_id and renumbered',
  status: 'of a finished item: always completed',
  eager_input_streaming: 'how a tool\'s input is streamed; the AI SDK sets it on streamed requests only',
};

/** Parameters that are what the API does without them. */
export const noiseDefaults: Array<{ field: string; value: unknown; why: string }> = [
  { field: 'n', value: 1, why: 'one answer is what everybody gets' },
  { field: 'logprobs', value: false, why: 'not asked for' },
  { field: 'tool_choice', value: 'auto', why: 'the default where tools are offered' },
  { field: 'background', value: false, why: 'not asked for' },
  { field: 'truncation', value: 'disabled', why: 'the default of Responses' },
];

/** Parts of a text that programs write; `dates` are kept when the person asks about time. */
export const noiseText: Array<{ name: string; where: 'system' | 'wrapper' | 'both'; pattern: RegExp; to: string; dates?: true; why: string }> = [
  {
    name: 'billing header', where: 'system', pattern: /^x-anthropic-billing-header:[^\n]*\n?/gm, to: '',
    why: 'three of its digits change with the text of the prompt',
  },
  {
    name: 'UUID', where: 'both', pattern: /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, to: '<uuid>',
    why: 'session folders and ids, new in every run (Copilot)',
  },
  {
    name: 'current time', where: 'both', pattern: /<(current_datetime|current_date|current_time)>[^<]*<\/\1>/g, to: '', dates: true,
    why: 'Copilot writes the time to the millisecond, Codex the date',
  },
  {
    name: 'date line', where: 'both', dates: true, to: '$1<date>',
    pattern:
      /((?:\btoday(?:['’]s date)?(?: is)?|\b(?:the )?current date(?:(?: and | & |\/)time)?(?: is)?|\bdate)\s*[:=]?\s*)(?:\d{4}-\d\d-\d\d(?:[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?|\d{1,2}[/.]\d{1,2}[/.]\d{4}(?:,? \d{1,2}:\d\d(?::\d\d)?(?: ?[AP]M)?)?|(?:(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?,? )?(?:(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* \d{1,2}(?:st|nd|rd|th)?|\d{1,2}\.? (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*),? \d{4})/gi,
    why: 'agents write today\'s date into their system text: without this row their cache is empty at midnight',
  },
];

/** Tags in which programs put text of their own into a person's message. What they hold is compared exactly. */
export const wrapperTags = [
  'system-reminder', 'environment_context', 'environment_details', 'current_datetime', 'user_instructions', 'INSTRUCTIONS',
  'permissions', 'skills', 'attachments', 'context', 'editorContext', 'reminderInstructions', 'workspace_info',
  'environment_info', 'additional_data', 'file_content', 'local-command-caveat', 'local-command-stdout', 'command-name',
] as const;

/** Tags round what the person typed. */
export const typedTags = ['task', 'userRequest', 'user_query', 'user_message'] as const;

const wrapperOpening = new RegExp(`<(${wrapperTags.join('|')})(?:\\s[^<>]*)?>`, 'g');
const typedTag = new RegExp(`</?(?:${typedTags.join('|')})>`, 'g');

/** A user's text, in order: what was typed, and what a program wrapped. */
export function typedAndWrapped(text: string): MessagePart[] {
  const parts: MessagePart[] = [];
  const typed = (piece: string): void => {
    // Without blank lines round it, but with the indentation of its first line: that may be code.
    const said = piece.replace(typedTag, '').trimEnd().replace(/^(?:[^\S\n]*\n)+/, '');
    if (said !== '') parts.push({ type: 'text', text: said });
  };
  let at = 0;
  for (const { tag, from, to } of wrappersIn(text)) {
    typed(text.slice(at, from));
    parts.push({ type: 'text', text: text.slice(from, to), kind: 'wrapper', name: tag });
    at = to;
  }
  typed(text.slice(at));
  return parts;
}

/** In order, from each opening tag to the first closing one. Looks at every place a few times at most, however odd the text. */
function* wrappersIn(text: string): Iterable<{ tag: string; from: number; to: number }> {
  const unclosed = new Set<string>();
  let at = 0;
  for (const { 0: opening, 1: tag = '', index } of text.matchAll(wrapperOpening)) {
    if (index < at || unclosed.has(tag)) continue;
    const closing = text.indexOf(`</${tag}>`, index + opening.length);
    if (closing === -1) {
      unclosed.add(tag);
      continue;
    }
    at = closing + tag.length + 3;
    yield { tag, from: index, to: at };
  }
}

const timeWords =
  /\b(?:today|tonight|now|nowadays|current|currently|dates?|days?|times?|clock|hours?|tomorrow|yesterday|weeks?|weekend|months?|years?|recent|recently|latest|newest|ago|since|deadline|due|schedule|calendar|old|age)\b/i;

/** True when the answer may depend on when it was asked. */
export function speaksOfTime(instruction: string): boolean {
  return timeWords.test(instruction);
}

/** The request without the noise of its texts. Typed text stays as it is. */
export function quieted(request: ModelRequest): ModelRequest {
  const told = reminderApart(request.messages);
  const asked = told.findLast(message => message.role === 'user' && message.parts.some(isTyped));
  const keepDates = speaksOfTime((asked?.parts ?? []).map(part => (isTyped(part) ? part.text : '')).join(' '));
  const messages = told
    .map((message): Message => ({
      role: message.role,
      parts: message.parts.map(part => quietedPart(part, message.role, keepDates)).filter(part => part.type !== 'text' || part.text.trim() !== ''),
    }))
    .filter(message => message.parts.length > 0);
  return { ...request, messages };
}

/**
 * A program that ends a question with what it ends its system text with reminds the model of that; nobody typed it.
 * Aider does so in each of its modes ("Reply in English.", the rules of its edits).
 */
function reminderApart(messages: Message[]): Message[] {
  const at = messages.findLastIndex(message => message.role === 'user' && message.parts.some(isTyped));
  const { parts } = messages[at] ?? { parts: [] };
  const last = parts.findLastIndex(isTyped);
  const part = parts[last];
  if (part === undefined || !isTyped(part)) return messages;
  const endings = messages.filter(({ role }) => role === 'system').map(system => system.parts.map(each => (each.type === 'text' ? each.text : '')).join('\n').trimEnd());
  const from = reminderIn(part.text, endings);
  if (from === null) return messages;
  const split: MessagePart[] = [{ ...part, text: part.text.slice(0, from) }, { type: 'text', text: part.text.slice(from).trim(), kind: 'wrapper', name: 'reminder' }];
  return messages.with(at, { role: 'user', parts: parts.toSpliced(last, 1, ...split) });
}

/** Where it begins: after a blank line, and the longest. */
function reminderIn(text: string, endings: string[]): number | null {
  for (const { index } of text.matchAll(/\n[^\S\n]*\n/g)) {
    const tail = text.slice(index).trim();
    const isRepeated = endings.some(ending => ending.endsWith(tail) && [undefined, '\n'].includes(ending.at(-tail.length - 1)));
    if (isRepeated && tail !== '' && text.slice(0, index).trim() !== '') return index;
  }
  return null;
}

function quietedPart(part: MessagePart, role: Message['role'], keepDates: boolean): MessagePart {
  if (part.type !== 'text') return part;
  const isWrapped = part.kind === 'wrapper' && (wrapperTags as readonly string[]).includes(part.name ?? '');
  const where = role === 'system' ? 'system' : isWrapped ? 'wrapper' : null;
  if (where === null) return part;
  const rows = noiseText.filter(row => (row.where === where || row.where === 'both') && !(row.dates === true && keepDates));
  return { ...part, text: rows.reduce((text, { pattern, to }) => text.replace(pattern, to), part.text) };
}

function isTyped(part: MessagePart): part is MessagePart & { type: 'text' } {
  return part.type === 'text' && part.kind === undefined && part.text.trim() !== '';
}

/** A block without its noise, for what is compared as it is. */
export function quietBlock(block: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(block).filter(([name, value]) => !Object.hasOwn(noiseBlockFields, name) && value !== null));
}

/**
 * What of a body is compared as parameters: all but the fields that are read as messages and tools, and the noise.
 * `names` gives the usual name of a field that this API calls otherwise.
 */
export function parametersOf(body: Record<string, unknown>, readElsewhere: readonly string[], names: Record<string, string> = {}): Record<string, unknown> {
  // Own fields only, and built from entries: a field may be called "constructor" or "__proto__".
  const isNoise = ([field, value]: [string, unknown]): boolean =>
    value === null ||
    Object.hasOwn(noiseFields, field) ||
    readElsewhere.includes(field) ||
    noiseDefaults.some(row => row.field === field && row.value === value);
  return Object.fromEntries(
    Object.entries(body)
      .filter(entry => !isNoise(entry))
      .map(([field, value]) => [Object.hasOwn(names, field) ? names[field]! : field, value]),
  );
}
