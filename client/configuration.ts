// What is configured now: settings, endpoints of the environment, and keys, together.
// Owns: telling everyone else when any of it changed.

import type * as vscode from 'vscode';
import type { ConfigureParams, EditorModelOffer, HttpUpstreamConfig, JudgeChoice } from '../server/protocol/messages.ts';
import { embeddingKeyName, redisPasswordName, type ApiKeys } from './routes/apiKeys.ts';
import { allEndpoints, environmentEndpoints } from './routes/models.ts';
import { readSettings, type Settings } from './settings.ts';

export class Configuration {
  readonly #editor: Pick<typeof vscode, 'workspace'>;
  readonly #apiKeys: ApiKeys;
  readonly #fromEnvironment: readonly HttpUpstreamConfig[];
  readonly #listeners = new Set<() => void>();
  readonly #subscriptions: vscode.Disposable[];
  #settings: Settings;
  #keys: ReadonlyMap<string, string> = new Map();

  constructor(parts: {
    editor: Pick<typeof vscode, 'workspace'>;
    apiKeys: ApiKeys;
    env: Record<string, string | undefined>;
  }) {
    this.#editor = parts.editor;
    this.#apiKeys = parts.apiKeys;
    this.#fromEnvironment = environmentEndpoints(parts.env);
    this.#settings = this.#read();
    this.#subscriptions = [
      parts.editor.workspace.onDidChangeConfiguration(event => {
        if (event.affectsConfiguration('semcache')) void this.refresh();
      }),
      parts.apiKeys.onChange(() => void this.refresh()),
    ];
  }

  get settings(): Settings {
    return this.#settings;
  }

  /** Of the settings and the environment, with their keys. */
  endpoints(): HttpUpstreamConfig[] {
    return allEndpoints(this.#settings.upstreams, this.#fromEnvironment, this.#keys);
  }

  /** `editorModels`: those of this editor, told only where the person lets other tools use them. */
  forDaemon({ editorModels, judge }: { editorModels: readonly EditorModelOffer[]; judge: JudgeChoice | null }): ConfigureParams {
    const embeddingApiKey = this.#keys.get(embeddingKeyName);
    const redisPassword = this.#keys.get(redisPasswordName);
    return {
      settings: this.#settings.cache,
      upstreams: this.endpoints(),
      gateway: this.#settings.gateway,
      ...(embeddingApiKey === undefined ? {} : { embeddingApiKey }),
      store: this.#settings.store,
      ...(redisPassword === undefined ? {} : { redisPassword }),
      ...(this.#settings.editorModelsForTools ? { editorModels: [...editorModels] } : {}),
      ...(judge === null ? {} : { judge }),
    };
  }

  onChange(listener: () => void): vscode.Disposable {
    this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  }

  /** Reads everything again, keys too, and tells the listeners. */
  async refresh(): Promise<void> {
    this.#settings = this.#read();
    this.#keys = await this.#apiKeys.read([...this.endpoints().map(({ name }) => name), embeddingKeyName, redisPasswordName]);
    for (const listener of this.#listeners) listener();
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  #read(): Settings {
    return readSettings(this.#editor.workspace.getConfiguration('semcache'));
  }
}
