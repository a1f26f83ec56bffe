// One message text, split into what the person asks and what they pasted.
// Owns: what counts as pasted: fenced code, indented code, stack traces. Inline code stays in the question.
// Always true: every character but blank lines ends up on exactly one side, in its order.

import type { ContextPart } from '../protocol/prompt.ts';

/** The natural-language part, and each pasted block as a context part named in order ("fenced code 1"). */
export function splitInstruction(text: string): { instruction: string; context: ContextPart[] } {
  const lines = text.replace(/\r\n?/g, '\n').split('\n');
  const said: string[] = [];
  const context: ContextPart[] = [];
  const numbers = { 'fenced code': 0, 'indented code': 0, 'stack trace': 0 };

  const paste = (name: keyof typeof numbers, block: string[]): void => {
    numbers[name] += 1;
    context.push({
      kind: name === 'stack trace' ? 'trace' : 'code',
      name: `${name} ${numbers[name]}`,
      text: block.join('\n'),
    });
  };

  for (let at = 0; at < lines.length; ) {
    const block =
      fencedBlock(lines, at) ?? traceBlock(lines, at) ?? (canBeginIndented(said) ? indentedBlock(lines, at) : null);
    if (block === null) {
      said.push(lines[at]!);
      at += 1;
    } else {
      paste(block.name, lines.slice(at, at + block.length));
      at += block.length;
    }
  }
  return { instruction: joinParagraphs(said), context };
}

type Block = { name: 'fenced code' | 'indented code' | 'stack trace'; length: number };

/** A fence runs to the closing fence of the same character and at least its length, or to the end of the text. */
function fencedBlock(lines: string[], at: number): Block | null {
  const opening = /^ {0,3}(`{3,}|~{3,})([^`]*)$/.exec(lines[at]!);
  if (opening === null) return null;
  const fence = opening[1]!;
  const closing = new RegExp(`^ {0,3}\\${fence[0]}{${fence.length},}\\s*$`);
  let end = at + 1;
  while (end < lines.length && !closing.test(lines[end]!)) end += 1;
  return { name: 'fenced code', length: Math.min(end + 1, lines.length) - at };
}

/** CommonMark: indented code follows a blank line (or begins the text), and is no continuation of a list item. */
function canBeginIndented(said: string[]): boolean {
  if (said.length === 0) return true;
  if (said.at(-1)!.trim() !== '') return false;
  const lastSaid = said.findLast(line => line.trim() !== '');
  return lastSaid === undefined || !/^\s*(?:[-*+]|\d+[.)])\s/.test(lastSaid);
}

function indentedBlock(lines: string[], at: number): Block | null {
  const indented = /^(?: {4}|\t)\s*\S/;
  if (!indented.test(lines[at]!)) return null;
  let end = at + 1;
  for (let next = end; next < lines.length; next += 1) {
    if (indented.test(lines[next]!)) end = next + 1;
    else if (lines[next]!.trim() !== '') break;
  }
  return { name: 'indented code', length: end - at };
}

/** First lines of traces that say what was thrown, in the words of the common runtimes. */
const traceHead =
  /^\s*(?:Traceback \(most recent call last\):|(?:Uncaught |Unhandled )?(?:[\w.$]+(?:Error|Exception|Panic|Warning))\b.*|Exception in thread .*|Caused by: .*|Unhandled exception\b.*|thread '.*' panicked at .*|panic: .*|goroutine \d+ \[.*\]:|Fatal error: .*|stack backtrace:)\s*$/;

/** One frame: V8, JVM, .NET, Python, Ruby, Go, Rust, PHP, gdb. */
const traceFrame =
  /^\s*(?:at\s+\S.*|File ".*", line \d+.*|from \S+:\d+:in .*|\S+\.\w+:\d+:in [`'].*|\S+\.(?:go|rs|c|cc|cpp|py|rb):\d+(?::\d+| \+0x[0-9a-f]+)?|#\d+\s+\S.*|\d+:\s+0x[0-9a-f]+ - .*|\.\.\. \d+ (?:more|common frames omitted))\s*$/;

/** A trace is a head followed by frames, or two frames in a row; lines between frames (Python quotes its source) belong to it. */
function traceBlock(lines: string[], at: number): Block | null {
  const isHead = traceHead.test(lines[at]!);
  if (!isHead && !traceFrame.test(lines[at]!)) return null;
  let end = at + 1;
  let frames = isHead ? 0 : 1;
  for (let next = end; next < lines.length && next - end < 2; next += 1) {
    if (traceFrame.test(lines[next]!)) frames += 1;
    else if (!traceHead.test(lines[next]!)) continue;
    end = next + 1;
  }
  return frames >= (isHead ? 1 : 2) ? { name: 'stack trace', length: end - at } : null;
}

function joinParagraphs(said: string[]): string {
  return said
    .join('\n')
    .replace(/[^\S\n]+$/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}
