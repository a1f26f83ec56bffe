// A process that puts entries as fast as it can and prints the number of each put that resolved, until it is killed.
// Arguments: the file, and the first number.

import { writeSync } from 'node:fs';
import { openSqliteStore } from '../../server/store/sqliteStore.ts';
import { anEntry, scattered } from '../contract/entries.ts';

const [path, first] = process.argv.slice(2) as [string, string];
const store = openSqliteStore(path, { now: Date.now, maxEntries: 1_000_000 });
for (let i = Number(first); ; i++) {
  const answer = `answer ${i} ${'x'.repeat((i * 997) % 20_000)}`;
  await store.put(anEntry(Date.now(), { id: `e${i}`, vector: scattered(i), generations: [{ text: answer }] }));
  await store.recordHit(`e${i - 1}`, { at: Date.now() });
  writeSync(1, `${i}\n`);
}
