// LangChain's RedisSemanticCache for LangChain.js: `new ChatOpenAI({ cache: new RedisSemanticCache({ … }) })`.
// Owns: the way between LangChain.js's generations and messages and the seed's. Does not know: Redis.
// Always true: a cache that fails is a miss (and tells `onError`), never an error of the model's call; what is read
// makes messages of the usual kinds only, whatever class the stored JSON names.

import { BaseCache } from '@langchain/core/caches';
import { mapStoredMessageToChatMessage, type BaseMessage, type StoredMessage } from '@langchain/core/messages';
import type { ChatGeneration, Generation as LangChainGeneration } from '@langchain/core/outputs';
import type { Generation } from '../protocol/answer.ts';
import { SeedCache } from './seedCache.ts';
import { constructed, isConstructor } from './seedLayout.ts';

export interface RedisSemanticCacheFields {
  /** redis://, rediss:// or redis+unix:// of a Redis with the query engine. */
  redisUrl: string;
  /** Any LangChain embeddings. */
  embedding: { embedQuery(text: string): Promise<number[]> };
  /**
   * Largest cosine distance at which a stored answer is reused; inclusive. A distance: smaller is stricter, 0 accepts only
   * an identical embedding. Default 0.2, as in Python.
   */
  scoreThreshold?: number;
  username?: string;
  password?: string;
  /** Longest wait for one command of Redis, in milliseconds; then it is a miss. Default 2000. */
  timeoutMs?: number;
  /** Told of a failing Redis or embedding. Default: console.warn. */
  onError?: (error: unknown) => void;
}

export class RedisSemanticCache extends BaseCache<LangChainGeneration[]> {
  readonly #cache: SeedCache;
  readonly #onError: (error: unknown) => void;

  constructor({ redisUrl, embedding, scoreThreshold, username, password, timeoutMs, onError }: RedisSemanticCacheFields) {
    super();
    this.#onError = onError ?? (error => console.warn(error instanceof Error ? error.message : error));
    this.#cache = new SeedCache({
      target: { url: redisUrl, ...(username === undefined ? {} : { username }), ...(password === undefined ? {} : { password }) },
      embed: text => embedding.embedQuery(text),
      ...(scoreThreshold === undefined ? {} : { scoreThreshold }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      warn: text => this.#onError(new Error(text)),
    });
  }

  async lookup(prompt: string, llmKey: string): Promise<LangChainGeneration[] | null> {
    try {
      const hit = await this.#cache.lookup(prompt, llmKey);
      return hit === null ? null : hit.generations.map(fromSeed);
    } catch (error) {
      this.#onError(error);
      return null;
    }
  }

  async update(prompt: string, llmKey: string, value: LangChainGeneration[]): Promise<void> {
    try {
      await this.#cache.update(prompt, llmKey, value.map(toSeed));
    } catch (error) {
      this.#onError(error);
    }
  }

  /** Removes every answer of this llmKey, also those that another process stored. @throws SemcacheError store-unreachable */
  async clear(llmKey: string): Promise<void> {
    await this.#cache.clear(llmKey);
  }

  /** Ends the connection; the next verb opens another. */
  close(): void {
    this.#cache.close();
  }
}

/** Class name in Python and JavaScript by the type that a stored message says. */
const messageClasses: Record<string, string> = {
  ai: 'AIMessage',
  human: 'HumanMessage',
  system: 'SystemMessage',
  tool: 'ToolMessage',
  function: 'FunctionMessage',
  generic: 'ChatMessage',
};

/** Fields of messages that Python's classes have too. */
const messageFields = [
  'content', 'additional_kwargs', 'response_metadata', 'usage_metadata', 'tool_calls', 'invalid_tool_calls', 'id', 'name',
  'tool_call_id', 'role', 'status', 'artifact',
] as const;

function toSeed(generation: LangChainGeneration): Generation {
  const { message } = generation as ChatGeneration;
  return {
    text: generation.text,
    ...(generation.generationInfo === undefined ? {} : { generationInfo: generation.generationInfo }),
    ...(message === undefined ? {} : { message: { ...storedMessage(message) } }),
  };
}

function storedMessage(message: BaseMessage): Record<string, unknown> {
  const { type, data } = message.toDict();
  const fields = data as unknown as Record<string, unknown>;
  const kwargs: Record<string, unknown> = { type };
  for (const name of messageFields) if (fields[name] !== undefined) kwargs[name] = fields[name];
  return { ...constructed('messages', messageClasses[type] ?? 'AIMessage', kwargs) };
}

function fromSeed({ text, generationInfo, message }: Generation): LangChainGeneration {
  const info = generationInfo === undefined ? {} : { generationInfo };
  if (message === undefined) return { text, ...info };
  const fields = isConstructor(message) ? message.kwargs : ((message['data'] as Record<string, unknown> | undefined) ?? message);
  const type = typeof fields['type'] === 'string' ? fields['type'] : typeof message['type'] === 'string' ? message['type'] : 'ai';
  const data: Record<string, unknown> = {};
  for (const name of messageFields) if (fields[name] !== undefined && fields[name] !== null) data[name] = fields[name];
  const kind = type in messageClasses ? type : 'ai';
  const stored = { type: kind, data: { content: text, ...data } } as unknown as StoredMessage;
  return { text, ...info, message: mapStoredMessageToChatMessage(stored) } as ChatGeneration;
}
