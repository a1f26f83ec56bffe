// Semcache's own VSIX, made from the sources as they are now.

import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { targets } from './vsixFiles.mjs';

const execute = promisify(execFile);
const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** Path of the VSIX of this platform, where there is one, else of the universal one. @throws with what the packaging said. */
export async function packOwnVsix(say: (line: string) => void): Promise<string> {
  say('Building and packing Semcache …');
  const script = path.join(root, 'scripts', 'package.mjs');
  const here = `${process.platform}-${process.arch}`;
  const target = targets.includes(here) ? here : 'universal';
  const { stdout } = await execute(process.execPath, [script, '--json', '--target', target], { cwd: root, maxBuffer: 64 * 1024 * 1024, timeout: 300_000 });
  return (JSON.parse(stdout) as { file: string }).file;
}
