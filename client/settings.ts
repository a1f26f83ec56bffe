// The only reader of VS Code's settings. Others receive the values.
// Always true: every value has the type and range of its row in server/protocol/settings.ts; what a person typed
// outside of it counts as not set.

import type { WorkspaceConfiguration } from 'vscode';
import type { HttpUpstreamConfig } from '../server/protocol/messages.ts';
import { settingsTable, type CacheSettings, type GatewaySettings, type SettingName, type StoreSettings } from '../server/protocol/settings.ts';

export interface Settings {
  cache: CacheSettings;
  store: StoreSettings;
  /** `auto`, or the id of a model as routes/models.ts gives it. */
  model: string;
  /** `off`, or the id of a model as `model` has it. */
  judge: string;
  /** Without their keys, which are never settings. */
  upstreams: HttpUpstreamConfig[];
  daemonMode: 'shared' | 'window';
  gateway: GatewaySettings;
  /** Other tools may use the editor's models. */
  editorModelsForTools: boolean;
  decorationsEnabled: boolean;
  /** Model name, with `*`, to US dollars for a million prompt tokens and a million answer tokens. */
  prices: Record<string, readonly [number, number]>;
}

/** `configuration` is the section `semcache`. */
export function readSettings(configuration: Pick<WorkspaceConfiguration, 'get'>): Settings {
  const read = <T>(name: SettingName): T => {
    const value = configuration.get<unknown>(name);
    return (fits(name, value) ? value : settingsTable[name].default) as T;
  };
  return {
    cache: {
      enabled: read('enabled'),
      matching: read('matching'),
      scoreThreshold: read('scoreThreshold'),
      maxWrongHitRate: read('maxWrongHitRate'),
      ttl: read('ttl'),
      maxEntries: read('maxEntries'),
      embeddingDeadlineMs: read('embedding.deadlineMs'),
      embeddingEndpoint: read('embedding.endpoint'),
      embeddingModel: read('embedding.model'),
      idleMinutes: read('daemon.idleMinutes'),
    },
    store: {
      kind: read('store'),
      url: read('redis.url'),
      username: read('redis.username'),
      database: read('redis.database'),
      prefix: read('redis.prefix'),
      ca: read('redis.ca'),
      budgetMs: read('redis.budgetMs'),
      namespace: read('redis.namespace'),
      share: read('share'),
      team: read('share.team'),
      storedBy: read('share.name'),
    },
    model: read('model'),
    judge: read('judge'),
    upstreams: read<unknown[]>('upstreams').filter(isUpstream),
    daemonMode: read('daemon.mode'),
    gateway: {
      enabled: read('gateway.enabled'),
      port: read('gateway.port'),
      origins: read<unknown[]>('gateway.origins').filter(origin => typeof origin === 'string'),
      shareBetweenKeys: read('gateway.shareBetweenKeys'),
    },
    editorModelsForTools: read('gateway.editorModels'),
    decorationsEnabled: read('decorations.enabled'),
    prices: Object.fromEntries(Object.entries(read<Record<string, unknown>>('prices')).filter(isPriceRow)),
  };
}

function fits(name: SettingName, value: unknown): boolean {
  const row: { type: string; enum?: readonly string[]; minimum?: number; maximum?: number } = settingsTable[name];
  switch (row.type) {
    case 'boolean':
      return typeof value === 'boolean';
    case 'string':
      return typeof value === 'string' && (row.enum?.includes(value) ?? true);
    case 'number':
    case 'integer':
      return (
        typeof value === 'number' && Number.isFinite(value) && (row.type === 'number' || Number.isInteger(value)) &&
        value >= (row.minimum ?? -Infinity) && value <= (row.maximum ?? Infinity)
      );
    case 'array':
      return Array.isArray(value);
    default:
      return typeof value === 'object' && value !== null && !Array.isArray(value);
  }
}

function isUpstream(value: unknown): value is HttpUpstreamConfig {
  const { name, kind, baseUrl, models } = (value ?? {}) as Partial<HttpUpstreamConfig>;
  return (
    typeof name === 'string' && name !== '' && (kind === 'openai' || kind === 'anthropic' || kind === 'ollama') &&
    typeof baseUrl === 'string' && URL.canParse(baseUrl) &&
    Array.isArray(models) && models.every(model => typeof model === 'string')
  );
}

function isPriceRow(row: [string, unknown]): row is [string, [number, number]] {
  return Array.isArray(row[1]) && row[1].length === 2 && row[1].every(price => typeof price === 'number');
}
