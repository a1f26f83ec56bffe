// `semcache doctor`: is everything there that the cache needs?
// Owns: the list of checks and their words. Does not know: how anything is mended.
// Always true: one failing check stops no other; nothing is changed beyond opening the store.

import { accessSync, constants, statSync } from 'node:fs';
import { checkModel } from '../daemon/checkModel.ts';
import { preparedDataFolder } from '../daemon/discovery.ts';
import { openLog } from '../daemon/log.ts';
import { openParts } from '../daemon/openParts.ts';
import { isAlive } from '../daemon/singleInstance.ts';
import { build } from '../protocol/build.ts';
import { dataFolderOf, readRecord } from '../protocol/discovery.ts';
import { messageOf, SemcacheError } from '../protocol/errors.ts';
import { checkIntegrity } from '../store/checkIntegrity.ts';
import { exitCodes, type CommandIo } from './commandIo.ts';
import { chosenStore } from './storeOption.ts';
import { printResult, type CommonOptions } from './verbs.ts';

/** Loading the model on a slow machine. */
const embeddingDeadlineMs = 60_000;

interface Check {
  name: string;
  ok: boolean;
  text: string;
}

export async function doctor(options: CommonOptions, io: CommandIo): Promise<number> {
  const dataFolder = dataFolderOf(options.data, io.env);
  const checks: Check[] = [await check('versions', () => `Semcache ${build.version}, Node ${process.version}, ${process.platform} ${process.arch}`)];
  checks.push(await check('data folder', () => checkFolder(dataFolder)));
  if (checks.every(({ ok }) => ok)) {
    const shared = chosenStore(options, io.env);
    const parts = openParts({ dataFolder, now: io.now, log: openLog({ now: io.now }), shared, patient: true });
    checks.push(await check('store', async () => {
      await parts.store.opened();
      return `${(await parts.store.size()).entries} stored answers. ${parts.store.description}`;
    }));
    if (shared.store === undefined) checks.push(await check('store integrity', () => checkIntegrity(dataFolder)));
    checks.push(await check('embedding', () => checkModel(embeddingDeadlineMs)));
    await parts.close();
  }
  checks.push(await check('daemon', () => checkDaemon(dataFolder)));

  const ok = checks.every(each => each.ok);
  const lines = checks.map(each => `${each.ok ? 'ok  ' : 'FAIL'}  ${each.name.padEnd(15)}  ${each.text}`);
  printResult(options, io, { ok, checks }, [...lines, ok ? 'All is well.' : 'Something is wrong: see the lines that begin with FAIL.'].join('\n'));
  return ok ? exitCodes.done : exitCodes.failed;
}

async function check(name: string, look: () => string | Promise<string>): Promise<Check> {
  try {
    return { name, ok: true, text: await look() };
  } catch (error) {
    return { name, ok: false, text: messageOf(error) };
  }
}

function checkFolder(dataFolder: string): string {
  preparedDataFolder(dataFolder);
  accessSync(dataFolder, constants.R_OK | constants.W_OK | constants.X_OK);
  const mode = statSync(dataFolder).mode & 0o777;
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw new SemcacheError('store-unreachable', `${dataFolder} can be read by others (mode ${mode.toString(8)}). Close it: chmod 700.`);
  }
  return `${dataFolder}, mode ${mode.toString(8)}`;
}

async function checkDaemon(dataFolder: string): Promise<string> {
  const record = readRecord(dataFolder);
  if (record === null) return 'not running; it starts with the first window';
  if (await isAlive(record.socket)) return `running: process ${record.pid}, build ${record.build.version}, ${record.socket}`;
  return `not running; process ${record.pid} has ended without saying so, and the next window starts a new one`;
}
