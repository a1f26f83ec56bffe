// What a person said of pairs of instructions, in that person's namespace.

import type { Ruling } from '../protocol/entry.ts';
import type { RedisConnection } from './redisConnection.ts';
import type { RedisLayout } from './redisLayout.ts';
import { ruleScript } from './redisScripts.ts';

export class RedisRulings {
  readonly #namespace: string;
  readonly #connection: RedisConnection;
  readonly #layout: RedisLayout;

  constructor(namespace: string, connection: RedisConnection, layout: RedisLayout) {
    this.#namespace = namespace;
    this.#connection = connection;
    this.#layout = layout;
  }

  async add({ a, b, same, createdAt }: Ruling): Promise<void> {
    const { tombstones, aliases, apart, alike } = this.#keys;
    await this.#connection.run(ruleScript, [tombstones, aliases, apart(a), apart(b), alike(a), alike(b)], [
      JSON.stringify([a, b].sort()), a, b, String(createdAt), same ? '1' : '',
    ]);
  }

  /** Keys that this instruction is never matched with. */
  async disputesOf(instructionKey: string): Promise<string[]> {
    const key = this.#keys.apart(instructionKey);
    return ((await this.#connection.send(key, ['SMEMBERS', key])) as Buffer[]).map(String);
  }

  /** Whether there is any pair that is never matched. */
  async hasDisputes(): Promise<boolean> {
    const { tombstones } = this.#keys;
    return Number(await this.#connection.send(tombstones, ['EXISTS', tombstones])) > 0;
  }

  /** Latest ruling first. */
  async aliasesOf(instructionKey: string): Promise<string[]> {
    const key = this.#keys.alike(instructionKey);
    return ((await this.#connection.send(key, ['ZREVRANGE', key, '0', '-1'])) as Buffer[]).map(String);
  }

  async all(): Promise<Ruling[]> {
    const { tombstones, aliases } = this.#keys;
    return [...(await this.#allIn(tombstones, false)), ...(await this.#allIn(aliases, true))];
  }

  async clear(): Promise<void> {
    const { tombstones, aliases, apart, alike } = this.#keys;
    const instructionKeys = new Set((await this.all()).flatMap(({ a, b }) => [a, b]));
    const gone = [tombstones, aliases, ...[...instructionKeys].flatMap(key => [apart(key), alike(key)])];
    await Promise.all(gone.map(key => this.#connection.send(key, ['DEL', key])));
  }

  async #allIn(key: string, same: boolean): Promise<Ruling[]> {
    const pairs = (await this.#connection.send(key, ['HGETALL', key])) as Buffer[];
    const found: Ruling[] = [];
    for (let at = 0; at + 1 < pairs.length; at += 2) {
      const [a, b] = JSON.parse(String(pairs[at])) as [string, string];
      found.push({ a, b, same, createdAt: Number(pairs[at + 1]) });
    }
    return found;
  }

  get #keys() {
    const [layout, namespace] = [this.#layout, this.#namespace];
    return {
      tombstones: layout.tombstones(namespace),
      aliases: layout.aliases(namespace),
      apart: (instructionKey: string) => layout.apart(namespace, instructionKey),
      alike: (instructionKey: string) => layout.alike(namespace, instructionKey),
    };
  }
}
