// Opens the store in Redis at the level that the server has.
// Owns: finding out what the server can do and what this user may do there.

import { messageOf } from '../protocol/errors.ts';
import { connectRedis, databaseOf, type RedisConnection, type RedisTarget } from './redisConnection.ts';
import { isRefusedCommand, isUnknownIndex, redisError } from './redisErrors.ts';
import { RedisLayout } from './redisLayout.ts';
import type { LevelName, LevelParts, RedisLevel } from './redisLevel.ts';
import { RedisPlain } from './redisPlain.ts';
import { RedisQueryEngine } from './redisQueryEngine.ts';
import type { RedisNamespaces } from './redisSharing.ts';
import { RedisStore } from './redisStore.ts';
import { RedisVectorSets } from './redisVectorSets.ts';
import type { StoreOptions } from './store.ts';

export interface RedisStoreOptions extends StoreOptions {
  target: RedisTarget;
  /** Of every key; a separator is added where it ends with none. */
  prefix: string;
  namespaces: RedisNamespaces;
  connectTimeoutMs: number;
}

export interface OpenedRedisStore {
  store: RedisStore;
  level: LevelName;
  connection: RedisConnection;
}

/** @throws SemcacheError store-unreachable */
export async function openRedisStore(options: RedisStoreOptions): Promise<OpenedRedisStore> {
  const connection = await connectRedis(options.target, options.connectTimeoutMs);
  try {
    const parts = { connection, layout: new RedisLayout(options.prefix) };
    const level = await levelOf(parts, databaseOf(options.target));
    return { store: new RedisStore({ ...parts, level, namespaces: options.namespaces }, options), level: level.name, connection };
  } catch (error) {
    connection.close();
    throw redisError(error, connection.address);
  }
}

/**
 * The highest level that the server has and this user may use. A Cluster is searched by vector sets, which lie in the
 * slot of their scope: a search index would have to ask every master. The query engine indexes database 0 only.
 */
async function levelOf(parts: LevelParts, database: number): Promise<RedisLevel> {
  if (parts.connection.topology !== 'cluster' && database === 0 && (await hasQueryEngine(parts))) return new RedisQueryEngine(parts);
  return (await hasVectorSets(parts)) ? new RedisVectorSets(parts) : new RedisPlain(parts);
}

async function hasQueryEngine({ connection, layout }: LevelParts): Promise<boolean> {
  const name = layout.index('probe', 'flat');
  for (const words of [['FT.INFO', name], ['FT.SEARCH', name, '*']]) {
    try {
      await connection.send(name, words);
    } catch (error) {
      if (isUnknownIndex(error)) continue;
      if (isRefusedCommand(error)) return false;
      throw error;
    }
  }
  return true;
}

async function hasVectorSets({ connection, layout }: LevelParts): Promise<boolean> {
  const key = layout.vectors('probe', 'probe');
  try {
    await connection.send(key, ['VCARD', key]);
    return true;
  } catch (error) {
    if (isRefusedCommand(error)) return false;
    if (/unknown command/i.test(messageOf(error))) return false;
    throw error;
  }
}
