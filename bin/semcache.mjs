#!/usr/bin/env node
// The `semcache` command on any Node from 20 on, from a fresh clone as from a built one.
// Owns: finding a Node with node:sqlite, and building what is not built. Does not know: what the command does (server/main.ts).
// Always true: needs nothing but the built-ins of Node 20; stdout belongs to the command alone.

import { spawn } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { node24, prepare } from '../scripts/prepare.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const main = path.join(root, 'dist', 'server', 'main.cjs');

await prepare({ needsNode24: !hasSqlite() });
if (hasSqlite()) await runHere();
else await runOn(node24);

/** node:sqlite needs no flag from 22.13 on. */
function hasSqlite() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 13);
}

async function runHere() {
  process.argv[1] = main;
  await import(pathToFileURL(main));
}

/** Signals of the terminal reach the child by themselves; those sent to us alone are passed on. */
async function runOn(node) {
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  process.exitCode = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}
