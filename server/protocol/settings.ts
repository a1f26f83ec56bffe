// Every setting: one row each. `npm run generate` writes package.json and the README's table from it.
// Does not know: VS Code (client/settings.ts reads) or the daemon (server/daemon/session.ts applies).

interface Row {
  type: 'boolean' | 'number' | 'integer' | 'string' | 'array' | 'object';
  default: unknown;
  /** VS Code's configuration scope. Addresses, paths and what all windows share are 'machine'. */
  scope: 'resource' | 'window' | 'machine' | 'application';
  /** Not read from the settings of a folder that the person has not trusted. */
  restricted?: boolean;
  enum?: readonly string[];
  enumDescriptions?: readonly string[];
  minimum?: number;
  maximum?: number;
  items?: object;
  additionalProperties?: object;
  text: string;
}

export const settingsTable = {
  enabled: {
    type: 'boolean', default: true, scope: 'window',
    text: 'Serve and store answers. When off, prompts go straight to the model and nothing is stored.',
  },
  matching: {
    type: 'string', default: 'verified', scope: 'window', restricted: true,
    enum: ['exact', 'distance', 'verified'],
    enumDescriptions: [
      'Only an identical question about identical context is served.',
      'The nearest stored question about identical context is served if its cosine distance is within `semcache.scoreThreshold`.',
      'The nearest stored questions about identical context are compared word by word; one is served if it is the same question ' +
        'at `semcache.maxWrongHitRate`.',
    ],
    text: 'When two questions count as the same.',
  },
  scoreThreshold: {
    type: 'number', default: 0.2, minimum: 0, maximum: 2, scope: 'window', restricted: true,
    text: 'Largest cosine distance at which a stored answer is reused. This is a distance: smaller is stricter. ' +
      '0 accepts only an identical embedding; 0.2 is LangChain\'s default.',
  },
  maxWrongHitRate: {
    type: 'number', default: 0.01, minimum: 0, maximum: 0.2, scope: 'window', restricted: true,
    text: 'With `verified` matching: the share of answers served by meaning that may be wrong, as far as was measured (0.01 is one ' +
      'in a hundred). Smaller serves less; 0 serves identical questions only.',
  },
  judge: {
    type: 'string', default: 'off', scope: 'machine', restricted: true,
    text: 'With `verified` matching: a small model that is asked, with one short question, whether a stored question is the same ' +
      'where the cache is not sure enough itself, before the model that answers is asked. Written as in `semcache.model`, ' +
      '`http:openai/gpt-4o-mini` for example; both questions are sent to it. It has one second, and costs what a short ' +
      'question costs. `off` asks nobody.',
  },
  ttl: {
    type: 'number', default: 30, minimum: 0, maximum: 3650, scope: 'window',
    text: 'Days for which an answer is kept after it was stored or updated. 0 stores nothing.',
  },
  maxEntries: {
    type: 'integer', default: 50000, minimum: 1, maximum: 1000000, scope: 'machine',
    text: 'Largest number of stored answers. Beyond it the least recently used go first.',
  },
  model: {
    type: 'string', default: 'auto', scope: 'machine',
    text: 'Which model answers what the cache cannot, as `Semcache: Choose Model…` writes it. `auto` takes the first of: a ' +
      'model that the editor has, an endpoint from `semcache.upstreams` or the usual environment variables, the demo model.',
  },
  upstreams: {
    type: 'array', default: [], scope: 'machine', restricted: true,
    items: {
      type: 'object', required: ['name', 'kind', 'baseUrl', 'models'], additionalProperties: false,
      properties: {
        name: { type: 'string' },
        kind: { enum: ['openai', 'anthropic', 'ollama'] },
        baseUrl: { type: 'string' },
        models: { type: 'array', items: { type: 'string' } },
      },
    },
    text: 'OpenAI-compatible, Anthropic or Ollama endpoints that may answer a miss. A model is asked for where it is listed ' +
      '(`gpt-*` lists all that begin so); an empty list takes every model that other tools ask for; of several such endpoints, the one ' +
      'that offers it. Keys are never settings: use `Semcache: Set API Key…`.',
  },
  'embedding.deadlineMs': {
    type: 'integer', default: 2000, minimum: 50, maximum: 60000, scope: 'machine',
    text: 'Longest wait for an embedding, in milliseconds. After it the prompt goes to the model as if nothing were stored.',
  },
  'embedding.endpoint': {
    type: 'string', default: '', scope: 'machine', restricted: true,
    text: 'Base URL of an OpenAI-compatible service whose `/embeddings` are used instead of the local model. Your ' +
      'instructions are then sent there. Empty: the local model, nothing leaves this machine.',
  },
  'embedding.model': {
    type: 'string', default: '', scope: 'machine', restricted: true,
    text: 'Model to ask `semcache.embedding.endpoint` for.',
  },
  'daemon.mode': {
    type: 'string', default: 'shared', scope: 'machine', enum: ['shared', 'window'],
    enumDescriptions: ['One daemon for all windows of this user.', 'A daemon for each window.'],
    text: 'How the daemon runs. If the shared one cannot be reached in 5 seconds, a window starts its own.',
  },
  'daemon.idleMinutes': {
    type: 'number', default: 5, minimum: 0, maximum: 10080, scope: 'machine',
    text: 'Minutes after the last window has gone until the daemon exits. 0: it stays.',
  },
  'gateway.enabled': {
    type: 'boolean', default: true, scope: 'machine',
    text: 'Let other AI tools of this machine use the cache over HTTP. The gateway listens on loopback only and wants its token; ' +
      '`Semcache: Connect Another Tool…` shows both.',
  },
  'gateway.port': {
    type: 'integer', default: 7411, minimum: 0, maximum: 65535, scope: 'machine',
    text: 'Port of the gateway. The next free one is taken where another program has it. 0: any free port.',
  },
  'gateway.origins': {
    type: 'array', default: [], scope: 'machine', restricted: true, items: { type: 'string' },
    text: 'Origins of web pages that may use the gateway, as `https://example.org`. All others are refused.',
  },
  'gateway.shareBetweenKeys': {
    type: 'boolean', default: false, scope: 'machine', restricted: true,
    text: 'Tools that bring their own provider keys share answers although the keys differ: all of them are yours.',
  },
  'gateway.editorModels': {
    type: 'boolean', default: false, scope: 'machine', restricted: true,
    text: 'Let other AI tools of this machine use the models that this editor has (Copilot\'s, for example) through the gateway: ' +
      'whoever has its token asks in your name, and their use counts as yours. They are listed as `editor:vendor/model` and ' +
      'answer while a window is open. What your provider allows is between you and them.',
  },
  store: {
    type: 'string', default: 'sqlite', scope: 'machine', restricted: true,
    enum: ['sqlite', 'redis'],
    enumDescriptions: [
      'One file on this machine.',
      'The Redis at `semcache.redis.url`: 6.2 or later, best 8 or Redis Stack. Answers wait on this machine while it is away.',
    ],
    text: 'Where answers are kept.',
  },
  'redis.url': {
    type: 'string', default: '', scope: 'machine', restricted: true,
    text: 'Address of the Redis: `redis://host:6379`, `rediss://` with TLS, `redis+unix:///path`, several separated by commas for a ' +
      'Cluster, `redis+sentinel://host:26379,host:26379/master` for Sentinels. The password is never a setting: use ' +
      '`Semcache: Set API Key…`.',
  },
  'redis.username': {
    type: 'string', default: '', scope: 'machine', restricted: true,
    text: 'ACL user of the Redis. Empty: the default user, or the one in `semcache.redis.url`.',
  },
  'redis.database': {
    type: 'integer', default: 0, minimum: 0, maximum: 1000000, scope: 'machine', restricted: true,
    text: 'Number of the Redis database. A Cluster has only 0; the query engine indexes only 0.',
  },
  'redis.prefix': {
    type: 'string', default: 'semcache:', scope: 'machine', restricted: true,
    text: 'Beginning of every key in Redis. A `:` is added where it ends with no separator.',
  },
  'redis.ca': {
    type: 'string', default: '', scope: 'machine', restricted: true,
    text: 'File with the certificate (PEM) of the authority that signed the Redis server\'s, where this system does not know it.',
  },
  'redis.budgetMs': {
    type: 'integer', default: 50, minimum: 5, maximum: 5000, scope: 'machine',
    text: 'Longest time that a prompt waits for Redis, in milliseconds. After it the prompt goes to the model.',
  },
  'redis.namespace': {
    type: 'string', default: '', scope: 'machine', restricted: true,
    text: 'Name under which your own answers lie in Redis: set the same on several machines to share among them. Empty: a random one ' +
      'of this machine.',
  },
  share: {
    type: 'string', default: 'nothing', scope: 'machine', restricted: true,
    enum: ['nothing', 'general', 'everything'],
    enumDescriptions: [
      'Your answers are yours alone.',
      'Answers to questions without code, files and earlier turns are shared; the others stay yours.',
      'All answers are shared.',
    ],
    text: 'Which of your answers others on the same Redis are served, and you theirs.',
  },
  'share.team': {
    type: 'string', default: 'team', scope: 'machine', restricted: true,
    text: 'Name of the group that shares. Only those with exactly the same name share with each other.',
  },
  'share.name': {
    type: 'string', default: '', scope: 'machine', restricted: true,
    text: 'Your name, shown to others on answers of yours that they are served. Empty: nobody is told.',
  },
  'decorations.enabled': {
    type: 'boolean', default: true, scope: 'window',
    text: 'Show behind a line that a question was asked about it, and whether the answer came from the cache.',
  },
  prices: {
    type: 'object', scope: 'application',
    default: {
      'gpt-4o-mini*': [0.15, 0.6], 'gpt-4o*': [2.5, 10], 'gpt-4.1*': [2, 8], 'gpt-5*': [1.25, 10],
      'claude-*haiku*': [1, 5], 'claude-*sonnet*': [3, 15], 'claude-*opus*': [5, 25],
    },
    additionalProperties: { type: 'array', items: { type: 'number' }, minItems: 2, maxItems: 2 },
    text: 'Price table: model name (with `*`) to US dollars for a million prompt tokens and a million answer tokens. Used ' +
      'only to show what hits saved; the first row that fits is taken.',
  },
} as const satisfies Record<string, Row>;

