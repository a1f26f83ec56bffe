// The gateway's token: what tools show to be let in. Kept in the data folder, since it stands in tools' configurations.

import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { gatewayTokenFileIn } from '../protocol/discovery.ts';

/** The token of this data folder, made on first use. The folder is closed to others. */
export function gatewayTokenIn(dataFolder: string): string {
  const file = gatewayTokenFileIn(dataFolder);
  const kept = readToken(file);
  if (kept !== null) return kept;
  const token = `semcache-${randomBytes(24).toString('hex')}`;
  try {
    writeFileSync(file, `${token}\n`, { mode: 0o600, flag: 'wx' });
    return token;
  } catch (error) {
    // Another process was faster, or what is there is no token.
    const theirs = readToken(file);
    if (theirs !== null) return theirs;
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    writeFileSync(file, `${token}\n`, { mode: 0o600 });
    return token;
  }
}

function readToken(file: string): string | null {
  try {
    const token = readFileSync(file, 'utf8').trim();
    return /^semcache-[0-9a-f]{48}$/.test(token) ? token : null;
  } catch {
    return null;
  }
}
