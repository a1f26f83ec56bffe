// What the store needs of the way a Redis finds vectors; one file a level (redisQueryEngine, redisVectorSets, redisPlain).

import type { RedisConnection } from './redisConnection.ts';
import type { RedisLayout } from './redisLayout.ts';

export type LevelName = 'query-engine' | 'vector-sets' | 'plain';

/** What a person reads of a level. */
export const levelWords: Record<LevelName, string> = {
  'query-engine': 'query engine',
  'vector-sets': 'vector sets',
  plain: 'plain Redis, without vectors: slower beyond some thousand answers to one context',
};

export interface LevelQuery {
  tags: readonly string[];
  fp: string;
  vector: Float32Array;
  /** Entries wanted; fewer come back only where there are no more. */
  count: number;
}

/** One found entry, as those fields of its hash that foundFields() names; there are none where the entry has gone since. */
export interface FoundHash {
  tag: string;
  id: string;
  fields: Map<string, Buffer>;
}

export interface RedisLevel {
  readonly name: LevelName;
  /** True where writing an entry also writes it to a vector set. */
  readonly keepsVectorSets: boolean;
  /** Called before a vector of this fingerprint is written. @throws SemcacheError vector-length-mismatch, store-damaged */
  prepare(fp: string, dimensions: number): Promise<void>;
  /** Nearest first, as near as the level knows. One round trip when nothing has changed. @throws vector-length-mismatch */
  nearest(query: LevelQuery): Promise<FoundHash[]>;
}

export interface LevelParts {
  connection: RedisConnection;
  layout: RedisLayout;
}
