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
  const here = `${process.platform}-${process.arch}`;
  return pack(targets.includes(here) ? here : 'universal');
}

/** Path of the VSIX that runs everywhere, with embeddings on WebAssembly. */
export function packUniversalVsix(): Promise<string> {
  return pack('universal');
}

async function pack(target: string): Promise<string> {
  const script = path.join(root, 'scripts', 'package.mjs');
  const options = { cwd: root, maxBuffer: 64 * 1024 * 1024, timeout: 300_000 };
  const { stdout } = await execute(process.execPath, [script, '--json', '--target', target], options);
  return (JSON.parse(stdout) as { file: string }).file;
}