export type SettingName = keyof typeof settingsTable;

/** How the gateway is open to other tools. */
export interface GatewaySettings {
  enabled: boolean;
  port: number;
  origins: string[];
  shareBetweenKeys: boolean;
}

export const defaultGatewaySettings: GatewaySettings = {
  enabled: settingsTable['gateway.enabled'].default,
  port: settingsTable['gateway.port'].default,
  origins: [],
  shareBetweenKeys: settingsTable['gateway.shareBetweenKeys'].default,
};

/** Where answers are kept. Without the password, which is never a setting. */
export interface StoreSettings {
  kind: 'sqlite' | 'redis';
  url: string;
  username: string;
  database: number;
  prefix: string;
  /** Path of a PEM file. */
  ca: string;
  budgetMs: number;
  namespace: string;
  share: 'nothing' | 'general' | 'everything';
  team: string;
  storedBy: string;
}

export const defaultStoreSettings: StoreSettings = {
  kind: settingsTable.store.default,
  url: settingsTable['redis.url'].default,
  username: settingsTable['redis.username'].default,
  database: settingsTable['redis.database'].default,
  prefix: settingsTable['redis.prefix'].default,
  ca: settingsTable['redis.ca'].default,
  budgetMs: settingsTable['redis.budgetMs'].default,
  namespace: settingsTable['redis.namespace'].default,
  share: settingsTable.share.default,
  team: settingsTable['share.team'].default,
  storedBy: settingsTable['share.name'].default,
};

