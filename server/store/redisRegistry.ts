// The lists of one namespace: which entries there are, in which scope, by use, by update, by end of life and by instruction.
// Owns: who has to go when the bound is reached. Does not know: what is in an entry.
// Always true: an id that is on the lists may be gone from Redis (expired, evicted); it is taken off when that is seen.

import type { RedisConnection, Reply } from './redisConnection.ts';
import type { RedisLayout } from './redisLayout.ts';
import { enterScript, leaveScript } from './redisScripts.ts';

export interface Located {
  id: string;
  tag: string;
}

/** Digits of an instruction key that a list keeps: 64 bits tell instructions apart well enough to be compared in full later. */
const keyDigits = 16;

/** Ids asked for in one command. */
const pageSize = 500;

export class RedisRegistry {
  readonly namespace: string;
  readonly #connection: RedisConnection;
  readonly #where: string;
  readonly #used: string;
  readonly #updated: string;
  readonly #expires: string;
  readonly #asked: string;
  readonly #lists: readonly string[];
  /** Orders uses of one millisecond. */
  #sequence = 0;

  constructor(namespace: string, connection: RedisConnection, layout: RedisLayout) {
    this.namespace = namespace;
    this.#connection = connection;
    this.#where = layout.where(namespace);
    this.#used = layout.used(namespace);
    this.#updated = layout.updated(namespace);
    this.#expires = layout.expires(namespace);
    this.#asked = layout.asked(namespace);
    this.#lists = [this.#where, this.#used, this.#updated, this.#expires, layout.asks(namespace), this.#asked];
  }

  /** Enters an entry; resolves to those that have to be removed now. */
  async enter(
    { id, tag }: Located,
    {
      instructionKey, updatedAt, expiresAt, bound, now,
    }: { instructionKey: string; updatedAt: number; expiresAt: number; bound: number; now: number },
  ): Promise<Located[]> {
    const reply = await this.#connection.run(enterScript, this.#lists, [
      id, tag, this.#moment(now), String(updatedAt), String(expiresAt), String(bound), String(now), instructionKey.slice(0, keyDigits),
    ]);
    return locatedIn(reply).filter(one => one.id !== id || one.tag !== tag);
  }

  async leave(ids: readonly string[]): Promise<void> {
    for (let at = 0; at < ids.length; at += pageSize) {
      const page = ids.slice(at, at + pageSize);
      await this.#connection.run(leaveScript, this.#lists, page);
    }
  }

  /** Marks an entry as used; one that has left stays away. */
  async use(id: string, now: number): Promise<void> {
    await this.#connection.send(this.#used, ['ZADD', this.#used, 'XX', this.#moment(now), id]);
  }

  async tagOf(id: string): Promise<string | null> {
    const tag = await this.#connection.send(this.#where, ['HGET', this.#where, id]);
    return tag === null ? null : String(tag);
  }

  async locate(ids: readonly string[]): Promise<Located[]> {
    const found: Located[] = [];
    for (let at = 0; at < ids.length; at += pageSize) {
      const page = ids.slice(at, at + pageSize);
      const tags = (await this.#connection.send(this.#where, ['HMGET', this.#where, ...page])) as (Buffer | null)[];
      page.forEach((id, item) => tags[item] && found.push({ id, tag: String(tags[item]) }));
    }
    return found;
  }

  /** At most `limit` entries whose instruction key begins as this one does, in no order. */
  async withInstruction(instructionKey: string, limit: number): Promise<Located[]> {
    const key = instructionKey.slice(0, keyDigits);
    const words = ['ZRANGE', this.#asked, `[${key} `, `(${key}!`, 'BYLEX', 'LIMIT', '0', String(limit)];
    const found = (await this.#connection.send(this.#asked, words)) as Buffer[];
    return this.locate(found.map(one => String(one).slice(key.length + 1)));
  }

  async liveCount(now: number): Promise<number> {
    return Number(await this.#connection.send(this.#expires, ['ZCOUNT', this.#expires, `(${now}`, '+inf']));
  }

  /** Those whose time is over, at most a page. */
  async due(now: number): Promise<Located[]> {
    const ids = await this.#connection.send(this.#expires, ['ZRANGEBYSCORE', this.#expires, '-inf', String(now), 'LIMIT', '0', String(pageSize)]);
    return this.locate((ids as Buffer[]).map(String));
  }

  /** Least recently used first, beyond the bound. */
  async beyond(bound: number): Promise<Located[]> {
    const over = Number(await this.#connection.send(this.#used, ['ZCARD', this.#used])) - bound;
    if (over <= 0) return [];
    const ids = await this.#connection.send(this.#used, ['ZRANGE', this.#used, '0', String(over - 1)]);
    return this.locate((ids as Buffer[]).map(String));
  }

  /** Newest update first, from `offset`. */
  async newest(offset: number, limit: number): Promise<Located[]> {
    const found: Located[] = [];
    for (let at = offset; at < offset + limit; at += pageSize) {
      const end = Math.min(at + pageSize, offset + limit) - 1;
      const ids = (await this.#connection.send(this.#updated, ['ZREVRANGE', this.#updated, String(at), String(end)])) as Buffer[];
      found.push(...(await this.locate(ids.map(String))));
      if (ids.length < end - at + 1) break;
    }
    return found;
  }

  /** Every entry in pages, in no order; those entered meanwhile may be missing. */
  async *all(): AsyncIterable<Located[]> {
    let cursor = '0';
    do {
      const { page, next } = await this.scan(cursor);
      cursor = next;
      if (page.length > 0) yield page;
    } while (cursor !== '0');
  }

  /** One step of a walk over all; ends where `next` is "0". */
  async scan(cursor: string, count = pageSize): Promise<{ page: Located[]; next: string }> {
    const reply = (await this.#connection.send(this.#where, ['HSCAN', this.#where, cursor, 'COUNT', String(count)])) as [Buffer, Reply];
    return { next: String(reply[0]), page: locatedIn(reply[1]) };
  }

  /** Increasing with every call, in milliseconds: uses within one keep their order. */
  #moment(now: number): string {
    this.#sequence = (this.#sequence + 1) % 4000;
    return String(now + this.#sequence / 4096);
  }
}

function locatedIn(reply: Reply): Located[] {
  const words = Array.isArray(reply) ? reply.map(String) : [];
  const found: Located[] = [];
  for (let at = 0; at + 1 < words.length; at += 2) found.push({ id: words[at]!, tag: words[at + 1]! });
  return found;
}
