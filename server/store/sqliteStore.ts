// Entries in one SQLite file: the embedded default. Several processes may have the file open at once.
// Owns: the order of writes in a transaction, eviction and expiry. Does not know: what distance is near enough.
// Always true: a resolved put() is committed. Hits and counts are written within `writeUseAfterMs`, before anything that
// shows them, and at close(). Node's SQLite is synchronous, so whatever can be long works in pages, a turn each.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Candidate, Entry, EntryFacts, EntryFilter, EntrySummary, Ruling } from '../protocol/entry.ts';
import type { Counts, SavedTokens } from '../protocol/stats.ts';
import { noCounts } from './noCounts.ts';
import { PendingUse } from './pendingUse.ts';
import { openError, openSqliteFile, useError } from './sqliteFile.ts';
import {
  entryFromRow, entryValues, factsFromRow, selectEntries, selectEntryOfVector, selectFacts, selectSummaries, summaryFromRow, upsertEntry, whereLive,
} from './sqliteRows.ts';
import { SqliteRulings } from './sqliteRulings.ts';
import { SqliteVectors, spaceOf } from './sqliteVectors.ts';
import { isEverything } from './summary.ts';
import type { CountsDelta, HitFacts, ListQuery, NearestQuery, Store, StoreOptions } from './store.ts';
import { VectorIndex } from './vectorIndex.ts';

const writeUseAfterMs = 200;
/** Entries removed in one transaction: a few milliseconds. */
const removePage = 500;
/** Whole entries read in one turn; an answer may have a megabyte. */
const readPage = 32;
/** Expired entries that a put() removes on its way. */
const expiredPerPut = 100;

/** @throws SemcacheError store-unreachable, store-damaged, store-too-new */
export function openSqliteStore(path: string, options: StoreOptions): Store {
  const database = openSqliteFile(path);
  try {
    return new SqliteStore(database, path, options);
  } catch (error) {
    database.close();
    throw openError(error, path);
  }
}

class SqliteStore implements Store {
  readonly kind = 'sqlite';
  readonly description: string;

  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #now: () => number;
  #maxEntries: number;
  readonly #statements: Statements;
  readonly #rulings: SqliteRulings;
  readonly #vectors: SqliteVectors;
  readonly #index: VectorIndex;
  #pending = new PendingUse();
  #writeUse: NodeJS.Timeout | null = null;

  constructor(database: DatabaseSync, path: string, options: StoreOptions) {
    this.description = `SQLite, ${path}`;
    this.#database = database;
    this.#path = path;
    this.#now = options.now;
    this.#maxEntries = options.maxEntries;
    this.#statements = prepareStatements(database);
    this.#rulings = new SqliteRulings(database);
    this.#vectors = new SqliteVectors(database);
    this.#index = new VectorIndex(this.#vectors);
    this.#statements.startCounting.run(options.now());
  }

