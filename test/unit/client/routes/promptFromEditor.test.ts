import { expect, test } from 'vitest';
import type { Diagnostic } from 'vscode';
import { askedCode, promptFromEditor, promptFromInstruction } from '../../../../client/routes/promptFromEditor.ts';
import { promptFromRequest } from '../../../../server/cache/promptFromRequest.ts';
import { keysOf } from '../../../../server/cache/scope.ts';

const text = 'import os\n\n\ndef total(orders):\n    return sum(o.price for o in orders)\n\n';
type Place = { line: number; character: number };
const at = (line: number, character: number): Place => ({ line, character });

function documentOf(text: string, languageId = 'python') {
  const lines = text.split('\n');
  return {
    languageId,
    getText: () => text,
    offsetAt: ({ line, character }: Place) => lines.slice(0, line).reduce((sum, each) => sum + each.length + 1, 0) + character,
    lineAt: (line: number) => ({ range: { start: at(line, 0), end: at(line, lines[line]!.length) } }),
  } as never;
}

const selected = (start: Place, end: Place) => ({ start, end, isEmpty: start.line === end.line && start.character === end.character }) as never;
const problem = (start: Place, end: Place, message: string, severity = 0) =>
  ({ range: { start, end }, message, severity, source: 'pyright' }) as unknown as Diagnostic;

test('askedCode() is the selection without the blanks around it, and where it stands', () => {
  const code = askedCode(documentOf(text), selected(at(1, 0), at(5, 0)), 'src/shop.py', []);
  expect(code).toEqual({
    path: 'src/shop.py', languageId: 'python', text: 'def total(orders):\n    return sum(o.price for o in orders)',
    start: 12, end: 70, problems: [],
  });
  expect(text.slice(code!.start, code!.end)).toBe(code!.text);
});

test('askedCode() is the line of the cursor where nothing is selected, and null on a blank line', () => {
  expect(askedCode(documentOf(text), selected(at(3, 5), at(3, 5)), 'shop.py', [])!.text).toBe('def total(orders):');
  expect(askedCode(documentOf(text), selected(at(2, 0), at(2, 0)), 'shop.py', [])).toBeNull();
});

test('askedCode() takes the problems inside the selection only, in the order of the code', () => {
  const diagnostics = [
    problem(at(4, 11), at(4, 14), '"sum" is not known'),
    problem(at(3, 10), at(3, 16), 'no type', 1),
    problem(at(0, 0), at(0, 9), 'unused import', 3),
  ];
  const code = askedCode(documentOf(text), selected(at(3, 0), at(4, 40)), 'shop.py', diagnostics);
  expect(code!.problems).toEqual([
    { severity: 'warning', message: 'no type', at: 'orders', source: 'pyright' },
    { severity: 'error', message: '"sum" is not known', at: 'sum', source: 'pyright' },
  ]);
});

test('promptFromEditor() puts only what was typed into the instruction; code, language, path and problems are context', () => {
  const code = askedCode(documentOf(text), selected(at(3, 0), at(4, 40)), 'src/shop.py', [problem(at(4, 11), at(4, 14), 'not known')])!;
  const prompt = promptFromRequest(promptFromEditor('Why does it fail?', code, 'gpt'));
  expect(prompt.instruction).toBe('Why does it fail?');
  expect(prompt.exactOnly).toBeUndefined();
  expect(prompt.context).toEqual([
    { kind: 'language', name: 'language', text: 'python' },
    { kind: 'selection', name: 'src/shop.py', text: code.text },
    { kind: 'diagnostics', name: 'src/shop.py', text: 'error (pyright) at `sum`: not known' },
  ]);
});

test('the same code is the same question wherever it stands in its file, and another in another file or language', () => {
  const scope = (document: string, path = 'shop.py', languageId = 'python') => {
    const lines = document.split('\n');
    const line = lines.findIndex(each => each.startsWith('def'));
    const selection = selected(at(line, 0), at(line + 1, lines[line + 1]!.length));
    const code = askedCode(documentOf(document, languageId), selection, path, [])!;
    return keysOf(promptFromRequest(promptFromEditor('Why?', code, 'gpt'))).scope;
  };
  expect(scope(`# one more line\n${text}`)).toBe(scope(text));
  expect(scope(text, 'other.py')).not.toBe(scope(text));
  expect(scope(text, 'shop.py', 'starlark')).not.toBe(scope(text));
  expect(scope(text.replace('price', 'cost'))).not.toBe(scope(text));
});

test('promptFromInstruction() is the question alone, so that it is the same from every file and route', () => {
  const prompt = promptFromRequest(promptFromInstruction('How do I reverse a list?', 'gpt'));
  expect(prompt).toMatchObject({ instruction: 'How do I reverse a list?', context: [] });
});
