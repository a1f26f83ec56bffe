// What a window may send, checked value by value before anything looks at it.
// Owns: one schema a message, and the sentence that says what was wrong. Does not know: what a message does.
// Always true: the sentence names fields and expectations, never the values that were sent.

import { z } from 'zod';
import type { Generation, UpstreamPart } from '../protocol/answer.ts';
import type { EntryFilter } from '../protocol/entry.ts';
import { SemcacheError } from '../protocol/errors.ts';
import type {
  CompleteParams,
  ConfigureParams,
  DrainParams,
  InitializationOptions,
  ListParams,
  LookupParams,
  UpdateParams,
  WrongAnswerParams,
} from '../protocol/messages.ts';
import type { MessagePart, ModelRequest } from '../protocol/prompt.ts';
import { settingsTable, type CacheSettings } from '../protocol/settings.ts';

const text = z.string();
const id = z.string().min(1).max(200);
const record = z.record(z.string(), z.unknown());

const build = z.object({ version: text, builtAt: z.number() });

export const initializationOptions: z.ZodType<InitializationOptions> = z.object({
  token: text,
  protocol: z.int(),
  build,
});

const within = ({ minimum, maximum }: { minimum: number; maximum: number }): z.ZodNumber => z.number().min(minimum).max(maximum);

export const cacheSettings: z.ZodType<CacheSettings> = z.object({
  enabled: z.boolean(),
  matching: z.enum(settingsTable.matching.enum),
  scoreThreshold: within(settingsTable.scoreThreshold),
  maxWrongHitRate: within(settingsTable.maxWrongHitRate),
  ttl: within(settingsTable.ttl),
  maxEntries: within(settingsTable.maxEntries).int(),
  embeddingDeadlineMs: within(settingsTable['embedding.deadlineMs']).int(),
  embeddingEndpoint: text,
  embeddingModel: text,
  idleMinutes: within(settingsTable['daemon.idleMinutes']),
});

const editorChoice = z.object({ kind: z.literal('editor'), model: text });
const httpChoice = z.object({ kind: z.literal('http'), name: text, model: text });

export const configureParams: z.ZodType<ConfigureParams> = z.object({
  settings: cacheSettings,
  upstreams: z.array(
    z.object({
      name: id,
      kind: z.enum(['openai', 'anthropic', 'ollama']),
      baseUrl: text,
      apiKey: text.optional(),
      bearer: z.boolean().optional(),
      models: z.array(text),
    }),
  ),
  gateway: z
    .object({
      enabled: z.boolean(),
      port: within(settingsTable['gateway.port']).int(),
      origins: z.array(text),
      shareBetweenKeys: z.boolean(),
    })
    .optional(),
  embeddingApiKey: text.optional(),
  store: z
    .object({
      kind: z.enum(settingsTable.store.enum),
      url: text,
      username: text,
      database: within(settingsTable['redis.database']).int(),
      prefix: text,
      ca: text,
      budgetMs: within(settingsTable['redis.budgetMs']).int(),
      namespace: text,
      share: z.enum(settingsTable.share.enum),
      team: text,
      storedBy: text,
    })
    .optional(),
  redisPassword: text.optional(),
  judge: z.discriminatedUnion('kind', [editorChoice, httpChoice]).optional(),
  editorModels: z.array(z.object({ model: id, name: text })).optional(),
});

const dataPart = z.object({ type: z.literal('data'), mimeType: text, base64: text });
const toolCallPart = z.object({ type: z.literal('tool-call'), callId: text, name: text, input: z.unknown() });

const messagePart: z.ZodType<MessagePart> = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('text'),
    text,
    kind: z.enum(['selection', 'file', 'diagnostics', 'terminal', 'language', 'wrapper']).optional(),
    name: text.optional(),
  }),
  dataPart,
  toolCallPart,
  z.object({
    type: z.literal('tool-result'),
    callId: text,
    get parts(): z.ZodArray<z.ZodType<MessagePart>> {
      return z.array(messagePart);
    },
  }),
]);

