// Which models can answer a miss: those of the editor, HTTP endpoints, and the demo model when there is nothing else.
// Owns: their ids, the choice that `auto` makes, the endpoints that the environment names.
// Does not know: how any of them is asked.
// Always true: our own "(cached)" models are never among them.

import { setTimeout as pause } from 'node:timers/promises';
import type * as vscode from 'vscode';
import { mayLeadBack } from '../../server/protocol/lentModels.ts';
import type { EditorModelOffer, HttpUpstreamConfig, JudgeChoice, UpstreamChoice } from '../../server/protocol/messages.ts';

export interface KnownModel {
  /** As the setting `semcache.model` names it: "editor:copilot/gpt-4o", "http:openai/gpt-4o-mini", "demo". */
  id: string;
  choice: UpstreamChoice;
  /** The upstream's own id of the model: part of what is compared. */
  model: string;
  /** For people. */
  name: string;
  /** Who offers it, for people. */
  source: string;
  family: string;
  version: string;
  maxInputTokens: number;
  maxOutputTokens: number;
  toolCalling: boolean | number;
  imageInput: boolean;
  /** The value of `tool_choice` that makes its API call a tool. */
  mustCallTool: unknown;
}

/** Longest wait of the first ask for the editor's models; they come late while other extensions start. */
const editorModelsMs = 3000;

export const ownVendor = 'semcache';
export const demoModelId = 'demo';

type LanguageModels = Pick<typeof vscode.lm, 'selectChatModels' | 'onDidChangeChatModels'>;

/** Reads the editor's models at once, and keeps the list up to date. Reading it never waits: the editor asks for our models while it resolves everyone's. */
export class Models {
  readonly #lm: LanguageModels;
  readonly #endpoints: () => readonly HttpUpstreamConfig[];
  readonly #listeners = new Set<() => void>();
  readonly #subscription: vscode.Disposable;
  readonly #first: Promise<unknown>;
  #editorModels: readonly KnownModel[] = [];
  #told = '';
  #running: Promise<void> | null = null;
  #again = false;

  constructor(parts: { lm: LanguageModels; endpoints: () => readonly HttpUpstreamConfig[] }) {
    this.#lm = parts.lm;
    this.#endpoints = parts.endpoints;
    this.#subscription = this.#lm.onDidChangeChatModels(() => void this.refresh());
    this.#first = Promise.race([this.refresh(), pause(editorModelsMs, undefined, { ref: false })]);
  }

  /** Best choice first; the demo model is always the last. */
  all(): readonly KnownModel[] {
    return [...this.#editorModels, ...this.#endpoints().flatMap(endpointModels), demoModel];
  }

  /** Those of the editor, as a window offers them to other tools. */
  ofEditor(): EditorModelOffer[] {
    return this.#editorModels.flatMap(({ choice, name }) => (choice.kind === 'editor' && !mayLeadBack(choice.model) ? [{ model: choice.model, name }] : []));
  }

  /** Who judges near hits, by the setting `semcache.judge`; null where that is nobody, or a model that is not there now. */
  judge(setting: string): JudgeChoice | null {
    const choice = this.find(setting)?.choice;
    if (choice !== undefined) return choice.kind === 'demo' ? null : choice;
    // One of those that an endpoint lists by a pattern, or not at all.
    const name = this.#endpoints().find(endpoint => setting.startsWith(`http:${endpoint.name}/`))?.name;
    return name === undefined ? null : { kind: 'http', name, model: setting.slice(`http:${name}/`.length) };
  }

  /** One that other tools may ask the gateway for, by the name they ask with; null where none is known. */
  forTools({ withEditorModels }: { withEditorModels: boolean }): string | null {
    const [named] = this.#endpoints().flatMap(modelNames);
    const [lent] = withEditorModels ? this.ofEditor() : [];
    return named ?? (lent === undefined ? null : `editor:${lent.model}`);
  }

  /** Those worth offering to others: the demo model only while there is nothing better. */
  offered(chosen: string): readonly KnownModel[] {
    const all = this.all();
    return all.length === 1 || chosen === demoModelId ? all : all.filter(model => model !== demoModel);
  }

  /** What `setting` means now. At the start it waits a little for the editor to tell its models. */
  async current(setting: string): Promise<KnownModel> {
    await this.#first;
    return chooseModel(this.all(), setting);
  }

  /** Of this id; null when it is not there now. */
  find(id: string): KnownModel | null {
    return findModel(this.all(), id);
  }

  onChange(listener: () => void): vscode.Disposable {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  }

  /** Asks the editor for its models. Calls at the same time share one, with another after it. */
  async refresh(): Promise<void> {
    if (this.#running !== null) {
      this.#again = true;
      return this.#running;
    }
    this.#running = this.#refresh().finally(() => {
      this.#running = null;
      if (!this.#again) return;
      this.#again = false;
      void this.refresh();
    });
    return this.#running;
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#listeners.clear();
  }

