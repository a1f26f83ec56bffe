// Takes away what is left of entries that Redis expired or evicted, and mends what an entry is found by.
// Always true: one small step after some writes, never a walk at once; a failing step is tried again with the next.

import type { RedisConnection } from './redisConnection.ts';
import type { RedisLayout } from './redisLayout.ts';
import type { RedisLevel } from './redisLevel.ts';
import type { RedisRegistry } from './redisRegistry.ts';
import { checkScript } from './redisScripts.ts';

const writesPerStep = 50;

export class RedisSweep {
  readonly #connection: RedisConnection;
  readonly #layout: RedisLayout;
  readonly #level: RedisLevel;
  readonly #registries: readonly RedisRegistry[];
  readonly #fps: ReadonlySet<string>;
  #writes = 0;
  #at = 0;
  #cursor = '0';
  #running: Promise<void> = Promise.resolve();

  constructor(parts: {
    connection: RedisConnection;
    layout: RedisLayout;
    level: RedisLevel;
    registries: readonly RedisRegistry[];
    fps: ReadonlySet<string>;
  }) {
    this.#connection = parts.connection;
    this.#layout = parts.layout;
    this.#level = parts.level;
    this.#registries = parts.registries;
    this.#fps = parts.fps;
  }

  /** Called after each write; begins a step with every 50th. */
  step(): void {
    this.#writes += 1;
    if (this.#writes % writesPerStep !== 0) return;
    this.#running = this.#running.then(() => this.#checkPage()).catch(() => undefined);
  }

  /** Resolves when no step is under way. */
  async stop(): Promise<void> {
    await this.#running;
  }

  async #checkPage(): Promise<void> {
    const registry = this.#registries[this.#at % this.#registries.length]!;
    const { page, next } = await registry.scan(this.#cursor);
    this.#cursor = next;
    if (next === '0') this.#at += 1;
    const present = await Promise.all(
      page.map(({ id, tag }) =>
        this.#connection.run(checkScript, this.#layout.entry(tag, id), [
          id, this.#layout.members(tag, ''), this.#level.keepsVectorSets ? this.#layout.vectors(tag, '') : '', ...this.#fps,
        ]),
      ),
    );
    const gone = page.filter((_, at) => Number(present[at]) === 0).map(({ id }) => id);
    if (gone.length > 0) await registry.leave(gone);
  }
}
