// The daemon's one log: a file in the data folder, a terminal if there is one, and every window.
// Owns: what may be written about an error, and the file's size.
// Always true: no prompt, answer, token or key is written. Messages are our own words; of an error that is not ours
// only its name, code and places in the code are told, because its text may quote what it was given.

import { appendFileSync, renameSync, statSync } from 'node:fs';
import { SemcacheError } from '../protocol/errors.ts';

export type LogLevel = 'error' | 'warning' | 'info' | 'debug';

export interface Log {
  error(text: string): void;
  warning(text: string): void;
  info(text: string): void;
  debug(text: string): void;
  /** Every line from now on. Returns what ends it. */
  onLine(listener: (level: LogLevel, text: string) => void): () => void;
}

export interface LogOptions {
  /** Absent: no file. Beyond `maxBytes` it becomes FILE.1 and a new one begins. */
  file?: string;
  maxBytes?: number;
  /** Each line as it is written to the file, for a terminal. */
  print?: (line: string) => void;
  now: () => number;
}

export function openLog({ file, maxBytes = 1_000_000, print, now }: LogOptions): Log {
  const listeners = new Set<(level: LogLevel, text: string) => void>();
  let bytes = file === undefined ? 0 : sizeOf(file);

  const write = (level: LogLevel, text: string): void => {
    const line = `${new Date(now()).toISOString()} ${String(process.pid)} ${level} ${text.replaceAll('\n', ' | ')}\n`;
    print?.(line);
    if (file !== undefined) bytes = append(file, line, bytes, maxBytes);
    for (const listener of listeners) listener(level, text);
  };
  return {
    error: text => write('error', text),
    warning: text => write('warning', text),
    info: text => write('info', text),
    debug: text => write('debug', text),
    onLine(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** What a log may say of anything thrown. */
export function loggable(error: unknown): string {
  if (error instanceof SemcacheError) return `${error.code}: ${error.message}`;
  if (!(error instanceof Error)) return `something that is not an error was thrown (${typeof error})`;
  const { code, syscall } = error as NodeJS.ErrnoException;
  const facts = [error.name, code, syscall].filter(fact => fact !== undefined).join(' ');
  // The stack begins with the text, which may have lines that look like places.
  const [, ...afterText] = (error.stack ?? '').split(error.message === '' ? '\n' : error.message);
  const places = (afterText.at(-1) ?? '').split('\n').filter(line => /^\s+at /.test(line)).slice(0, 6);
  return [facts, ...places.map(place => place.trim())].join('\n');
}

/** A log that cannot be written is no reason to stop. Resolves to the file's size. */
function append(file: string, line: string, bytes: number, maxBytes: number): number {
  try {
    if (bytes + line.length > maxBytes) {
      renameSync(file, `${file}.1`);
      bytes = 0;
    }
    appendFileSync(file, line, { mode: 0o600 });
  } catch {
    return bytes;
  }
  return bytes + Buffer.byteLength(line);
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
