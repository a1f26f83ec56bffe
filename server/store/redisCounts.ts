// Counters of one namespace, in one hash: each count by its name, saved tokens by "prompt:MODEL" and "completion:MODEL".

import type { Counts, SavedTokens } from '../protocol/stats.ts';
import { noCounts } from './noCounts.ts';
import type { RedisConnection } from './redisConnection.ts';
import { fieldsOf, type RedisLayout } from './redisLayout.ts';
import type { CountsDelta } from './store.ts';

export class RedisCounts {
  readonly #key: string;
  readonly #connection: RedisConnection;
  readonly #now: () => number;

  constructor(namespace: string, connection: RedisConnection, layout: RedisLayout, now: () => number) {
    this.#key = layout.counts(namespace);
    this.#connection = connection;
    this.#now = now;
  }

  async add({ saved, ...delta }: CountsDelta): Promise<void> {
    const steps: [name: string, by: number][] = Object.entries(delta);
    if (saved !== undefined) {
      steps.push([`prompt:${saved.model}`, saved.promptTokens], [`completion:${saved.model}`, saved.completionTokens]);
    }
    await Promise.all([
      this.#startCounting(),
      ...steps.map(([name, by]) => this.#connection.send(this.#key, ['HINCRBYFLOAT', this.#key, name, String(by)])),
    ]);
  }

  async read(): Promise<Counts & { since: number; saved: SavedTokens[] }> {
    const [, reply] = await Promise.all([this.#startCounting(), this.#connection.send(this.#key, ['HGETALL', this.#key])]);
    const fields = fieldsOf(reply);
    const counts = noCounts();
    for (const name of Object.keys(counts) as (keyof Counts)[]) counts[name] = Number(fields.get(name) ?? 0);
    const saved: SavedTokens[] = [];
    for (const [name, value] of fields) {
      if (!name.startsWith('prompt:')) continue;
      const model = name.slice('prompt:'.length);
      saved.push({ model, promptTokens: Number(value), completionTokens: Number(fields.get(`completion:${model}`) ?? 0) });
    }
    return { ...counts, since: Number(fields.get('since')), saved };
  }

  async reset(): Promise<void> {
    await Promise.all([
      this.#connection.send(this.#key, ['DEL', this.#key]),
      this.#connection.send(this.#key, ['HSET', this.#key, 'since', String(this.#now())]),
    ]);
  }

  #startCounting(): Promise<unknown> {
    return this.#connection.send(this.#key, ['HSETNX', this.#key, 'since', String(this.#now())]);
  }
}
