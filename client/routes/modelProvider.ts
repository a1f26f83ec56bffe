// The cache as models that every extension and the chat's model picker can use: each upstream model as "… (cached)".
// Owns: what the editor is told of our models, and the parts on their way through. Does not know: the cache.
// Always true: never offers itself; reading the list never waits for the editor's models, which wait for ours.

import type * as vscode from 'vscode';
import { SemcacheError } from '../../server/protocol/errors.ts';
import type { ModelRequest } from '../../server/protocol/prompt.ts';
import { abortSignalOf } from './abortSignal.ts';
import type { Asks } from './asks.ts';
import { answerWithEditorModel } from './editorModel.ts';
import { messagesFromEditor, partForEditor, toolsFromEditor } from './modelMessages.ts';
import { ownVendor, type KnownModel, type Models } from './models.ts';

export interface ModelProviderParts {
  editor: typeof vscode;
  asks: Asks;
  models: Pick<Models, 'offered' | 'find' | 'onChange'>;
  /** The setting semcache.model. */
  chosen: () => string;
}

/**
 * Registers the provider and has the editor read our models at once: it resolves models only when someone asks, and
 * until then the chat view says that no language model is available.
 */
export function registerModelProvider(parts: ModelProviderParts): vscode.Disposable {
  const { editor, models } = parts;
  const changed = new editor.EventEmitter<void>();
  const registration = editor.lm.registerLanguageModelChatProvider(ownVendor, {
    onDidChangeLanguageModelChatInformation: changed.event,
    provideLanguageModelChatInformation: () => models.offered(parts.chosen()).map(information),
    provideLanguageModelChatResponse: (model, messages, options, progress, token) =>
      respond(parts, model.id, messages, options, progress, token),
    provideTokenCount: (model, text, token) => countTokens(parts, model.id, text, token),
  });
  const subscription = models.onChange(() => changed.fire());
  void editor.lm.selectChatModels({ vendor: ownVendor });
  return editor.Disposable.from(registration, subscription, changed);
}

export function information(model: KnownModel): vscode.LanguageModelChatInformation {
  const { id, name, source, family, version, maxInputTokens, maxOutputTokens, toolCalling, imageInput } = model;
  return {
    id,
    name: `${name} (cached)`,
    family,
    version,
    maxInputTokens,
    maxOutputTokens,
    tooltip: `Answers from the Semcache cache; what is not there is asked of ${name}.`,
    detail: source,
    capabilities: { toolCalling, imageInput },
  };
}

async function respond(
  { editor, asks, models }: ModelProviderParts,
  id: string,
  messages: readonly vscode.LanguageModelChatRequestMessage[],
  options: vscode.ProvideLanguageModelChatResponseOptions,
  progress: vscode.Progress<vscode.LanguageModelResponsePart>,
  token: vscode.CancellationToken,
): Promise<void> {
  const model = models.find(id);
  if (model === null) {
    throw new SemcacheError('upstream-missing', `The model "${id}" is not there any more. Pick another one.`);
  }
  const signal = abortSignalOf(token);
  const question = () => ({
    messages: messages as vscode.LanguageModelChatMessage[],
    options: {
      justification: 'To answer what the cache cannot, for the extension that picked this cached model.',
      modelOptions: { ...options.modelOptions },
      tools: [...(options.tools ?? [])],
      toolMode: options.toolMode,
    },
  });
  const { parts } = asks.start(
    {
      question: '',
      request: requestFromEditor(model, messages, options, editor),
      model,
      route: 'model-provider',
      answerInEditor: answerWithEditorModel(question, editor),
    },
    signal,
  );
  try {
    for await (const part of parts) {
      if (part.type !== 'decision' && part.type !== 'end') {
        progress.report(partForEditor(part, editor) as vscode.LanguageModelResponsePart);
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

export function requestFromEditor(
  model: KnownModel,
  messages: readonly vscode.LanguageModelChatRequestMessage[],
  options: vscode.ProvideLanguageModelChatResponseOptions,
  editor: typeof vscode,
): ModelRequest {
  const tools = toolsFromEditor(options.tools);
  const mustCall = tools.length > 0 && options.toolMode === editor.LanguageModelChatToolMode.Required;
  return {
    model: model.model,
    parameters: { ...options.modelOptions, ...(mustCall ? { tool_choice: model.mustCallTool } : {}) },
    messages: messagesFromEditor(messages, editor),
    tools,
  };
}

/** By the upstream's own tokenizer where it is a model of the editor; else four characters a token. */
async function countTokens(
  { editor, models }: ModelProviderParts,
  id: string,
  text: string | vscode.LanguageModelChatRequestMessage,
  token: vscode.CancellationToken,
): Promise<number> {
  const choice = models.find(id)?.choice;
  if (choice?.kind === 'editor') {
    const [vendor = '', ...rest] = choice.model.split('/');
    const [upstream] = await editor.lm.selectChatModels({ vendor, id: rest.join('/') });
    if (upstream !== undefined) return upstream.countTokens(text as string | vscode.LanguageModelChatMessage, token);
  }
  const whole = typeof text === 'string' ? text : JSON.stringify(messagesFromEditor([text], editor));
  return Math.ceil(whole.length / 4);
}
