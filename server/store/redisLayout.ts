// How entries lie in Redis: every key and every field, and the way from an entry to its hash and back.
// Does not know: which commands are sent (redisScripts.ts and the levels).
//
// With P the prefix (default "semcache:"), NS a namespace, TAG 24 hex digits of SHA-256 over namespace and scope, FP 12
// hex digits of SHA-256 over the embedder's fingerprint:
//   P entry:{TAG}:ID         HASH   one entry; its EXPIRE is the entry's time to live
//   P use:{TAG}:ID           HASH   its hits and lastHit, once it has any, with the same EXPIRE: apart from the entry, since
//                                   any change of an indexed hash costs the search index half a millisecond
//   P members:{TAG}:FP       ZSET   ids of the scope's entries that have a vector, by the server's microsecond of writing
//   P vectors:{TAG}:FP       vector set of the same ids (level "vector sets" only)
//   P where:{NS}             HASH   id to TAG, for callers that know an id only
//   P used:{NS}              ZSET   ids by last use: who goes first when the bound is reached
//   P updated:{NS}           ZSET   ids by last update: the order of lists
//   P expires:{NS}           ZSET   ids by end of life: how many are live, which are to be swept
//   P asks:{NS}              HASH   id to the first 16 digits of its instruction key
//   P asked:{NS}             ZSET   "those digits, id", all of score 0: the entries of one instruction in any scope
//   P tombstones:{NS}        HASH   ["a","b"] to the moment the person said that these are not the same
//   P aliases:{NS}           HASH   the same of those that are; a pair stands in one of the two
//   P ruled:{NS}             STRING the server's microsecond of the last change to those two: daemons keep copies of them
//   P counts:{NS}            HASH   counters
//   P index:FP:flat|hnsw     search index over P entry: (level "query engine" only)
// Always true: {…} makes all keys of one scope lie in one slot of a Cluster, and a namespace's lists in another; the
// prefix ends with a separator, and namespaces are compared as a whole, so that no name can match another's keys.

import { createHash } from 'node:crypto';
import type { Entry, EntryFacts, FoundEntry } from '../protocol/entry.ts';
import { SemcacheError } from '../protocol/errors.ts';
import type { Reply } from './redisConnection.ts';
import { bytesFromVector, vectorFromBytes } from './vectors.ts';

export class RedisLayout {
  readonly prefix: string;

  constructor(prefix: string) {
    this.prefix = prefix === '' || /[:/.|]$/.test(prefix) ? prefix : `${prefix}:`;
  }

  entry(tag: string, id: string): string {
    return `${this.prefix}entry:{${tag}}:${id}`;
  }

  use(tag: string, id: string): string {
    return `${this.prefix}use:{${tag}}:${id}`;
  }

  members(tag: string, fp: string): string {
    return `${this.prefix}members:{${tag}}:${fp}`;
  }

  vectors(tag: string, fp: string): string {
    return `${this.prefix}vectors:{${tag}}:${fp}`;
  }

  where(namespace: string): string {
    return `${this.prefix}where:{${namespace}}`;
  }

  used(namespace: string): string {
    return `${this.prefix}used:{${namespace}}`;
  }

  updated(namespace: string): string {
    return `${this.prefix}updated:{${namespace}}`;
  }

  expires(namespace: string): string {
    return `${this.prefix}expires:{${namespace}}`;
  }

  asks(namespace: string): string {
    return `${this.prefix}asks:{${namespace}}`;
  }

  asked(namespace: string): string {
    return `${this.prefix}asked:{${namespace}}`;
  }

  tombstones(namespace: string): string {
    return `${this.prefix}tombstones:{${namespace}}`;
  }

  aliases(namespace: string): string {
    return `${this.prefix}aliases:{${namespace}}`;
  }

  ruled(namespace: string): string {
    return `${this.prefix}ruled:{${namespace}}`;
  }

  counts(namespace: string): string {
    return `${this.prefix}counts:{${namespace}}`;
  }

  index(fp: string, kind: 'flat' | 'hnsw'): string {
    return `${this.prefix}index:${fp}:${kind}`;
  }

  get entryPrefix(): string {
    return `${this.prefix}entry:`;
  }
}

/** A namespace as it may stand in a key: braces would move the hash tag. @throws bad-request */
export function checkedNamespace(namespace: string): string {
  if (/^[\w.@-]{1,120}$/.test(namespace)) return namespace;
  throw new SemcacheError(
    'bad-request',
    `"${namespace.slice(0, 40)}" cannot be a namespace in Redis: 1 to 120 letters, digits, ".", "_", "@" and "-" are possible. Choose another name.`,
  );
}

