// Keys of endpoints, in the editor's secret storage. Never in settings, arguments or logs.

import type { SecretStorage } from 'vscode';
import type { Subscription } from '../daemon/connection.ts';

/** The name under which the key of `semcache.embedding.endpoint` is kept; no upstream can be called so. */
export const embeddingKeyName = 'embedding endpoint';

/** The name under which the password of `semcache.redis.url` is kept. */
export const redisPasswordName = 'Redis password';

const prefix = 'semcache.apiKey.';

export class ApiKeys {
  readonly #secrets: SecretStorage;

  constructor(secrets: SecretStorage) {
    this.#secrets = secrets;
  }

  /** Those of `names` that have a key. */
  async read(names: readonly string[]): Promise<Map<string, string>> {
    const found = await Promise.all(names.map(async name => [name, await this.#secrets.get(prefix + name)] as const));
    return new Map(found.filter((pair): pair is readonly [string, string] => Boolean(pair[1])));
  }

  async set(name: string, key: string): Promise<void> {
    if (key === '') await this.#secrets.delete(prefix + name);
    else await this.#secrets.store(prefix + name, key);
  }

  onChange(listener: () => void): Subscription {
    return this.#secrets.onDidChange(({ key }) => {
      if (key.startsWith(prefix)) listener();
    });
  }
}
