// One entry in Redis, by its scope's tag and its id: reading it, writing it, counting its hits, removing it.
// Owns: what finds an entry (members and vector set of its scope) being kept with it. Does not know: which namespaces there
// are and their lists (redisRegistry.ts); how vectors are searched.

import type { Entry, EntryFacts } from '../protocol/entry.ts';
import { messageOf, SemcacheError } from '../protocol/errors.ts';
import type { RedisConnection, Reply, Word } from './redisConnection.ts';
import {
  entryFromHash, factFields, factsFromHash, fieldsNamed, fieldsOf, fingerprintTag, foundFields, jsonOf, vectorBlob, type RedisLayout,
} from './redisLayout.ts';
import type { RedisLevel } from './redisLevel.ts';
import type { Located } from './redisRegistry.ts';
import { checkScript, hitScript, putScript, removeScript } from './redisScripts.ts';
import { checkLength } from './vectors.ts';

/** What is written of an entry beside itself. */
export interface Writing {
  tag: string;
  namespace: string;
  /** Whose entries `clear()` removes from a team's namespace; says nothing of the person to others. */
  writer: string;
  now: number;
  /** Leaves an entry alone that is as new. */
  ifNewer: boolean;
}

export class RedisEntries {
  readonly #connection: RedisConnection;
  readonly #layout: RedisLayout;
  readonly #level: RedisLevel;
  /** Fingerprints that were met, as they stand in keys: where to look for what is left of an entry that has gone. */
  readonly #fps = new Map<string, string>();

  constructor(parts: { connection: RedisConnection; layout: RedisLayout; level: RedisLevel }) {
    this.#connection = parts.connection;
    this.#layout = parts.layout;
    this.#level = parts.level;
  }

  /** A fingerprint as it stands in keys. */
  fpOf(fingerprint: string): string {
    const fp = this.#fps.get(fingerprint) ?? fingerprintTag(fingerprint);
    this.#fps.set(fingerprint, fp);
    return fp;
  }

  /** The whole entry, expired or not; null where it is not there. One round trip. */
  async read({ id, tag }: Located): Promise<Entry | null> {
    const key = this.#layout.entry(tag, id);
    const [hash, use] = await Promise.all([this.#connection.send(key, ['HGETALL', key]), this.#useOf({ id, tag })]);
    return entryFromHash(fieldsOf(hash), use);
  }

  async facts({ id, tag }: Located): Promise<EntryFacts | null> {
    const [fields, use] = await Promise.all([this.fields({ id, tag }, factFields), this.#useOf({ id, tag })]);
    return factsFromHash(fields, use);
  }

  /** What a search gives of an entry (FoundHash). */
  found(located: Located, fp: string): Promise<Map<string, Buffer>> {
    return this.fields(located, foundFields(fp));
  }

  /** Those of these fields that are there. */
  async fields({ id, tag }: Located, names: readonly string[]): Promise<Map<string, Buffer>> {
    const key = this.#layout.entry(tag, id);
    return fieldsNamed(names, await this.#connection.send(key, ['HMGET', key, ...names]));
  }

  /** Resolves to the fingerprint as it stands in keys, '' for an entry without a vector. @throws vector-length-mismatch, store-damaged */
  async prepare(entry: Entry): Promise<string> {
    if (entry.fingerprint === null || entry.vector === null) return '';
    const fp = this.fpOf(entry.fingerprint);
    await this.#level.prepare(fp, entry.vector.length);
    return fp;
  }

  /** @param fp what prepare() gave. @throws vector-length-mismatch */
  async write(entry: Entry, fp: string, { tag, namespace, writer, now, ifNewer }: Writing): Promise<void> {
    const finders = this.#finders(tag);
    const { meta, generations } = jsonOf(entry);
    const keys = [this.#layout.entry(tag, entry.id), this.#layout.use(tag, entry.id)];
    if (fp !== '') keys.push(...finders.filter(key => key !== '').map(key => key + fp));
    const values: Word[] = [
      String(now), entry.id, String(entry.expiresAt), String(entry.updatedAt), String(entry.createdAt), String(entry.hits),
      entry.lastHitAt === null ? '' : String(entry.lastHitAt), meta, generations, namespace, tag, writer,
      fp, fp === '' ? '' : vectorBlob(entry.vector!), String(entry.vector?.length ?? 0), ...finders, ifNewer ? '1' : '',
    ];
    try {
      await this.#connection.run(putScript, keys, values);
    } catch (error) {
      throw refusedLength(error, entry.vector?.length ?? 0);
    }
  }

  async countHit({ id, tag }: Located, { at, now }: { at: number; now: number }): Promise<void> {
    await this.#connection.run(hitScript, [this.#layout.entry(tag, id), this.#layout.use(tag, id)], [String(at), String(now)]);
  }

  /** Removes it and what finds it, also where only the latter is left. */
  async remove({ id, tag }: Located): Promise<void> {
    await this.#connection.run(removeScript, [this.#layout.entry(tag, id), this.#layout.use(tag, id)], [id, ...this.#finders(tag), ...this.#fps.values()]);
  }

  async isThere({ id, tag }: Located): Promise<boolean> {
    const key = this.#layout.entry(tag, id);
    return Number(await this.#connection.send(key, ['EXISTS', key])) > 0;
  }

  /** Whether it is there; what finds it is mended, or taken away with it. */
  async mend({ id, tag }: Located): Promise<boolean> {
    const mends = this.#connection.topology === 'cluster' ? '' : '1';
    return Number(await this.#connection.run(checkScript, [this.#layout.entry(tag, id)], [id, ...this.#finders(tag), mends, ...this.#fps.values()])) > 0;
  }

  /** Bytes; 0 where it is not there, or the server does not say. */
  async sizeOf({ id, tag }: Located): Promise<number> {
    const key = this.#layout.entry(tag, id);
    try {
      return Number((await this.#connection.send(key, ['MEMORY', 'USAGE', key, 'SAMPLES', '0'])) ?? 0);
    } catch {
      return 0;
    }
  }

  #useOf({ id, tag }: Located): Promise<Reply> {
    const key = this.#layout.use(tag, id);
    return this.#connection.send(key, ['HMGET', key, 'hits', 'lastHit']);
  }

  /** Keys of members and of the vector set, up to the fingerprint; '' for the latter where the level keeps none. */
  #finders(tag: string): [members: string, vectors: string] {
    return [this.#layout.members(tag, ''), this.#level.keepsVectorSets ? this.#layout.vectors(tag, '') : ''];
  }
}

/** @returns vector-length-mismatch where the script or the vector set said so, else the error as it was */
function refusedLength(error: unknown, length: number): unknown {
  const wanted = /SEMCACHE-LENGTH (\d+)/.exec(messageOf(error))?.[1];
  if (wanted === undefined) return error;
  try {
    checkLength(length, Number(wanted));
    return error;
  } catch (mismatch) {
    return mismatch instanceof SemcacheError ? mismatch : error;
  }
}
