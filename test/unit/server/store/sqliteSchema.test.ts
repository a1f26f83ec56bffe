import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { schemaSteps, upgradeSchema } from '../../../../server/store/sqliteSchema.ts';

function database(): DatabaseSync {
  const opened = new DatabaseSync(':memory:');
  onTestFinished(() => opened.close());
  return opened;
}

const version = (of: DatabaseSync) => of.prepare('PRAGMA user_version').get()!.user_version;

const steps = [
  'CREATE TABLE log (step INTEGER); INSERT INTO log VALUES (1)',
  'ALTER TABLE log ADD COLUMN note TEXT; INSERT INTO log VALUES (2, NULL)',
  `UPDATE log SET note = 'seen'; INSERT INTO log VALUES (3, NULL)`,
];

test('upgradeSchema() takes a new file through every step', () => {
  const fresh = database();
  upgradeSchema(fresh, 'cache.db');
  expect(version(fresh)).toBe(schemaSteps.length);
});

test('upgradeSchema() takes an older file through the steps it lacks, in order, and keeps what is in it', () => {
  const old = database();
  upgradeSchema(old, 'cache.db', steps.slice(0, 1));
  expect(version(old)).toBe(1);
  upgradeSchema(old, 'cache.db', steps);
  expect(version(old)).toBe(3);
  expect(old.prepare('SELECT step, note FROM log').all().map(row => ({ ...row }))).toEqual([
    { step: 1, note: 'seen' }, { step: 2, note: 'seen' }, { step: 3, note: null },
  ]);
});

test('upgradeSchema() keeps the entries and tombstones of a file of the first version', () => {
  const old = database();
  upgradeSchema(old, 'cache.db', schemaSteps.slice(0, 1));
  old.exec(`INSERT INTO tombstones VALUES ('a', 'b', 17);
    INSERT INTO entries (id, scope, llm_string, instruction, folded, instruction_key, model, route, upstream_ms, created_at, updated_at, expires_at, used_at, hits, preview)
    VALUES ('id', 's', 'm', 'i', 'i', 'key', 'm', 'cli', 0, 1, 1, 2, 1, 0, '')`);
  upgradeSchema(old, 'cache.db');
  expect(old.prepare('SELECT a, b, created_at FROM tombstones').get()).toMatchObject({ a: 'a', b: 'b', created_at: 17 });
  expect(old.prepare('SELECT count(*) AS count FROM aliases').get()!.count).toBe(0);
  expect(old.prepare('EXPLAIN QUERY PLAN SELECT * FROM entries WHERE instruction_key = ?').get('key')!.detail).toContain('entries_by_instruction');
});

test('upgradeSchema() does nothing to a current file', () => {
  const current = database();
  upgradeSchema(current, 'cache.db', steps);
  upgradeSchema(current, 'cache.db', steps);
  expect(current.prepare('SELECT count(*) AS count FROM log').get()!.count).toBe(3);
});

test('upgradeSchema() leaves a file as it was when a step fails', () => {
  const old = database();
  upgradeSchema(old, 'cache.db', steps.slice(0, 1));
  expect(() => upgradeSchema(old, 'cache.db', [...steps, 'INSERT INTO nowhere VALUES (1)'])).toThrow(/nowhere/);
  expect(version(old)).toBe(1);
  expect(old.prepare('SELECT step FROM log').all().map(row => ({ ...row }))).toEqual([{ step: 1 }]);
});

test('upgradeSchema() refuses a newer file and names both versions', () => {
  const newer = database();
  newer.exec('PRAGMA user_version = 9');
  expect(() => upgradeSchema(newer, 'cache.db', steps)).toThrow(
    expect.objectContaining({ code: 'store-too-new', message: expect.stringMatching(/cache\.db has schema version 9.* up to 3/) }),
  );
});
