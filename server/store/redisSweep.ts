// Takes away what is left of entries that Redis expired or evicted, and mends what an entry is found by.
// Owns: two walks, over a namespace's lists and over the members of the scopes in use, since Redis may have evicted
// either. Always true: one small step after some writes, never a walk at once; a failing step is tried again later.

import type { RedisConnection } from './redisConnection.ts';
import type { RedisEntries } from './redisEntries.ts';
import type { RedisLayout } from './redisLayout.ts';
import type { RedisLevel } from './redisLevel.ts';
import type { RedisRegistry } from './redisRegistry.ts';
import { dropSurplusScript } from './redisScripts.ts';

/** One check of each walk a write: 0.02 ms of Redis. */
const writesPerStep = 200;
const pageSize = 200;
/** Scopes whose members wait for their walk. */
const scopesInUse = 100;

export class RedisSweep {
  readonly #connection: RedisConnection;
  readonly #layout: RedisLayout;
  readonly #level: RedisLevel;
  readonly #registries: readonly RedisRegistry[];
  readonly #entries: RedisEntries;
  #writes = 0;
  #at = 0;
  #cursor = '0';
  /** Scopes written to lately, by their members' key, with how far the walk over them has come. */
  readonly #scopes = new Map<string, { tag: string; fp: string; cursor: string }>();
  #running: Promise<void> | null = null;

  constructor(parts: {
    connection: RedisConnection;
    layout: RedisLayout;
    level: RedisLevel;
    registries: readonly RedisRegistry[];
    entries: RedisEntries;
  }) {
    this.#connection = parts.connection;
    this.#layout = parts.layout;
    this.#level = parts.level;
    this.#registries = parts.registries;
    this.#entries = parts.entries;
  }

  /** Called after each write; begins a step with every 200th. `fp` is '' for an entry without a vector. */
  step(tag: string, fp: string): void {
    if (fp !== '') this.#touch(tag, fp);
    this.#writes += 1;
    if (this.#writes < writesPerStep || this.#running !== null) return;
    this.#writes = 0;
    this.#running = this.#checkPage()
      .then(() => this.#checkMembers())
      .catch(() => undefined)
      .finally(() => {
        this.#running = null;
      });
  }

  /** Resolves when no step is under way. */
  async stop(): Promise<void> {
    await this.#running;
  }

  async #checkPage(): Promise<void> {
    const registry = this.#registries[this.#at % this.#registries.length]!;
    const { page, next } = await registry.scan(this.#cursor, pageSize);
    this.#cursor = next;
    if (next === '0') this.#at += 1;
    const present = await Promise.all(page.map(one => this.#entries.mend(one)));
    const gone = page.filter((_, at) => !present[at]).map(({ id }) => id);
    if (gone.length > 0) await registry.leave(gone);
  }

  async #checkMembers(): Promise<void> {
    const next = this.#scopes.entries().next().value;
    if (next === undefined) return;
    const [key, scope] = next;
    const reply = await this.#connection.send(key, ['ZSCAN', key, scope.cursor, 'COUNT', String(pageSize)]);
    const [cursor, words] = reply as [Buffer, Buffer[]];
    scope.cursor = String(cursor);
    const members = words.filter((_, at) => at % 2 === 0).map(id => ({ id: String(id), tag: scope.tag }));
    const present = await Promise.all(members.map(one => this.#entries.isThere(one)));
    await Promise.all(members.filter((_, at) => !present[at]).map(one => this.#entries.remove(one)));
    if (scope.cursor !== '0') return;
    this.#scopes.delete(key);
    if (this.#level.keepsVectorSets) await this.#connection.run(dropSurplusScript, [this.#layout.vectors(scope.tag, scope.fp), key], []);
  }

  #touch(tag: string, fp: string): void {
    const key = this.#layout.members(tag, fp);
    if (this.#scopes.has(key) || this.#scopes.size >= scopesInUse) return;
    this.#scopes.set(key, { tag, fp, cursor: '0' });
  }
}
