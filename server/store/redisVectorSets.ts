// Finding by vector sets (VADD, VSIM; Redis 8 without the query engine, and every Cluster of Redis 8): one set a scope.
// Owns: searching a set, mending it. Does not know: what an entry's hash means.
// Always true: a set holds 8-bit copies, so more are fetched than wanted and the caller orders them by their true vectors.

import { isRefusedCommand } from './redisErrors.ts';
import { fieldsNamed, foundFields, vectorBlob } from './redisLayout.ts';
import type { FoundHash, LevelParts, LevelQuery, RedisLevel } from './redisLevel.ts';
import { nearestInSetScript, rebuildSetScript } from './redisScripts.ts';
import type { Reply } from './redisConnection.ts';
import { checkLength } from './vectors.ts';
import { messageOf } from '../protocol/errors.ts';

/** Candidates that the graph keeps while it searches: recall@1 of 100,000 vectors 1.00 at 0.75 ms of Redis; with 64, 0.95 at 0.5 ms. */
const searchEffort = 200;
/** Fetched beyond what is wanted, since 8-bit distances may swap neighbours. */
const spare = 3;
/** Members written to a set in one script: about 20 ms of Redis. */
const rebuildPage = 100;

export class RedisVectorSets implements RedisLevel {
  readonly name = 'vector-sets';
  readonly keepsVectorSets = true;

  readonly #parts: LevelParts;

  constructor(parts: LevelParts) {
    this.#parts = parts;
  }

  async prepare(): Promise<void> {}

  async nearest(query: LevelQuery): Promise<FoundHash[]> {
    const found = await Promise.all(query.tags.map(tag => this.#nearestIn(tag, query)));
    return found.flat();
  }

  async #nearestIn(tag: string, query: LevelQuery): Promise<FoundHash[]> {
    let reply = await this.#search(tag, query);
    if (reply === -1) {
      await this.#rebuild(tag, query.fp);
      reply = await this.#search(tag, query);
    }
    if (!Array.isArray(reply)) return [];
    const names = foundFields(query.fp);
    return reply.map(item => {
      const [id, values] = item as [Buffer, Reply];
      return { tag, id: String(id), fields: fieldsNamed(names, values) };
    });
  }

  async #search(tag: string, { fp, vector, count }: LevelQuery): Promise<Reply> {
    const { connection, layout } = this.#parts;
    const wanted = count + spare;
    try {
      return await connection.run(nearestInSetScript, [layout.vectors(tag, fp), layout.members(tag, fp)], [
        layout.entry(tag, ''), vectorBlob(vector), String(wanted), String(Math.max(searchEffort, 2 * wanted)), ...foundFields(fp),
      ]);
    } catch (error) {
      const length = /dimension|expected (\d+)|vector dim/i.exec(messageOf(error));
      if (length === null || isRefusedCommand(error)) throw error;
      checkLength(vector.length, await this.#dimensionsOf(tag, fp));
      throw error;
    }
  }

  async #dimensionsOf(tag: string, fp: string): Promise<number> {
    const set = this.#parts.layout.vectors(tag, fp);
    return Number(await this.#parts.connection.send(set, ['VDIM', set]));
  }

  /** The set was dropped, or entries were written by a daemon that had no vector sets. Members without a hash are left out. */
  async #rebuild(tag: string, fp: string): Promise<void> {
    const { connection, layout } = this.#parts;
    for (let offset = 0; ; offset += rebuildPage) {
      const page = await connection.run(rebuildSetScript, [layout.vectors(tag, fp), layout.members(tag, fp)], [
        layout.entry(tag, ''), fp, String(offset), String(rebuildPage),
      ]);
      if (Number(page) < rebuildPage) return;
    }
  }
}
