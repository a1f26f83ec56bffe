// What a person said of pairs of instructions, in that person's namespace.
// Always true: a look-up asks for the moment of the last change only, and for the rulings themselves once after each change; so what
// was said on any machine before a look-up counts in it.

import type { Ruling } from '../protocol/entry.ts';
import type { RedisConnection, Reply } from './redisConnection.ts';
import type { RedisLayout } from './redisLayout.ts';
import { ruleScript } from './redisScripts.ts';

/** Rulings by instruction key, for either side of a pair. */
interface Told {
  /** Keys that this one is never matched with. */
  apart: ReadonlyMap<string, string[]>;
  /** Keys that are the same question as this one, latest ruling first. */
  alike: ReadonlyMap<string, string[]>;
}

const nothing: Told = { apart: new Map(), alike: new Map() };

export class RedisRulings {
  readonly #connection: RedisConnection;
  readonly #tombstones: string;
  readonly #aliases: string;
  readonly #ruled: string;
  /** What was told as of a change; the moment is null where there is nothing. */
  #copy: { changed: string | null; told: Promise<Told> } = { changed: null, told: Promise.resolve(nothing) };

  constructor(namespace: string, connection: RedisConnection, layout: RedisLayout) {
    this.#connection = connection;
    this.#tombstones = layout.tombstones(namespace);
    this.#aliases = layout.aliases(namespace);
    this.#ruled = layout.ruled(namespace);
  }

  async add({ a, b, same, createdAt }: Ruling): Promise<void> {
    const pair = JSON.stringify([a, b].sort());
    await this.#connection.run(ruleScript, [this.#tombstones, this.#aliases, this.#ruled], [pair, String(createdAt), same ? '1' : '']);
  }

  /** One round trip, and one more after a change. */
  async told(): Promise<Told> {
    const reply = await this.#connection.send(this.#ruled, ['GET', this.#ruled]);
    const changed = reply === null ? null : String(reply);
    if (changed !== this.#copy.changed) this.#copy = { changed, told: changed === null ? Promise.resolve(nothing) : this.#read() };
    return this.#copy.told;
  }

  async all(): Promise<Ruling[]> {
    const [apart, alike] = await Promise.all([this.#allIn(this.#tombstones, false), this.#allIn(this.#aliases, true)]);
    return [...apart, ...alike];
  }

  async clear(): Promise<void> {
    await Promise.all([this.#tombstones, this.#aliases, this.#ruled].map(key => this.#connection.send(key, ['DEL', key])));
  }

  async #read(): Promise<Told> {
    try {
      const rulings = await this.all();
      rulings.sort((one, other) => other.createdAt - one.createdAt);
      return { apart: bySide(rulings.filter(({ same }) => !same)), alike: bySide(rulings.filter(({ same }) => same)) };
    } catch (error) {
      this.#copy = { changed: null, told: Promise.resolve(nothing) };
      throw error;
    }
  }

  async #allIn(key: string, same: boolean): Promise<Ruling[]> {
    const pairs = (await this.#connection.send(key, ['HGETALL', key])) as Reply[];
    const found: Ruling[] = [];
    for (let at = 0; at + 1 < pairs.length; at += 2) {
      const [a, b] = JSON.parse(String(pairs[at])) as [string, string];
      found.push({ a, b, same, createdAt: Number(pairs[at + 1]) });
    }
    return found;
  }
}

/** For each key the others of its pairs, in the order of the rulings. */
function bySide(rulings: readonly Ruling[]): Map<string, string[]> {
  const others = new Map<string, string[]>();
  const add = (key: string, other: string): unknown => others.get(key)?.push(other) ?? others.set(key, [other]);
  for (const { a, b } of rulings) {
    add(a, b);
    add(b, a);
  }
  return others;
}
