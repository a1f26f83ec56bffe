// What the person asked and what they asked it about, as one request.
// Owns: which facts of the editor an answer depends on. Does not know: how they are compared, who answers.
// Always true: line numbers and absolute paths are left out, so that the same code moved elsewhere in its file, or
// opened in another checkout, is the same question.

import type { Diagnostic, Range, TextDocument } from 'vscode';
import type { MessagePart, ModelRequest } from '../../server/protocol/prompt.ts';

/** Code that is asked about. */
export interface AskedCode {
  /** Relative to the workspace folder. */
  path: string;
  languageId: string;
  text: string;
  /** Offsets of `text` in the document; `end` is exclusive. */
  start: number;
  end: number;
  problems: Problem[];
}

export interface Problem {
  severity: 'error' | 'warning' | 'information' | 'hint';
  message: string;
  /** The code that the problem is reported at. */
  at: string;
  source: string;
}

/** A question on its own: nothing of the editor goes with it. */
export function promptFromInstruction(instruction: string, model: string): ModelRequest {
  return requestOf([{ type: 'text', text: instruction }], model);
}

/** A question about code: the code, its language, path and problems go with it, and are compared exactly. */
export function promptFromEditor(instruction: string, code: AskedCode, model: string): ModelRequest {
  const parts: MessagePart[] = [
    { type: 'text', kind: 'language', text: code.languageId },
    { type: 'text', kind: 'selection', name: code.path, text: code.text },
  ];
  if (code.problems.length > 0) {
    parts.push({ type: 'text', kind: 'diagnostics', name: code.path, text: code.problems.map(problemLine).join('\n') });
  }
  return requestOf([...parts, { type: 'text', text: instruction }], model);
}

/**
 * The selected code without blank lines and blanks around it; with no selection, the line of the cursor. Null where
 * there is nothing but blanks.
 */
export function askedCode(
  document: Pick<TextDocument, 'getText' | 'offsetAt' | 'lineAt' | 'languageId'>,
  selection: Pick<Range, 'start' | 'end' | 'isEmpty'>,
  path: string,
  diagnostics: readonly Pick<Diagnostic, 'range' | 'message' | 'severity' | 'source'>[],
): AskedCode | null {
  const range = selection.isEmpty ? document.lineAt(selection.start.line).range : selection;
  const all = document.getText();
  const [from, to] = [document.offsetAt(range.start), document.offsetAt(range.end)];
  const untrimmed = all.slice(from, to);
  const text = untrimmed.trim();
  if (text === '') return null;
  const start = from + untrimmed.indexOf(text);
  const end = start + text.length;
  const problems = diagnostics
    .map(diagnostic => ({
      start: document.offsetAt(diagnostic.range.start),
      end: document.offsetAt(diagnostic.range.end),
      diagnostic,
    }))
    .filter(problem => problem.start < end && problem.end >= start)
    .sort((a, b) => a.start - b.start)
    .map(({ start, end, diagnostic }) => ({
      severity: severities[diagnostic.severity] ?? 'error',
      message: diagnostic.message,
      at: all.slice(start, end),
      source: diagnostic.source ?? '',
    }));
  return { path, languageId: document.languageId, text, start, end, problems };
}

/** In the order of vscode.DiagnosticSeverity. */
const severities = ['error', 'warning', 'information', 'hint'] as const;

function problemLine({ severity, message, at, source }: Problem): string {
  const where = at === '' ? '' : ` at \`${at.split('\n', 1)[0]}\``;
  return `${severity}${source === '' ? '' : ` (${source})`}${where}: ${message}`;
}

function requestOf(parts: MessagePart[], model: string): ModelRequest {
  return { model, parameters: {}, messages: [{ role: 'user', parts }], tools: [] };
}
