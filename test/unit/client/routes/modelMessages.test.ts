import { expect, test } from 'vitest';
import type * as vscode from 'vscode';
import { messagesForEditor, messagesFromEditor } from '../../../../client/routes/modelMessages.ts';
import { demoModel } from '../../../../client/routes/models.ts';
import { requestFromEditor } from '../../../../client/routes/modelProvider.ts';
import type { Message } from '../../../../server/protocol/prompt.ts';
import { editorClasses as editor } from '../editorClasses.ts';

const { LanguageModelTextPart, LanguageModelToolCallPart, LanguageModelToolResultPart, LanguageModelDataPart } = editor;
const picture = Buffer.from([137, 80, 78, 71]);
const message = (role: number, content: unknown[]) => ({ role, content, name: undefined }) as vscode.LanguageModelChatRequestMessage;

test('messagesFromEditor() keeps text, pictures, tool calls and tool results, and the system role', () => {
  const messages = messagesFromEditor(
    [
      message(3, [new LanguageModelTextPart('Be brief.')]),
      message(1, [new LanguageModelTextPart('What is this?'), new LanguageModelDataPart(picture, 'image/png')]),
      message(2, [new LanguageModelToolCallPart('c1', 'look', { at: 1 })]),
      message(1, [new LanguageModelToolResultPart('c1', [new LanguageModelTextPart('a cat')])]),
    ],
    editor,
  );
  expect(messages).toEqual([
    { role: 'system', parts: [{ type: 'text', text: 'Be brief.' }] },
    {
      role: 'user',
      parts: [
        { type: 'text', text: 'What is this?' },
        { type: 'data', mimeType: 'image/png', base64: picture.toString('base64') },
      ],
    },
    { role: 'assistant', parts: [{ type: 'tool-call', callId: 'c1', name: 'look', input: { at: 1 } }] },
    { role: 'user', parts: [{ type: 'tool-result', callId: 'c1', parts: [{ type: 'text', text: 'a cat' }] }] },
  ]);
});

test.each(['cache_control', 'stateful_marker', 'thinking', 'context_management', 'phase_data'])(
  'messagesFromEditor() leaves out the note %s, which is no part of the question',
  mimeType => {
    const note = new LanguageModelDataPart(Buffer.from('ephemeral'), mimeType);
    expect(messagesFromEditor([message(1, [new LanguageModelTextPart('Hi'), note])], editor)[0]!.parts).toEqual([
      { type: 'text', text: 'Hi' },
    ]);
  },
);

test('messagesFromEditor() leaves out thoughts, which look like text', () => {
  const thought = { value: 'Let me think …', id: 't1', metadata: {} };
  expect(messagesFromEditor([message(2, [thought, new LanguageModelTextPart('Four.')])], editor)[0]!.parts).toEqual([
    { type: 'text', text: 'Four.' },
  ]);
});

test('messagesFromEditor() keeps what it does not understand as data, which only an identical prompt shares', () => {
  const [part] = messagesFromEditor([message(1, [{ someday: 1 }])], editor)[0]!.parts;
  expect(part).toEqual({
    type: 'data', mimeType: 'application/x-unknown+json', base64: Buffer.from('{"someday":1}').toString('base64'),
  });
});

test('messagesForEditor() is the way back, with tagged context in the words that every upstream gets', () => {
  const messages: Message[] = [
    { role: 'system', parts: [{ type: 'text', text: 'Be brief.' }] },
    { role: 'assistant', parts: [{ type: 'tool-call', callId: 'c1', name: 'look', input: { at: 1 } }] },
    {
      role: 'user',
      parts: [
        { type: 'text', kind: 'selection', name: 'a.ts', text: 'let a = 1;' },
        { type: 'tool-result', callId: 'c1', parts: [{ type: 'data', mimeType: 'image/png', base64: picture.toString('base64') }] },
        { type: 'text', text: 'Why?' },
      ],
    },
  ];
  const [system, assistant, user] = messagesForEditor(messages, editor);
  expect([system!.role, assistant!.role, user!.role]).toEqual([1, 2, 1]);
  expect(assistant!.content).toEqual([new LanguageModelToolCallPart('c1', 'look', { at: 1 })]);
  expect(user!.content[0]).toEqual(new LanguageModelTextPart('Selected code (a.ts):\n```\nlet a = 1;\n```'));
  const result = user!.content[1] as vscode.LanguageModelToolResultPart;
  expect(Buffer.from((result.content[0] as vscode.LanguageModelDataPart).data)).toEqual(picture);
  expect(user!.content[2]).toEqual(new LanguageModelTextPart('Why?'));
});

test('requestFromEditor() passes model options and tools on, and says so when a tool must be called', () => {
  const tools = [{ name: 'look', description: 'Looks.', inputSchema: { type: 'object' } }];
  const request = (toolMode: number, model = demoModel) =>
    requestFromEditor(model, [], { modelOptions: { temperature: 0 }, tools, toolMode }, editor);
  expect(request(1)).toEqual({ model: 'semcache-demo', parameters: { temperature: 0 }, messages: [], tools });
  expect(request(2).parameters).toEqual({ temperature: 0, tool_choice: 'required' });
  expect(request(2, { ...demoModel, mustCallTool: { type: 'any' } }).parameters).toEqual({ temperature: 0, tool_choice: { type: 'any' } });
});
