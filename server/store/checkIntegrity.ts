// Is the cache file whole? Damage that is found is noted beside it.

import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SemcacheError } from '../protocol/errors.ts';
import { markDamaged } from './sqliteFile.ts';

/** One line for people about `dataFolder`/cache.db, which must be there. @throws SemcacheError store-damaged; what SQLite throws */
export function checkIntegrity(dataFolder: string): string {
  const file = path.join(dataFolder, 'cache.db');
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const [row] = database.prepare('PRAGMA quick_check(1)').all();
    const found = String(Object.values(row ?? {})[0]);
    if (found === 'ok') return `${file} is whole`;
    markDamaged(file, found);
    throw new SemcacheError('store-damaged', `${file} is damaged: ${found}. It is moved aside and begun anew when it is next opened.`);
  } finally {
    database.close();
  }
}
