// What the person said of pairs of instructions, in two tables: tombstones and aliases.
// Always true: a pair stands in one of them, that of the later ruling; its keys stand in sorted order.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Ruling } from '../protocol/entry.ts';

export class SqliteRulings {
  readonly #disputes: StatementSync;
  readonly #aliases: StatementSync;
  readonly #all: StatementSync;
  readonly #latest: StatementSync;
  readonly #remove: Record<Table, StatementSync>;
  readonly #add: Record<Table, StatementSync>;
  readonly #clear: StatementSync[];

  constructor(database: DatabaseSync) {
    const inEach = <T>(make: (table: Table) => T): Record<Table, T> => ({ tombstones: make('tombstones'), aliases: make('aliases') });
    const othersIn = (table: Table): StatementSync =>
      database.prepare(
        `SELECT CASE a WHEN :key THEN b ELSE a END AS other FROM ${table} WHERE a = :key OR b = :key ORDER BY created_at DESC`,
      );
    this.#disputes = othersIn('tombstones');
    this.#aliases = othersIn('aliases');
    this.#all = database.prepare(
      'SELECT a, b, 0 AS same, created_at FROM tombstones UNION ALL SELECT a, b, 1 AS same, created_at FROM aliases',
    );
    this.#latest = database.prepare(
      `SELECT max(created_at) AS created_at FROM
         (SELECT created_at FROM tombstones WHERE a = :a AND b = :b UNION ALL SELECT created_at FROM aliases WHERE a = :a AND b = :b)`,
    );
    this.#remove = inEach(table => database.prepare(`DELETE FROM ${table} WHERE a = ? AND b = ?`));
    this.#add = inEach(table => database.prepare(`INSERT OR REPLACE INTO ${table} (a, b, created_at) VALUES (?, ?, ?)`));
    this.#clear = Object.values(inEach(table => database.prepare(`DELETE FROM ${table}`)));
  }

  /** Keys that this instruction is never matched with. */
  disputesOf(instructionKey: string): string[] {
    return this.#disputes.all({ key: instructionKey }).map(({ other }) => other as string);
  }

  /** Latest ruling first. */
  aliasesOf(instructionKey: string): string[] {
    return this.#aliases.all({ key: instructionKey }).map(({ other }) => other as string);
  }

  all(): Ruling[] {
    return this.#all.all().map(row => ({
      a: row.a as string,
      b: row.b as string,
      same: row.same === 1,
      createdAt: row.created_at as number,
    }));
  }

  /** Within the caller's transaction. */
  add({ a: one, b: other, same, createdAt }: Ruling): void {
    const [a, b] = sorted(one, other);
    const latest = this.#latest.get({ a, b })!.created_at as number | null;
    if (latest !== null && latest > createdAt) return;
    this.#remove[same ? 'tombstones' : 'aliases'].run(a, b);
    this.#add[same ? 'aliases' : 'tombstones'].run(a, b, createdAt);
  }

  /** Within the caller's transaction. */
  clear(): void {
    for (const statement of this.#clear) statement.run();
  }
}

type Table = 'tombstones' | 'aliases';

function sorted(a: string, b: string): [string, string] {
  return a < b ? [a, b] : [b, a];
}
