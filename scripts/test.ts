// `npm test`: everything, as CI runs it. The last line is `N passed, N failed`.
// Owns: the order, and what counts as failed. Does not know: what the tests test.
// Always true: exits with 0 only if at least one test ran and nothing failed.

import { spawn } from 'node:child_process';
import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JsonTestResults } from 'vitest/reporters';
import { continueClient, pythonClients } from '../test/gateway/clients/clientTools.ts';
import { findChromium } from './chromium.ts';
import { installPythonPeer, pythonPeers } from './pythonPeers.ts';
import { installRedis } from './redis.ts';
import { installWorkbench } from './workbench.ts';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

let passed = 0;
let failed = 0;

await check('the types fit', () => run('node_modules/typescript/bin/tsc', ['-p', '.']));
await check('generated files are up to date', () => run('scripts/generate.mjs', ['--check']));
await check('the bundles are built', () => run('esbuild.mjs', []));
// What is downloaded, and tests that wait more than they work, leave room for others beside them.
await Promise.all([
  check('VS Code is installed', () => installWorkbench(line => console.log(line))),
  check('Redis servers and the caches that ours is proven against are installed', async () => {
    await installRedis();
    for (const peer of pythonPeers) await installPythonPeer(peer);
  }),
  check('clients that ours is tried with are installed', async () => {
    await pythonClients();
    await continueClient();
  }),
  runTests(['unit', 'contract']),
]);
// After Redis: both may take packages of Debian's, which only one at a time can.
await check('a browser is installed', () => findChromium(line => console.log(line)));
await Promise.all([runTests(['daemon', 'gateway']), runTests(['redis']).then(() => runTests(['editor']))]);

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

/** One step that is not vitest's. */
async function check(what: string, step: () => Promise<unknown>): Promise<void> {
  const begun = performance.now();
  try {
    await step();
    passed++;
    console.log(`✓ ${what} (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed++;
    console.error(`✗ ${what}: ${error instanceof Error ? error.message : error}`);
  }
}

/** Tests of vitest's projects. Their output comes when they are over, so that it stays together. */
async function runTests(projects: string[]): Promise<void> {
  const resultsFile = path.join(root, 'build', `test-results-${projects.join('-')}.json`);
  await mkdir(path.dirname(resultsFile), { recursive: true });
  await rm(resultsFile, { force: true });
  const vitest = ['run', ...projects.flatMap(name => ['--project', name]), '--reporter=default', '--reporter=json', `--outputFile.json=${resultsFile}`];
  const problem = await run('node_modules/vitest/vitest.mjs', vitest, 'together').then(() => null, messageOf);
  const results = await readFile(resultsFile, 'utf8').then(text => JSON.parse(text) as JsonTestResults, () => null);

  const ran = (results?.numPassedTests ?? 0) + (results?.numFailedTests ?? 0);
  // A file that cannot be loaded, or whose set-up fails, holds no test that could be counted.
  const brokenFiles = results?.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some(test => test.status === 'failed'),
  );
  for (const { name, message } of brokenFiles ?? []) console.error(`✗ ${path.relative(root, name)}: ${message}`);
  const counted = (results?.numFailedTests ?? 0) + (brokenFiles?.length ?? 0);
  passed += results?.numPassedTests ?? 0;
  failed += counted;
  if (ran === 0 || (problem && counted === 0)) {
    failed++;
    console.error(`✗ vitest, ${projects.join(' and ')}: ${ran === 0 ? 'no test ran' : problem}`);
  }
}

function messageOf(error: Error): string {
  return error.message;
}

/** Runs a script of ours or of a package on this Node, in the project's folder. @throws when it ends with another code than 0. */
function run(script: string, options: string[], output: 'at once' | 'together' = 'at once'): Promise<void> {
  const pipe = output === 'together' ? 'pipe' : 'inherit';
  const child = spawn(process.execPath, [path.join(root, script), ...options], { cwd: root, stdio: ['ignore', pipe, pipe] });
  const said: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => said.push(chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', code => {
      process.stdout.write(Buffer.concat(said));
      if (code === 0) resolve();
      else reject(new Error(`${script} ended with code ${code}`));
    });
  });
}
