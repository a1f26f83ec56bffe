import {
  chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { openStore } from '../../../../server/store/openStore.ts';
import { schemaSteps } from '../../../../server/store/sqliteSchema.ts';
import type { Store } from '../../../../server/store/store.ts';
import { anEntry } from '../../../contract/entries.ts';
import { FakeClock } from '../../../fakes/fakeClock.ts';

const clock = new FakeClock(Date.UTC(2026, 2, 4, 5, 6, 7));
const options = { now: clock.now, maxEntries: 1000 };
let folder: string;
let file: string;

beforeEach(() => {
  const root = mkdtempSync(join(tmpdir(), 'semcache-open-'));
  folder = join(root, 'data');
  file = join(folder, 'cache.db');
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
});

function opened(): { store: Store; notices: string[] } {
  const result = openStore(folder, options);
  onTestFinished(() => result.store.close());
  return result;
}

/** Leaves a closed file with this many entries of about 4 KB. */
async function stored(count: number): Promise<void> {
  const { store } = openStore(folder, options);
  for (let i = 0; i < count; i++) await store.put(anEntry(clock.now(), { id: `e${i}`, generations: [{ text: `${i}`.repeat(2000) }] }));
  await store.close();
}

const asides = () => readdirSync(folder).filter(name => !/^cache\.db(-wal|-shm)?$/.test(name));

test.skipIf(process.platform === 'win32')('the file and what SQLite keeps beside it are for their owner only, and so is a folder made for it', async () => {
  process.umask(0o000);
  onTestFinished(() => void process.umask(0o022));
  const { store } = opened();
  await store.put(anEntry(clock.now()));
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
  expect(mode(folder)).toBe('700');
  expect(readdirSync(folder).map(name => [name, mode(join(folder, name))])).toEqual([
    ['cache.db', '600'], ['cache.db-shm', '600'], ['cache.db-wal', '600'],
  ]);
});

test.skipIf(process.platform === 'win32')('a file that others could read is for its owner only once it was opened', async () => {
  await stored(1);
  chmodSync(file, 0o644);
  opened();
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('a file that is not a database is moved aside under a name with the date, and the cache starts empty', async () => {
  mkdirSync(folder);
  const content = 'this is not a database, but perhaps somebody needs it\n'.repeat(100);
  writeFileSync(file, content);
  const { store, notices } = opened();
  const aside = join(folder, 'cache-damaged-2026-03-04T05-06-07Z.db');
  expect(readFileSync(aside, 'utf8')).toBe(content);
  expect(notices).toHaveLength(1);
  expect(notices[0]).toMatch(/damaged .*moved to .*cache-damaged-2026-03-04T05-06-07Z\.db\. The cache starts empty; nothing was deleted/);
  await store.put(anEntry(clock.now()));
  expect((await store.size()).entries).toBe(1);
  await store.close();
  expect(opened().notices).toEqual([]);
});

test('a file that was cut off is moved aside whole', async () => {
  await stored(50);
  const half = Math.floor(statSync(file).size / 2);
  truncateSync(file, half);
  const { store, notices } = opened();
  expect(notices).toHaveLength(1);
  expect((await store.size()).entries).toBe(0);
  expect(statSync(join(folder, asides()[0]!)).size).toBe(half);
});

test('a file with other tables is moved aside', async () => {
  mkdirSync(folder);
  const other = new DatabaseSync(file);
  other.exec('CREATE TABLE entries (mine TEXT)');
  other.close();
  expect(opened().notices).toHaveLength(1);
  expect(asides()).toHaveLength(1);
});

test('damage that is met in use is said, and the next start moves the file aside', async () => {
  await stored(200);
  const bytes = readFileSync(file);
  for (let page = 30; page * 4096 < bytes.length; page++) bytes.fill(0xff, page * 4096, page * 4096 + 64);
  writeFileSync(file, bytes);
  const { store, notices } = openStore(folder, options);
  expect(notices).toEqual([]);
  const readAll = async () => {
    for (let i = 0; i < 200; i++) await store.get(`e${i}`);
  };
  await expect(readAll()).rejects.toMatchObject({ code: 'store-damaged', message: expect.stringContaining('Restart Semcache') });
  await store.close();

  const again = opened();
  expect(again.notices).toHaveLength(1);
  expect((await again.store.size()).entries).toBe(0);
  await again.store.close();
  expect(opened().notices).toEqual([]);
});

test('a second damaged file of the same second does not take the name of the first', () => {
  mkdirSync(folder);
  for (const content of ['first, no database'.repeat(50), 'second, no database'.repeat(50)]) {
    writeFileSync(file, content);
    const { store } = openStore(folder, options);
    void store.close();
  }
  expect(asides().sort()).toEqual(['cache-damaged-2026-03-04T05-06-07Z-2.db', 'cache-damaged-2026-03-04T05-06-07Z.db']);
});

test('a file of a newer Semcache is moved aside, entries and all', async () => {
  await stored(3);
  raiseVersion();
  const { store, notices } = opened();
  expect(notices[0]).toMatch(/newer Semcache .*cache-newer-2026-03-04T05-06-07Z\.db.*update Semcache/);
  expect((await store.size()).entries).toBe(0);
  const aside = new DatabaseSync(join(folder, 'cache-newer-2026-03-04T05-06-07Z.db'), { readOnly: true });
  expect(aside.prepare('SELECT count(*) AS count FROM entries').get()!.count).toBe(3);
  aside.close();
});

test('a file that a newer Semcache is using stays where it is, and the error says what to do', async () => {
  await stored(3);
  raiseVersion();
  const newer = new DatabaseSync(file);
  onTestFinished(() => newer.close());
  expect(newer.prepare('SELECT count(*) AS count FROM entries').get()!.count).toBe(3);
  expect(() => openStore(folder, options)).toThrow(
    expect.objectContaining({ code: 'store-too-new', message: expect.stringContaining('Update this Semcache') }),
  );
  expect(asides()).toEqual([]);
  expect(newer.prepare('SELECT count(*) AS count FROM entries').get()!.count).toBe(3);
});

test('a folder that cannot be made is store-unreachable, and the error names the file and what to do', () => {
  const blocked = join(folder, '..', 'a file');
  writeFileSync(blocked, '');
  expect(() => openStore(join(blocked, 'data'), options)).toThrow(unreachable);
});

test.skipIf(process.platform === 'win32')('a folder that cannot be written is store-unreachable, and the error names the file and what to do', () => {
  mkdirSync(folder);
  chmodSync(join(folder, '..'), 0o755);
  chmodSync(folder, 0o555);
  asOrdinaryUser(() => expect(() => openStore(folder, options)).toThrow(unreachable));
  expect(existsSync(file)).toBe(false);
});

const unreachable = expect.objectContaining({
  code: 'store-unreachable',
  message: expect.stringMatching(/cache\.db.*Prompts go straight to the model.*See that its folder exists/),
});

/** Permissions do not hold for root, which is what many containers run tests as. */
function asOrdinaryUser(work: () => void): void {
  if (process.getuid!() !== 0) return work();
  process.seteuid!(65_534);
  try {
    work();
  } finally {
    process.seteuid!(0);
  }
}

function raiseVersion(): void {
  const database = new DatabaseSync(file);
  database.exec(`PRAGMA user_version = ${schemaSteps.length + 1}`);
  database.close();
}