  async #refresh(): Promise<void> {
    try {
      const found = await this.#lm.selectChatModels();
      this.#editorModels = found.filter(({ vendor }) => vendor !== ownVendor).map(editorModel);
    } catch {
      this.#editorModels = []; // An editor without language models.
    }
    this.tellChanges();
  }

  /** Tells the listeners if the list is another one than they were told; to be called after settings changed. */
  tellChanges(): void {
    const now = JSON.stringify(this.all());
    if (now === this.#told) return;
    this.#told = now;
    for (const listener of this.#listeners) listener();
  }
}

/** What `setting` means now: `auto` is the first there is; a model that has gone counts as `auto`. */
export function chooseModel(all: readonly KnownModel[], setting: string): KnownModel {
  return (setting === 'auto' ? null : findModel(all, setting)) ?? all[0] ?? demoModel;
}

/** Also understands "editor:<id>" without the vendor. */
function findModel(all: readonly KnownModel[], id: string): KnownModel | null {
  const exact = all.find(model => model.id === id);
  if (exact !== undefined) return exact;
  return all.find(({ choice, model }) => choice.kind === 'editor' && `editor:${model}` === id) ?? null;
}

export const demoModel: KnownModel = {
  id: demoModelId,
  choice: { kind: 'demo' },
  model: 'semcache-demo',
  name: 'Semcache demo model (canned answers)',
  source: 'Built in: canned answers, slow on purpose. No AI is asked.',
  family: 'semcache-demo',
  version: '1',
  maxInputTokens: 32_000,
  maxOutputTokens: 4_096,
  // It calls none, but the chat view's agent mode takes only models that could.
  toolCalling: true,
  imageInput: false,
  mustCallTool: 'required',
};

/** As `UpstreamChoice` names a model of the editor: two vendors may offer the same id. */
export function editorModelRef(model: Pick<vscode.LanguageModelChat, 'vendor' | 'id'>): string {
  return `${model.vendor}/${model.id}`;
}

export function editorModel(model: vscode.LanguageModelChat): KnownModel {
  const ref = editorModelRef(model);
  // Proposed API: there at run time in some versions, and never relied on.
  const { capabilities } = model as { capabilities?: { supportsToolCalling?: boolean; supportsImageToText?: boolean } };
  return {
    id: `editor:${ref}`,
    choice: { kind: 'editor', model: ref },
    model: model.id,
    name: model.name || model.id,
    source: `Model of the editor (${model.vendor})`,
    family: model.family,
    version: model.version,
    maxInputTokens: model.maxInputTokens,
    maxOutputTokens: unknownMaxOutputTokens,
    toolCalling: capabilities?.supportsToolCalling ?? true,
    imageInput: capabilities?.supportsImageToText ?? true,
    mustCallTool: 'required',
  };
}

/** The editor does not tell it of other vendors' models, but asks it of ours. */
const unknownMaxOutputTokens = 16_384;
/** What current hosted models take at least; an endpoint does not tell. */
const unknownMaxInputTokens = 128_000;

const endpointWords: Record<HttpUpstreamConfig['kind'], string> = {
  openai: 'OpenAI-compatible',
  anthropic: 'Anthropic',
  ollama: 'Ollama',
};

/** The models that an endpoint names; `gpt-*` is no name of a model. */
function modelNames({ models }: HttpUpstreamConfig): string[] {
  return models.filter(model => !model.endsWith('*'));
}

function endpointModels(endpoint: HttpUpstreamConfig): KnownModel[] {
  return modelNames(endpoint).map(model => ({
    id: `http:${endpoint.name}/${model}`,
    choice: { kind: 'http', name: endpoint.name, model },
    model,
    name: model,
    source: `${endpointWords[endpoint.kind]} endpoint "${endpoint.name}"`,
    family: model,
    version: '1',
    maxInputTokens: unknownMaxInputTokens,
    maxOutputTokens: unknownMaxOutputTokens,
    toolCalling: true,
    imageInput: true,
    mustCallTool: endpoint.kind === 'anthropic' ? { type: 'any' } : 'required',
  }));
}

/** The endpoints that the usual environment variables name. */
export function environmentEndpoints(env: Record<string, string | undefined>): HttpUpstreamConfig[] {
  const endpoints: HttpUpstreamConfig[] = [];
  const openAiKey = env['OPENAI_API_KEY'];
  if (openAiKey || env['OPENAI_BASE_URL']) {
    endpoints.push({
      name: 'openai',
      kind: 'openai',
      baseUrl: env['OPENAI_BASE_URL'] || 'https://api.openai.com/v1',
      models: [env['OPENAI_MODEL'] || 'gpt-4o-mini'],
      ...(openAiKey ? { apiKey: openAiKey } : {}),
    });
  }
  const anthropicKey = env['ANTHROPIC_API_KEY'];
  const anthropicToken = env['ANTHROPIC_AUTH_TOKEN'];
  if (anthropicKey || anthropicToken) {
    endpoints.push({
      name: 'anthropic',
      kind: 'anthropic',
      baseUrl: env['ANTHROPIC_BASE_URL'] || 'https://api.anthropic.com',
      models: [env['ANTHROPIC_MODEL'] || 'claude-sonnet-4-5'],
      ...(anthropicKey ? { apiKey: anthropicKey } : { apiKey: anthropicToken, bearer: true }),
    });
  }
  return endpoints;
}

/** Settings first; an endpoint of the environment gives way to one of the same name. */
export function allEndpoints(
  configured: readonly HttpUpstreamConfig[],
  fromEnvironment: readonly HttpUpstreamConfig[],
  keys: ReadonlyMap<string, string>,
): HttpUpstreamConfig[] {
  const named = new Set(configured.map(({ name }) => name));
  return [...configured, ...fromEnvironment.filter(({ name }) => !named.has(name))].map(endpoint => {
    const apiKey = keys.get(endpoint.name) ?? endpoint.apiKey;
    return { ...endpoint, ...(apiKey === undefined ? {} : { apiKey }) };
  });
}