const modelRequest: z.ZodType<ModelRequest> = z.object({
  model: text,
  parameters: record,
  messages: z.array(z.object({ role: z.enum(['system', 'user', 'assistant']), parts: z.array(messagePart) })).min(1),
  tools: z.array(z.object({ name: text, description: text.optional(), inputSchema: z.unknown() })),
});

export const completeParams: z.ZodType<CompleteParams> = z.object({
  askId: id,
  request: modelRequest,
  upstream: z.discriminatedUnion('kind', [
    editorChoice,
    httpChoice,
    z.object({ kind: z.literal('demo') }),
  ]),
  route: z.enum(['command', 'participant', 'model-provider', 'gateway', 'cli']),
  workspace: text.nullable(),
  refresh: z.boolean().optional(),
});

const usage = z.object({
  promptTokens: z.number().min(0),
  completionTokens: z.number().min(0),
  estimated: z.boolean().optional(),
});

const contentParts = [z.object({ type: z.literal('text'), text }), dataPart, toolCallPart] as const;

export const editorParts: z.ZodType<{ callId: string; parts: UpstreamPart[] }> = z.object({
  callId: id,
  parts: z.array(
    z.discriminatedUnion('type', [
      ...contentParts,
      z.object({
        type: z.literal('end'),
        finish: z.enum(['stop', 'tool-calls', 'length', 'content-filter', 'cancelled', 'error', 'unknown']),
        usage: usage.optional(),
        model: text.optional(),
      }),
    ]),
  ),
});

/** `generationInfo` and `message` are kept as they came, and so is any other field. */
export const generation: z.ZodType<Generation> = z.looseObject({
  text,
  generationInfo: record.optional(),
  message: record.optional(),
  content: z.array(z.discriminatedUnion('type', contentParts)).optional(),
});

export const lookupParams: z.ZodType<LookupParams> = z.object({ prompt: text, llmString: text });

export const updateParams: z.ZodType<UpdateParams> = z.object({
  prompt: text,
  llmString: text,
  generations: z.array(generation).min(1),
});

/** Strict: a filter with a misspelt field would clear everything. */
export const entryFilter: z.ZodType<EntryFilter> = z.strictObject({
  ids: z.array(id).optional(),
  llmString: text.optional(),
  model: text.optional(),
  workspace: text.optional(),
});

export const listParams: z.ZodType<ListParams> = z.object({
  filter: entryFilter,
  search: text.optional(),
  offset: z.int().min(0),
  limit: z.int().min(1).max(10_000),
});

export const entryParams = z.object({ id });
export const editParams = z.object({ id, text: text.min(1) });
const entryAndRequest = { entryId: id, request: modelRequest };
export const wrongAnswerParams: z.ZodType<WrongAnswerParams> = z.object({ ...entryAndRequest, offered: z.boolean().optional() });
export const sameQuestionParams: z.ZodType<{ entryId: string; request: ModelRequest }> = z.object(entryAndRequest);

export const explainParams = z.object({ askId: id });

export const drainParams: z.ZodType<DrainParams> = z.object({ build, force: z.boolean().optional() });

/** @throws SemcacheError bad-request with one sentence a problem, at most three */
export function checked<T>(schema: z.ZodType<T>, params: unknown, what: string): T {
  const result = schema.safeParse(params);
  if (result.success) return result.data;
  const { issues } = result.error;
  const more = issues.length > 3 ? ` And ${issues.length - 3} more.` : '';
  throw new SemcacheError(
    'bad-request',
    `${what} was refused: ${issues.slice(0, 3).map(sentence).join(' ')}${more} Nothing was done.`,
  );
}

function sentence({ path, message }: z.core.$ZodIssue): string {
  const where = path.length === 0 ? 'the parameters' : path.map(String).join('.');
  return `${where}: ${message}.`;
}
