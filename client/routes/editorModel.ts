// Answers a miss with a model that VS Code already has: the daemon asks back, this window asks the model.
// Owns: what a person reads when the model refuses. Does not know: the cache.

import type * as vscode from 'vscode';
import type { UpstreamPart } from '../../server/protocol/answer.ts';
import { SemcacheError } from '../../server/protocol/errors.ts';
import type { ModelRequest } from '../../server/protocol/prompt.ts';
import type { AnswerForTools, AnswerInEditor } from '../daemon/connection.ts';
import { editorModelRef, ownVendor } from './models.ts';
import { messagesForEditor, type MessageClasses } from './modelMessages.ts';

/** What the model is asked, in the editor's own terms: whatever our form of it leaves out is still in there. */
export interface EditorQuestion {
  messages: vscode.LanguageModelChatMessage[];
  options: vscode.LanguageModelChatRequestOptions;
}

export type EditorModelParts = MessageClasses &
  Pick<typeof vscode, 'lm' | 'CancellationTokenSource' | 'LanguageModelError'>;

/** `question` is made only when the model is really asked: a hit costs nothing here. */
export function answerWithEditorModel(question: () => EditorQuestion, editor: EditorModelParts): AnswerInEditor {
  return async function* (ref: string, signal: AbortSignal): AsyncIterable<UpstreamPart> {
    const model = await findEditorModel(ref, editor);
    const { messages, options } = question();
    const cancellation = new editor.CancellationTokenSource();
    const cancel = (): void => cancellation.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      const response = await model.sendRequest(messages, options, cancellation.token);
      let calledTools = false;
      for await (const part of response.stream) {
        if (signal.aborted) break;
        if (part instanceof editor.LanguageModelTextPart) yield { type: 'text', text: part.value };
        else if (part instanceof editor.LanguageModelToolCallPart) {
          calledTools = true;
          yield { type: 'tool-call', callId: part.callId, name: part.name, input: part.input };
        } else if (part instanceof editor.LanguageModelDataPart) {
          yield { type: 'data', mimeType: part.mimeType, base64: Buffer.from(part.data).toString('base64') };
        }
      }
      if (signal.aborted) throw new SemcacheError('cancelled', `The request to ${model.name} was cancelled.`);
      yield { type: 'end', finish: calledTools ? 'tool-calls' : 'stop', model: model.id };
    } catch (error) {
      throw inWords(error, model.name, editor);
    } finally {
      signal.removeEventListener('abort', cancel);
      cancellation.dispose();
    }
  };
}

/** Answers what is no ask of this window (another tool's, the judge's), as long as the person lets this model be asked that. */
export function answerToolsWithEditorModel(
  editor: EditorModelParts & Pick<typeof vscode, 'LanguageModelChatToolMode'>,
  isAllowed: (ref: string) => boolean,
): AnswerForTools {
  return async function* (ref: string, request: ModelRequest, signal: AbortSignal): AsyncIterable<UpstreamPart> {
    if (!isAllowed(ref)) {
      throw new SemcacheError('upstream-missing', 'Other tools may not use the models of this editor: semcache.gateway.editorModels is off.');
    }
    yield* answerWithEditorModel(() => questionOf(request, editor), editor)(ref, signal);
  };
}

function questionOf({ messages, tools, parameters }: ModelRequest, editor: MessageClasses & Pick<typeof vscode, 'LanguageModelChatToolMode'>): EditorQuestion {
  const { tool_choice: toolChoice, ...modelOptions } = parameters;
  const { Auto, Required } = editor.LanguageModelChatToolMode;
  return {
    messages: messagesForEditor(messages, editor),
    options: {
      justification: 'For what you let it be asked: by other tools of this machine (semcache.gateway.editorModels), or as a judge (semcache.judge).',
      modelOptions,
      tools: tools.map(({ name, description = '', inputSchema }) => ({ name, description, ...(inputSchema === undefined ? {} : { inputSchema: inputSchema as object }) })),
      toolMode: toolChoice === 'required' ? Required : Auto,
    },
  };
}

async function findEditorModel(ref: string, editor: EditorModelParts): Promise<vscode.LanguageModelChat> {
  const vendor = ref.slice(0, ref.indexOf('/'));
  const id = ref.slice(ref.indexOf('/') + 1);
  const found = vendor === ownVendor ? [] : await editor.lm.selectChatModels({ vendor, id });
  const model = found.find(each => editorModelRef(each) === ref);
  if (model === undefined) {
    throw new SemcacheError(
      'upstream-missing',
      `The editor does not offer the model "${ref}" any more. Pick another one with "Semcache: Choose Model…".`,
    );
  }
  return model;
}

function inWords(error: unknown, name: string, editor: EditorModelParts): unknown {
  if (!(error instanceof editor.LanguageModelError)) return error;
  const words = refusals[error.code];
  return words === undefined ? error : new SemcacheError('upstream-failed', words(name, error.message), error);
}

const refusals: Record<string, (name: string, detail: string) => string> = {
  NoPermissions: name =>
    `You have not allowed Semcache to use ${name}. Ask again and choose Allow, or manage access with the command ` +
    '"Accounts: Manage Language Model Access…".',
  Blocked: (name, detail) => `${name} refused the request: ${detail} Its quota may be used up; try again later.`,
  NotFound: name => `${name} is not there any more. Pick another model with "Semcache: Choose Model…".`,
};
