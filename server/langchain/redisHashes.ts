// Every hash whose key begins in a certain way, for those who bring entries over from another cache.

import { fieldsOf } from '../store/redisLayout.ts';
import type { RedisConnection, Reply } from '../store/redisConnection.ts';

const page = 200;

export interface FoundHash {
  key: string;
  fields: Map<string, Buffer>;
  /** What is left of its time; null where it has no end. */
  ttlMs: number | null;
}

/** Walks the whole database: not for a look-up. */
export async function* hashesUnder(connection: RedisConnection, prefix: string): AsyncIterable<FoundHash> {
  const pattern = prefix.replace(/[[\]*?\\^]/g, '\\$&');
  const seen = new Set<string>();
  let cursor = '0';
  do {
    const reply = await connection.send('', ['SCAN', cursor, 'MATCH', `${pattern}*`, 'COUNT', String(page), 'TYPE', 'hash']);
    const [next, found] = reply as [Buffer, Buffer[]];
    cursor = String(next);
    const keys = found.map(String).filter(key => !seen.has(key));
    keys.forEach(key => seen.add(key));
    const hashes = await Promise.all(
      keys.map(key => Promise.all([connection.send(key, ['HGETALL', key]), connection.send(key, ['PTTL', key])])),
    );
    for (const [at, [hash, ttl]] of hashes.entries()) {
      yield { key: keys[at]!, fields: fieldsOf(hash as Reply), ttlMs: Number(ttl) > 0 ? Number(ttl) : null };
    }
  } while (cursor !== '0');
}
