// The store that a person chose: the SQLite file of the data folder, or a Redis.
// Owns: this user's namespace in Redis, and where answers wait while it is away.

import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, SemcacheError } from '../protocol/errors.ts';
import type { StoreSettings } from '../protocol/settings.ts';
import { openStore, type OpenedStore } from './openStore.ts';
import { openRedisStore } from './openRedisStore.ts';
import { addressOf, type RedisTarget } from './redisConnection.ts';
import { ResilientRedisStore } from './redisResilience.ts';
import type { RedisNamespaces } from './redisSharing.ts';
import { RedisSpool } from './redisSpool.ts';
import type { StoreOptions } from './store.ts';

export interface ChosenStore extends StoreSettings {
  password?: string;
}

export interface ChosenStoreOptions extends StoreOptions {
  /**
   * Wait until Redis is there, and fail where it is not; look-ups get seconds. For a person who waits, not for prompts.
   */
  patient?: boolean;
}

const connectTimeoutMs = 2000;
const patientBudgetMs = 10_000;

/** @throws SemcacheError store-unreachable, store-too-new; bad-request for settings that cannot be meant */
export async function openChosenStore(dataFolder: string, chosen: ChosenStore, options: ChosenStoreOptions): Promise<OpenedStore> {
  if (chosen.kind === 'sqlite') return openStore(dataFolder, options);
  if (chosen.url === '') {
    throw new SemcacheError('bad-request', 'semcache.store is "redis", but semcache.redis.url is empty. Set the address of your Redis, as redis://localhost:6379.');
  }
  const target = targetOf(chosen);
  const namespaces = namespacesOf(chosen, dataFolder);
  const store = new ResilientRedisStore({
    open: () => openRedisStore({ ...options, target, prefix: chosen.prefix, namespaces, connectTimeoutMs }),
    spool: new RedisSpool(join(dataFolder, 'redis-spool.db')),
    address: addressOf(chosen.url),
    now: options.now,
    budgetMs: options.patient === true ? patientBudgetMs : chosen.budgetMs,
  });
  if (options.patient === true) {
    await store.ready().catch(async error => {
      await store.close();
      throw error;
    });
  }
  return { store, notices: [] };
}

function targetOf({ url, username, password, database, ca }: ChosenStore): RedisTarget {
  return {
    url,
    ...(username === '' ? {} : { username }),
    ...(password === undefined || password === '' ? {} : { password }),
    ...(database === 0 ? {} : { database }),
    ...(ca === '' ? {} : { ca: certificateIn(ca) }),
  };
}

function certificateIn(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new SemcacheError('bad-request', `Cannot read the certificate that semcache.redis.ca names (${path}): ${messageOf(error)}. Correct the path.`, error);
  }
}

function namespacesOf({ namespace, share, team, storedBy }: ChosenStore, dataFolder: string): RedisNamespaces {
  return {
    own: namespace === '' ? ownNamespace(dataFolder) : `user.${namespace}`,
    ...(share === 'nothing' ? {} : { team: { name: `team.${team}`, share } }),
    ...(storedBy === '' ? {} : { storedBy }),
  };
}

/** Made at random once and kept in the data folder: a name taken from the system could be another person's, too. */
function ownNamespace(dataFolder: string): string {
  const file = join(dataFolder, 'redis-namespace');
  try {
    const kept = readFileSync(file, 'utf8').trim();
    if (kept !== '') return kept;
  } catch {
    // The first time.
  }
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  try {
    writeFileSync(file, `user.${randomUUID()}\n`, { mode: 0o600, flag: 'wx' });
  } catch {
    // Another process was first; its name counts.
  }
  return readFileSync(file, 'utf8').trim();
}
