// Stores on real servers, for tests: each under a prefix of its own, so that tests share a server.

import { onTestFinished } from 'vitest';
import { openRedisStore, type OpenedRedisStore, type RedisStoreOptions } from '../../server/store/openRedisStore.ts';
import { FakeClock } from '../fakes/fakeClock.ts';

let prefixes = 0;

export function newPrefix(): string {
  prefixes += 1;
  return `test${process.pid}-${prefixes}:`;
}

/** A store that is closed with the test; `changes` over usual options. */
export async function openedStore(url: string, changes: Partial<RedisStoreOptions> = {}): Promise<OpenedRedisStore> {
  const opened = await openRedisStore(optionsFor(url, changes));
  onTestFinished(() => opened.store.close());
  return opened;
}

export function optionsFor(url: string, changes: Partial<RedisStoreOptions> = {}): RedisStoreOptions {
  return {
    target: { url },
    prefix: newPrefix(),
    namespaces: { own: 'ann' },
    connectTimeoutMs: 2000,
    now: new FakeClock().now,
    maxEntries: 1000,
    ...changes,
  };
}
