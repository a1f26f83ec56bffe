import { expect, test } from 'vitest';
import { answerToolsWithEditorModel, answerWithEditorModel, type EditorModelParts } from '../../../../client/routes/editorModel.ts';
import type { UpstreamPart } from '../../../../server/protocol/answer.ts';
import type { ModelRequest } from '../../../../server/protocol/prompt.ts';
import { editorClasses } from '../editorClasses.ts';

const { LanguageModelTextPart, LanguageModelToolCallPart } = editorClasses;

/** An editor with one model of copilot, "gpt", that answers with this stream. */
function editorWith(answer: (...asked: unknown[]) => AsyncIterable<unknown>) {
  return {
    ...editorClasses,
    lm: {
      selectChatModels: async ({ vendor, id }: { vendor: string; id: string }) =>
        vendor === 'copilot' && id === 'gpt/4'
          ? [{ vendor, id, name: 'GPT', sendRequest: async (...asked: unknown[]) => ({ stream: answer(...asked) }) }]
          : [],
    },
  } as unknown as EditorModelParts & Pick<typeof editorClasses, 'LanguageModelChatToolMode'>;
}

const question = () => ({ messages: [], options: {} });

async function collect(stream: AsyncIterable<UpstreamPart>): Promise<UpstreamPart[]> {
  const parts: UpstreamPart[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

test('answerWithEditorModel() passes text and tool calls on and ends as the model did', async () => {
  const editor = editorWith(async function* () {
    yield new LanguageModelTextPart('Let me look.');
    yield new LanguageModelToolCallPart('c1', 'look', { at: 1 });
  });
  expect(await collect(answerWithEditorModel(question, editor)('copilot/gpt/4', new AbortController().signal))).toEqual([
    { type: 'text', text: 'Let me look.' },
    { type: 'tool-call', callId: 'c1', name: 'look', input: { at: 1 } },
    { type: 'end', finish: 'tool-calls', model: 'gpt/4' },
  ]);
});

test.each([
  { code: 'NoPermissions', words: 'You have not allowed Semcache to use GPT' },
  { code: 'Blocked', words: 'GPT refused the request: over quota' },
  { code: 'NotFound', words: 'GPT is not there any more' },
])('answerWithEditorModel() puts $code into clear words', async ({ code, words }) => {
  const editor = editorWith(async function* () {
    const error = new (editorClasses.LanguageModelError as unknown as new (code: string, text: string) => Error)(code, 'over quota');
    yield* [];
    throw error;
  });
  await expect(collect(answerWithEditorModel(question, editor)('copilot/gpt/4', new AbortController().signal))).rejects.toMatchObject({
    code: 'upstream-failed', message: expect.stringContaining(words),
  });
});

test('answerWithEditorModel() passes on any other failure as it is', async () => {
  const failure = new TypeError('the model broke');
  const editor = editorWith(async function* () {
    yield new LanguageModelTextPart('half');
    throw failure;
  });
  await expect(collect(answerWithEditorModel(question, editor)('copilot/gpt/4', new AbortController().signal))).rejects.toBe(failure);
});

test.each(['copilot/gone', 'semcache/demo'])('answerWithEditorModel() does not find %s', async ref => {
  const editor = editorWith(async function* () {
    yield* [];
  });
  await expect(collect(answerWithEditorModel(question, editor)(ref, new AbortController().signal))).rejects.toMatchObject({
    code: 'upstream-missing',
  });
});

test('answerWithEditorModel() never ends an answer that was cancelled as if it were whole', async () => {
  const abort = new AbortController();
  const editor = editorWith(async function* () {
    yield new LanguageModelTextPart('one');
    abort.abort();
    yield new LanguageModelTextPart('two');
  });
  await expect(collect(answerWithEditorModel(question, editor)('copilot/gpt/4', abort.signal))).rejects.toMatchObject({ code: 'cancelled' });
});

const request: ModelRequest = {
  model: 'copilot/gpt/4', parameters: { temperature: 0.5, tool_choice: 'required' },
  messages: [{ role: 'system', parts: [{ type: 'text', text: 'Be kind.' }] }, { role: 'user', parts: [{ type: 'text', text: 'Hello?' }] }],
  tools: [{ name: 'look', inputSchema: { type: 'object' } }],
};

test('answerToolsWithEditorModel() asks what the tool asked, in the editor\'s terms', async () => {
  const asked: unknown[] = [];
  const editor = editorWith(async function* (...question) {
    asked.push(...question);
    yield new LanguageModelTextPart('Hello.');
  });
  const parts = await collect(answerToolsWithEditorModel(editor, () => true)('copilot/gpt/4', request, new AbortController().signal));
  expect(parts).toEqual([{ type: 'text', text: 'Hello.' }, { type: 'end', finish: 'stop', model: 'gpt/4' }]);
  expect(asked[0]).toMatchObject([{ role: 1, content: [{ value: 'Be kind.' }] }, { role: 1, content: [{ value: 'Hello?' }] }]);
  expect(asked[1]).toMatchObject({
    modelOptions: { temperature: 0.5 }, tools: [{ name: 'look', description: '', inputSchema: { type: 'object' } }], toolMode: 2,
    justification: expect.stringContaining('semcache.gateway.editorModels'),
  });
});

test('answerToolsWithEditorModel() asks no model once the person has switched that off', async () => {
  const editor = editorWith(async function* () {
    yield new LanguageModelTextPart('Never.');
  });
  await expect(collect(answerToolsWithEditorModel(editor, () => false)('copilot/gpt/4', request, new AbortController().signal))).rejects.toMatchObject({
    code: 'upstream-missing', message: expect.stringContaining('semcache.gateway.editorModels'),
  });
});
