// "Choose Model…" and "Set API Key…": which model answers what the cache cannot, and with whose key.

import type * as vscode from 'vscode';
import type { HttpUpstreamConfig } from '../../server/protocol/messages.ts';
import { embeddingKeyName, redisPasswordName, type ApiKeys } from './apiKeys.ts';
import { chooseModel, type KnownModel, type Models } from './models.ts';

export interface ModelCommandParts {
  editor: Pick<typeof vscode, 'window' | 'workspace' | 'commands' | 'ConfigurationTarget'>;
  models: Pick<Models, 'all' | 'refresh'>;
  apiKeys: ApiKeys;
  configuration: {
    readonly settings: { model: string; cache: { embeddingEndpoint: string }; store: { kind: string; url: string } };
    endpoints(): readonly HttpUpstreamConfig[];
  };
}

type ModelItem = vscode.QuickPickItem & { setting?: string };

export async function chooseModelCommand({ editor, models, configuration }: ModelCommandParts): Promise<void> {
  await models.refresh();
  const picked = await editor.window.showQuickPick<ModelItem>(modelItems(models.all(), configuration.settings.model), {
    title: 'Which model answers what the cache cannot?',
    placeHolder: 'Answers of one model are never served for another',
    matchOnDetail: true,
  });
  if (picked?.setting === undefined) return;
  await editor.workspace.getConfiguration('semcache').update('model', picked.setting, editor.ConfigurationTarget.Global);
}

export function modelItems(all: readonly KnownModel[], chosen: string): ModelItem[] {
  const current = (setting: string): string => (setting === chosen ? '$(check) ' : '');
  return [
    {
      label: `${current('auto')}Automatic`,
      description: `now ${chooseModel(all, 'auto').name}`,
      detail: 'A model of the editor, else an endpoint, else the demo model',
      setting: 'auto',
    },
    ...all.map(model => ({
      label: `${current(model.id)}${model.name}`,
      description: model.id,
      detail: model.source,
      setting: model.id,
    })),
  ];
}

export async function setApiKeyCommand(parts: ModelCommandParts): Promise<void> {
  const { editor, apiKeys, configuration } = parts;
  const { embeddingEndpoint } = configuration.settings.cache;
  const { store } = configuration.settings;
  const names = configuration.endpoints().map(({ name, baseUrl }) => ({ name, baseUrl }));
  if (embeddingEndpoint !== '') names.push({ name: embeddingKeyName, baseUrl: embeddingEndpoint });
  if (store.kind === 'redis') names.push({ name: redisPasswordName, baseUrl: withoutPassword(store.url) });
  if (names.length === 0) {
    const answer = await editor.window.showInformationMessage(
      'There is no endpoint to set a key for. Add one to the setting semcache.upstreams first.',
      'Open Settings',
    );
    if (answer !== undefined) await editor.commands.executeCommand('workbench.action.openSettings', 'semcache.upstreams');
    return;
  }
  const set = await apiKeys.read(names.map(({ name }) => name));
  const items = names.map(({ name, baseUrl }) => ({
    label: name,
    description: set.has(name) ? 'a key is set' : 'no key is set here',
    detail: baseUrl,
  }));
  const picked = await editor.window.showQuickPick(items, { title: 'Set the API key of which endpoint?' });
  if (picked === undefined) return;
  const key = await editor.window.showInputBox({
    title: `API key of ${picked.label}`,
    prompt: 'Kept in the editor\'s secret storage. Empty removes it.',
    password: true,
    ignoreFocusOut: true,
  });
  if (key === undefined) return;
  await apiKeys.set(picked.label, key.trim());
  void editor.window.showInformationMessage(
    key.trim() === '' ? `The API key of ${picked.label} is removed.` : `The API key of ${picked.label} is set.`,
  );
}

/** An address as it may be shown: users write passwords into addresses. */
function withoutPassword(address: string): string {
  return address.replace(/\/\/[^@/,]*@/g, '//');
}
