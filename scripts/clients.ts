// `npm run clients [part of a name …]`: other people's real tools through the gateway, and one table of what each found.
// Owns: the table. Does not know: what a tool must find (test/gateway/clients, test/clients); they install what they need.
// Always true: exits with 0 only if at least one tool ran and nothing failed.

import { spawn } from 'node:child_process';
import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JsonTestResults } from 'vitest/reporters';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const resultsFile = path.join(root, 'build', 'client-results.json');

interface Row {
  tool: string;
  version: string;
  passed: string[];
  failed: string[];
}

await mkdir(path.dirname(resultsFile), { recursive: true });
await rm(resultsFile, { force: true });
const code = await vitest(process.argv.slice(2));
const results = await readFile(resultsFile, 'utf8').then(text => JSON.parse(text) as JsonTestResults, () => null);
const rows = rowsOf(results);
for (const line of tableOf(rows)) console.log(line);
process.exit(code === 0 && rows.length > 0 ? 0 : 1);

/** Runs the tests whose tool's name holds one of these words; all without any. */
function vitest(words: string[]): Promise<number> {
  const chosen = words.length === 0 ? [] : ['--testNamePattern', words.map(word => word.replace(/[^\w\s]/g, '\\$&')).join('|')];
  const options = ['run', '--config', 'test/clients/vitest.config.ts', '--reporter=default', '--reporter=json', `--outputFile.json=${resultsFile}`, ...chosen];
  const child = spawn(process.execPath, [path.join(root, 'node_modules/vitest/vitest.mjs'), ...options], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', exitCode => resolve(exitCode ?? 1));
  });
}

/** One a tool, in the order in which they ran. A group of tests is called by its tool and, last, the version. */
function rowsOf(ran: JsonTestResults | null): Row[] {
  const byTool = new Map<string, Row>();
  for (const { ancestorTitles, title, status } of (ran?.testResults ?? []).flatMap(({ assertionResults }) => assertionResults)) {
    const [, tool, version] = /^(.*) (\d[\w.-]*)$/.exec(ancestorTitles[0] ?? '') ?? [];
    if (tool === undefined || version === undefined || (status !== 'passed' && status !== 'failed')) continue;
    const row = byTool.get(`${tool} ${version}`) ?? { tool, version, passed: [], failed: [] };
    row[status].push(title);
    byTool.set(`${tool} ${version}`, row);
  }
  return [...byTool.values()];
}

function tableOf(rows: Row[]): string[] {
  if (rows.length === 0) return ['No tool ran.'];
  const cells = rows.map(({ tool, version, passed, failed }) => [tool, version, `${passed.length} of ${passed.length + failed.length}`, failed.join('; ')]);
  const head = ['tool', 'version', 'passed', 'failed'];
  const widths = head.map((name, at) => Math.max(name.length, ...cells.map(row => row[at]!.length)));
  const line = (row: string[]): string => `| ${row.map((cell, at) => cell.padEnd(widths[at]!)).join(' | ')} |`;
  return ['', line(head), line(widths.map(width => '-'.repeat(width))), ...cells.map(line)];
}