  async get(id: string): Promise<Entry | null> {
    return this.#attempt(() => {
      const row = this.#statements.entryById.get(id, this.#now());
      return row === undefined ? null : this.#pending.applyTo(entryFromRow(row));
    });
  }

  async nearest({ scope, fingerprint, vector, k, instructionKey }: NearestQuery): Promise<Candidate[]> {
    try {
      const found = await this.#index.nearest({ space: spaceOf(scope, fingerprint), vector, k, now: this.#now() });
      const candidates: Candidate[] = [];
      for (const near of found) {
        const row = this.#statements.entryByVector.get(near.row);
        if (row === undefined) continue;
        const entry = this.#pending.applyTo(entryFromRow(row, near.vector));
        const disputes = this.#rulings.disputesOf(entry.instructionKey);
        candidates.push({ entry, distance: near.distance, tombstoned: disputes.includes(instructionKey), disputes });
      }
      return candidates;
    } catch (error) {
      throw useError(error, this.#path);
    }
  }

  async withInstruction(instructionKey: string, limit: number): Promise<EntryFacts[]> {
    return this.#attempt(() =>
      this.#statements.factsOfInstruction
        .all(instructionKey, this.#now(), limit)
        .map(row => this.#pending.applyTo(factsFromRow(row))),
    );
  }

  async put(entry: Entry): Promise<void> {
    const context = JSON.stringify(entry.context);
    const generations = JSON.stringify(entry.generations);
    this.#write(() => {
      const now = this.#now();
      this.#statements.removeExpired.run(now, expiredPerPut);
      this.#statements.removeIfExpired.run(entry.id, now);
      const row = this.#statements.upsertEntry.get(entryValues(entry, now))!.row as number;
      this.#statements.putAnswer.run(row, context, generations);
      this.#vectors.replace(row, entry);
      this.#evict(row);
      this.#vectors.trimRemoved();
    });
  }

  async recordHit(id: string, facts: HitFacts): Promise<void> {
    this.#pending.addHit(id, facts.at);
    this.#writeUseSoon();
  }

  async clear(filter: EntryFilter): Promise<number> {
    const now = this.#now();
    while (this.#write(() => Number(this.#statements.removeExpired.run(now, removePage).changes)) > 0) await nextTurn();

    const rows = this.#attempt(() => {
      const { sql, values } = whereLive(now, filter);
      return this.#database.prepare(`SELECT e.row FROM entries e ${sql}`).all(...values).map(found => found.row as number);
    });
    let removed = 0;
    for (let at = 0; at < rows.length; at += removePage) {
      const page = JSON.stringify(rows.slice(at, at + removePage));
      removed += this.#write(() => {
        this.#vectors.trimRemoved();
        return Number(this.#statements.removeRows.run(page).changes);
      });
      await nextTurn();
    }
    if (isEverything(filter)) this.#write(() => this.#rulings.clear());
    await this.#giveBackRoom();
    return removed;
  }

  async list({ filter, search, offset, limit }: ListQuery): Promise<{ total: number; entries: EntrySummary[] }> {
    this.#flush();
    return this.#attempt(() => {
      const { sql, values } = whereLive(this.#now(), filter, search);
      const { total } = this.#database.prepare(`SELECT count(*) AS total FROM entries e ${sql}`).get(...values)!;
      const page = this.#database.prepare(`${selectSummaries} ${sql} ORDER BY e.updated_at DESC, e.row DESC LIMIT ? OFFSET ?`);
      return { total: total as number, entries: page.all(...values, limit, offset).map(summaryFromRow) };
    });
  }

  async *entries(): AsyncIterable<Entry> {
    this.#flush();
    let afterRow = 0;
    while (true) {
      const page = this.#attempt(() => this.#statements.entriesAfter.all(afterRow, this.#now(), readPage));
      for (const row of page) yield entryFromRow(row);
      if (page.length < readPage) return;
      afterRow = page[page.length - 1]!.row as number;
      await nextTurn();
    }
  }

  async addRuling(ruling: Ruling): Promise<void> {
    this.#write(() => this.#rulings.add(ruling));
  }

  async rulings(): Promise<Ruling[]> {
    return this.#attempt(() => this.#rulings.all());
  }

  async aliasesOf(instructionKey: string): Promise<string[]> {
    return this.#attempt(() => this.#rulings.aliasesOf(instructionKey));
  }

  async addCounts(delta: CountsDelta): Promise<void> {
    this.#pending.addCounts(delta);
    this.#writeUseSoon();
  }

  async counts(): Promise<Counts & { since: number; saved: SavedTokens[] }> {
    this.#flush();
    return this.#attempt(() => {
      const counts = { ...noCounts(), since: 0 };
      for (const row of this.#statements.counts.all()) counts[row.name as keyof typeof counts] = row.value as number;
      const saved = this.#statements.savedTokens.all().map(row => ({
        model: row.model as string,
        promptTokens: row.prompt_tokens as number,
        completionTokens: row.completion_tokens as number,
      }));
      return { ...counts, saved };
    });
  }

  async resetCounts(): Promise<void> {
    this.#write(() => {
      this.#database.exec('DELETE FROM counts; DELETE FROM saved_tokens');
      this.#statements.startCounting.run(this.#now());
    });
  }

  async size(): Promise<{ entries: number; bytes: number }> {
    return this.#attempt(() => {
      const { entries } = this.#statements.liveCount.get(this.#now())!;
      const { bytes } = this.#statements.usedBytes.get()!;
      return { entries: entries as number, bytes: bytes as number };
    });
  }

  async setMaxEntries(maxEntries: number): Promise<void> {
    this.#maxEntries = maxEntries;
    while (this.#write(() => this.#evict(0)) > 0) await nextTurn();
  }

  async close(): Promise<void> {
    if (!this.#database.isOpen) return;
    try {
      this.#flush();
    } finally {
      this.#database.close();
    }
  }

  /** Removes expired entries first, then the least recently used, as far as the bound asks; never that of `keptRow`. */
  #evict(keptRow: number): number {
    const excess = (this.#statements.total.get()!.entries as number) - this.#maxEntries;
    if (excess <= 0) return 0;
    const expired = Number(this.#statements.removeExpired.run(this.#now(), removePage).changes);
    const still = Math.min(removePage, excess - expired);
    return expired + (still <= 0 ? 0 : Number(this.#statements.removeLeastUsed.run(keptRow, still).changes));
  }

  async #giveBackRoom(): Promise<void> {
    const free = () => this.#statements.freePages.get()!.freelist_count as number;
    for (let before = this.#attempt(free); before > 0; ) {
      const after = this.#attempt(() => {
        this.#database.exec(`PRAGMA incremental_vacuum(${removePage})`);
        return free();
      });
      if (after >= before) return;
      before = after;
      await nextTurn();
    }
  }

  #writeUseSoon(): void {
    this.#writeUse ??= setTimeout(() => {
      this.#writeUse = null;
      try {
        this.#flush();
      } catch {
        // They stay pending, and whatever next asks this store for something tells what is wrong with it.
      }
    }, writeUseAfterMs).unref();
  }

  #flush(): void {
    if (!this.#pending.isEmpty) this.#write(() => undefined);
  }

  /** One transaction, after the pending hits and counts. */
  #write<T>(work: () => T): T {
    return this.#attempt(() => {
      this.#statements.begin.run();
      try {
        this.#writePending();
        const result = work();
        this.#statements.commit.run();
        this.#pending = new PendingUse();
        return result;
      } catch (error) {
        if (this.#database.isTransaction) this.#statements.rollback.run();
        throw error;
      }
    });
  }

  #writePending(): void {
    for (const [id, { hits, at }] of this.#pending.hits) this.#statements.addHits.run(hits, at, at, id);
    for (const [name, value] of Object.entries(this.#pending.counts)) this.#statements.addCount.run(name, value);
    for (const saved of this.#pending.saved.values()) {
      this.#statements.addSaved.run(saved.model, saved.promptTokens, saved.completionTokens);
    }
  }

  #attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw useError(error, this.#path);
    }
  }
}

