// Pairs of instructions that a person said are not the same, in that person's namespace.

import type { Tombstone } from '../protocol/entry.ts';
import type { RedisConnection } from './redisConnection.ts';
import type { RedisLayout } from './redisLayout.ts';

export class RedisTombstones {
  readonly #namespace: string;
  readonly #connection: RedisConnection;
  readonly #layout: RedisLayout;

  constructor(namespace: string, connection: RedisConnection, layout: RedisLayout) {
    this.#namespace = namespace;
    this.#connection = connection;
    this.#layout = layout;
  }

  async add({ a, b, createdAt }: Tombstone): Promise<void> {
    const all = this.#layout.tombstones(this.#namespace);
    const ofA = this.#layout.apart(this.#namespace, a);
    const ofB = this.#layout.apart(this.#namespace, b);
    await Promise.all([
      this.#connection.send(all, ['HSET', all, JSON.stringify([a, b].sort()), String(createdAt)]),
      this.#connection.send(ofA, ['SADD', ofA, b]),
      this.#connection.send(ofB, ['SADD', ofB, a]),
    ]);
  }

  /** Keys that this instruction is never matched with. */
  async of(instructionKey: string): Promise<Set<string>> {
    const key = this.#layout.apart(this.#namespace, instructionKey);
    const members = (await this.#connection.send(key, ['SMEMBERS', key])) as Buffer[];
    return new Set(members.map(String));
  }

  async all(): Promise<Tombstone[]> {
    const key = this.#layout.tombstones(this.#namespace);
    const pairs = (await this.#connection.send(key, ['HGETALL', key])) as Buffer[];
    const found: Tombstone[] = [];
    for (let at = 0; at + 1 < pairs.length; at += 2) {
      const [a, b] = JSON.parse(String(pairs[at])) as [string, string];
      found.push({ a, b, createdAt: Number(pairs[at + 1]) });
    }
    return found;
  }
}
