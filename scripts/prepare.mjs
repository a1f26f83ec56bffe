// Makes a checkout ready to run: dependencies and bundles.
// Always true: needs nothing but the built-ins of Node 20; says what it does on stderr, and nothing when there is nothing to do.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** The Node that comes with the dependencies. */
export const node24 = path.join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

/** Installs what is missing and builds what is older than its sources. @throws when either fails */
export async function prepare({ needsNode24 }) {
  if ((await isBuilt()) && (!needsNode24 || existsSync(node24))) return;
  process.stderr.write('Building Semcache …\n');
  // run.mjs sees to the dependencies first.
  const code = await runOnStderr(process.execPath, [path.join(root, 'scripts', 'run.mjs'), 'esbuild.mjs']);
  if (code !== 0) throw new Error(`Semcache could not be built (exit code ${code}); see the messages above.`);
}

async function isBuilt() {
  const built = await changedAt('dist/server/main.cjs');
  const sources = ['esbuild.mjs', 'package.json', 'package-lock.json', ...(await filesIn('client')), ...(await filesIn('server'))];
  return Math.max(...(await Promise.all(sources.map(changedAt)))) < built;
}

/** Milliseconds since 1970; 0 for a file that is not there. */
async function changedAt(file) {
  return (await stat(path.resolve(root, file)).catch(() => null))?.mtimeMs ?? 0;
}

async function filesIn(folder) {
  const entries = await readdir(path.join(root, folder), { recursive: true, withFileTypes: true });
  return entries.filter(entry => entry.isFile()).map(entry => path.join(entry.parentPath, entry.name));
}

function runOnStderr(command, commandArguments) {
  const child = spawn(command, commandArguments, { cwd: root, stdio: ['ignore', process.stderr, process.stderr] });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', code => resolve(code ?? 1));
  });
}