type Statements = ReturnType<typeof prepareStatements>;

function prepareStatements(database: DatabaseSync) {
  const statement = (sql: string): StatementSync => database.prepare(sql);
  return {
    begin: statement('BEGIN IMMEDIATE'),
    commit: statement('COMMIT'),
    rollback: statement('ROLLBACK'),
    entryById: statement(`${selectEntries} WHERE e.id = ? AND e.expires_at > ?`),
    entryByVector: statement(selectEntryOfVector),
    entriesAfter: statement(`${selectEntries} WHERE e.row > ? AND e.expires_at > ? ORDER BY e.row LIMIT ?`),
    factsOfInstruction: statement(
      `${selectFacts} WHERE e.instruction_key = ? AND e.expires_at > ? ORDER BY e.updated_at DESC, e.row DESC LIMIT ?`,
    ),
    upsertEntry: statement(upsertEntry),
    putAnswer: statement(
      `INSERT INTO answers (entry, context, generations) VALUES (?, ?, ?)
       ON CONFLICT (entry) DO UPDATE SET context = excluded.context, generations = excluded.generations`,
    ),
    removeExpired: statement('DELETE FROM entries WHERE row IN (SELECT row FROM entries WHERE expires_at <= ? LIMIT ?)'),
    removeIfExpired: statement('DELETE FROM entries WHERE id = ? AND expires_at <= ?'),
    removeRows: statement('DELETE FROM entries WHERE row IN (SELECT value FROM json_each(?))'),
    removeLeastUsed: statement(
      'DELETE FROM entries WHERE row IN (SELECT row FROM entries WHERE row <> ? ORDER BY used_at, row LIMIT ?)',
    ),
    addHits: statement(
      'UPDATE entries SET hits = hits + ?, last_hit_at = ?, used_at = max(used_at, ?) WHERE id = ?',
    ),
    total: statement('SELECT entries FROM totals'),
    liveCount: statement(
      'SELECT (SELECT entries FROM totals) - (SELECT count(*) FROM entries WHERE expires_at <= ?) AS entries',
    ),
    usedBytes: statement(
      `SELECT (page_count - freelist_count) * page_size AS bytes
       FROM pragma_page_count, pragma_freelist_count, pragma_page_size`,
    ),
    freePages: statement('PRAGMA freelist_count'),
    addCount: statement('INSERT INTO counts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value'),
    startCounting: statement(`INSERT OR IGNORE INTO counts VALUES ('since', ?)`),
    counts: statement('SELECT name, value FROM counts'),
    addSaved: statement(
      `INSERT INTO saved_tokens VALUES (?, ?, ?) ON CONFLICT (model) DO UPDATE SET
         prompt_tokens = prompt_tokens + excluded.prompt_tokens,
         completion_tokens = completion_tokens + excluded.completion_tokens`,
    ),
    savedTokens: statement('SELECT model, prompt_tokens, completion_tokens FROM saved_tokens'),
  };
}