/** What the daemon needs of them. `ttl` in days, as a person wrote it. */
export interface CacheSettings {
  enabled: boolean;
  matching: 'exact' | 'distance' | 'verified';
  scoreThreshold: number;
  /** Share of wrong answers among those served by meaning, 0..0.2. */
  maxWrongHitRate: number;
  ttl: number;
  maxEntries: number;
  embeddingDeadlineMs: number;
  embeddingEndpoint: string;
  embeddingModel: string;
  idleMinutes: number;
}

export const defaultCacheSettings: CacheSettings = {
  enabled: settingsTable.enabled.default,
  matching: settingsTable.matching.default,
  scoreThreshold: settingsTable.scoreThreshold.default,
  maxWrongHitRate: settingsTable.maxWrongHitRate.default,
  ttl: settingsTable.ttl.default,
  maxEntries: settingsTable.maxEntries.default,
  embeddingDeadlineMs: settingsTable['embedding.deadlineMs'].default,
  embeddingEndpoint: settingsTable['embedding.endpoint'].default,
  embeddingModel: settingsTable['embedding.model'].default,
  idleMinutes: settingsTable['daemon.idleMinutes'].default,
};

/** The seed's rule: the nearest entry within scoreThreshold, whatever its words. */
export const seedSettings: CacheSettings = { ...defaultCacheSettings, matching: 'distance' };
