// The tables of cache.db, and how an older file becomes a current one.
// Always true: `PRAGMA user_version` is the number of steps a file has been through; a step never changes once it was
// released, a new one is appended.

import type { DatabaseSync } from 'node:sqlite';
import { SemcacheError } from '../protocol/errors.ts';

/** One SQL script a version. */
export const schemaSteps: readonly string[] = [
  `
  -- Kept narrow, so that lists and searches read few pages; the answers lie apart.
  CREATE TABLE entries (
    row INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    scope TEXT NOT NULL,
    llm_string TEXT NOT NULL,
    instruction TEXT NOT NULL,
    folded TEXT NOT NULL,
    instruction_key TEXT NOT NULL,
    fingerprint TEXT,
    model TEXT NOT NULL,
    route TEXT NOT NULL,
    workspace TEXT,
    usage TEXT,
    upstream_ms REAL NOT NULL,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    last_hit_at REAL,
    used_at REAL NOT NULL,
    hits INTEGER NOT NULL,
    preview TEXT NOT NULL
  ) STRICT;
  CREATE INDEX entries_by_expiry ON entries (expires_at);
  CREATE INDEX entries_by_use ON entries (used_at);
  CREATE INDEX entries_by_update ON entries (updated_at);

  CREATE TABLE answers (
    entry INTEGER PRIMARY KEY REFERENCES entries (row) ON DELETE CASCADE,
    context TEXT NOT NULL,
    generations TEXT NOT NULL
  ) STRICT;

  -- A vector never changes under its row number, and numbers are not used again: a reader that knows the last number
  -- it has seen and the last removal it has read has all of them. A space is one scope and fingerprint.
  CREATE TABLE vectors (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    entry INTEGER NOT NULL UNIQUE REFERENCES entries (row) ON DELETE CASCADE,
    space TEXT NOT NULL,
    expires_at REAL NOT NULL,
    vector BLOB NOT NULL
  ) STRICT;
  CREATE INDEX vectors_by_space ON vectors (space);

  CREATE TABLE removed_vectors (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    row INTEGER NOT NULL,
    space TEXT NOT NULL
  ) STRICT;
  CREATE TRIGGER vector_removed AFTER DELETE ON vectors BEGIN
    INSERT INTO removed_vectors (row, space) VALUES (OLD.row, OLD.space);
  END;

  CREATE TABLE totals (entries INTEGER NOT NULL) STRICT;
  INSERT INTO totals VALUES (0);
  CREATE TRIGGER entry_added AFTER INSERT ON entries BEGIN
    UPDATE totals SET entries = entries + 1;
  END;
  CREATE TRIGGER entry_removed AFTER DELETE ON entries BEGIN
    UPDATE totals SET entries = entries - 1;
  END;

  CREATE TABLE tombstones (
    a TEXT NOT NULL,
    b TEXT NOT NULL,
    created_at REAL NOT NULL,
    PRIMARY KEY (a, b)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE counts (name TEXT PRIMARY KEY, value REAL NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE saved_tokens (
    model TEXT PRIMARY KEY,
    prompt_tokens REAL NOT NULL,
    completion_tokens REAL NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Beside the tombstones, which daemons of the first version go on using until they end.
  CREATE TABLE aliases (
    a TEXT NOT NULL,
    b TEXT NOT NULL,
    created_at REAL NOT NULL,
    PRIMARY KEY (a, b)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX aliases_by_b ON aliases (b);
  CREATE INDEX tombstones_by_b ON tombstones (b);
  CREATE INDEX entries_by_instruction ON entries (instruction_key);
  `,
];

/**
 * Brings a file to the newest version, all steps or none.
 * @throws SemcacheError store-too-new when a later Semcache has written it
 */
export function upgradeSchema(database: DatabaseSync, path: string, steps: readonly string[] = schemaSteps): void {
  if (schemaVersion(database) === steps.length) return;
  database.exec('BEGIN IMMEDIATE');
  try {
    const version = schemaVersion(database);
    if (version > steps.length) throw tooNew(path, version, steps.length);
    for (const step of steps.slice(version)) database.exec(step);
    database.exec(`PRAGMA user_version = ${steps.length}`);
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function schemaVersion(database: DatabaseSync): number {
  return database.prepare('PRAGMA user_version').get()!.user_version as number;
}

function tooNew(path: string, found: number, known: number): SemcacheError {
  return new SemcacheError(
    'store-too-new',
    `${path} has schema version ${found}, and this Semcache knows versions up to ${known}: a newer Semcache wrote it. ` +
      'Update this Semcache, or let it start with an empty cache.',
  );
}