/** Exact in both parts: 96 bits of SHA-256, and `entryFromHash` callers compare the scope itself once more. */
export function tagOf(namespace: string, scope: string): string {
  return sha256(`${namespace}\0${scope}`).slice(0, 24);
}

export function fingerprintTag(fingerprint: string): string {
  return sha256(fingerprint).slice(0, 12);
}

/** Name of the hash field that holds a vector: one a fingerprint, so that an index never meets another model's. */
export function vectorField(fp: string): string {
  return `vector:${fp}`;
}

/** What does not change while an entry lives, without its answers and vector. */
type Meta = Omit<Entry, 'vector' | 'generations' | 'createdAt' | 'updatedAt' | 'expiresAt' | 'lastHitAt' | 'hits'>;

/** `meta` and `generations` of an entry's hash, as JSON. */
export function jsonOf(entry: Entry): { meta: string; generations: string } {
  const { vector: _v, generations, createdAt: _c, updatedAt: _u, expiresAt: _e, lastHitAt: _l, hits: _h, ...meta } = entry;
  return { meta: JSON.stringify(meta satisfies Meta), generations: JSON.stringify(generations) };
}

export function vectorBlob(vector: Float32Array): Buffer {
  return Buffer.from(bytesFromVector(vector).buffer);
}

/** The fields of a hash by name, from a flat list of names and values. */
export function fieldsOf(reply: Reply): Map<string, Buffer> {
  const fields = new Map<string, Buffer>();
  if (!Array.isArray(reply)) return fields;
  for (let at = 0; at + 1 < reply.length; at += 2) fields.set(String(reply[at]), reply[at + 1] as Buffer);
  return fields;
}

/** The same from the values alone, as HMGET gives those of `names`. */
export function fieldsNamed(names: readonly string[], reply: Reply): Map<string, Buffer> {
  const fields = new Map<string, Buffer>();
  (reply as (Buffer | null)[]).forEach((value, at) => value !== null && fields.set(names[at]!, value));
  return fields;
}

/** Null where the hash is absent or not an entry. `use` holds its hits and lastHit, as HMGET gives them. */
export function entryFromHash(fields: Map<string, Buffer>, use: Reply): Entry | null {
  const facts = factsFromHash(fields, use);
  const generations = fields.get('generations');
  if (facts === null || generations === undefined) return null;
  const fp = String(fields.get('fp') ?? '');
  return { ...facts, vector: fp === '' ? null : vectorFromHash(fields, fp), generations: JSON.parse(String(generations)) as Entry['generations'] };
}

/** The fields of a hash that factsFromHash() reads. */
export const factFields = ['meta', 'created', 'updated', 'expires'] as const;

export function factsFromHash(fields: Map<string, Buffer>, use: Reply): EntryFacts | null {
  const meta = fields.get('meta');
  if (meta === undefined) return null;
  const [hits, lastHit] = (use ?? []) as (Buffer | null)[];
  return {
    ...(JSON.parse(String(meta)) as Meta),
    createdAt: numberIn(fields, 'created'),
    updatedAt: numberIn(fields, 'updated'),
    expiresAt: numberIn(fields, 'expires'),
    lastHitAt: lastHit ? Number(lastHit) : null,
    hits: Number(hits ?? 0),
  };
}

/** The fields of a hash that a look-up reads: those of foundFromHash() and the vector. */
export function foundFields(fp: string): string[] {
  return [...factFields, 'generations', vectorField(fp)];
}

/** Null where the hash is absent or not an entry. */
export function foundFromHash(fields: Map<string, Buffer>): FoundEntry | null {
  const meta = fields.get('meta');
  const generations = fields.get('generations');
  if (meta === undefined || generations === undefined) return null;
  return {
    ...(JSON.parse(String(meta)) as Meta),
    createdAt: numberIn(fields, 'created'),
    updatedAt: numberIn(fields, 'updated'),
    expiresAt: numberIn(fields, 'expires'),
    generations: JSON.parse(String(generations)) as Entry['generations'],
  };
}

export function vectorFromHash(fields: Map<string, Buffer>, fp: string): Float32Array | null {
  const blob = fields.get(vectorField(fp));
  return blob === undefined ? null : vectorFromBytes(blob);
}

function numberIn(fields: Map<string, Buffer>, name: string): number {
  return Number(fields.get(name) ?? 0);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
