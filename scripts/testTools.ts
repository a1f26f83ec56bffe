// Programs that only tests and benchmarks need, kept in one folder of the user outside the checkout.
// Always true: a tool's folder appears whole or not at all, so two runs may install the same one at the same time.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import envPaths from 'env-paths';

const execute = promisify(execFile);

/** $SEMCACHE_TEST_TOOLS, or the operating system's place for what a program can fetch again. */
export const toolsFolder = process.env['SEMCACHE_TEST_TOOLS'] || envPaths('semcache-tests', { suffix: '' }).cache;

/**
 * The folder of this tool, filled by `fill` if it is not there. `name` holds the version, so that another version is
 * another folder. @throws what `fill` throws
 */
export async function installedTool(name: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const folder = path.join(toolsFolder, name);
  if (existsSync(folder)) return folder;
  await mkdir(toolsFolder, { recursive: true });
  const making = await mkdtemp(path.join(toolsFolder, `.${name}-`));
  try {
    await fill(making);
    await rename(making, folder).catch(error => {
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  return folder;
}

/** Runs a program to its end. @throws with the last lines that it printed, and `hint` */
export async function runTool(file: string, argv: string[], hint: string, cwd?: string): Promise<string> {
  try {
    const { stdout } = await execute(file, argv, { maxBuffer: 64 * 1024 * 1024, ...(cwd === undefined ? {} : { cwd }) });
    return stdout;
  } catch (error) {
    const failed = error as Error & { stderr?: string; code?: string | number };
    const said = (failed.stderr ?? '').trim().split('\n').slice(-5).join('\n');
    throw new Error(
      failed.code === 'ENOENT'
        ? `${file} is not installed. ${hint}`
        : `${path.basename(file)} ${argv.slice(0, 3).join(' ')} … failed (${failed.code ?? failed.message}). ${hint}\n${said}`,
    );
  }
}
