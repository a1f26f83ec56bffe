import { expect, test } from 'vitest';
import { answerWithEditorModel, type EditorModelParts } from '../../../../client/routes/editorModel.ts';
import type { UpstreamPart } from '../../../../server/protocol/answer.ts';
import { editorClasses } from '../editorClasses.ts';

const { LanguageModelTextPart, LanguageModelToolCallPart } = editorClasses;

/** An editor with one model of copilot, "gpt", that answers with this stream. */
function editorWith(answer: () => AsyncIterable<unknown>): EditorModelParts {
  return {
    ...editorClasses,
    lm: {
      selectChatModels: async ({ vendor, id }: { vendor: string; id: string }) =>
        vendor === 'copilot' && id === 'gpt/4'
          ? [{ vendor, id, name: 'GPT', sendRequest: async () => ({ stream: answer() }) }]
          : [],
    },
  } as unknown as EditorModelParts;
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
