// `npm run clients [part of a name …]`: other people's real tools through the gateway, and one table of what each found.
// Owns: the table. Does not know: what a tool must find (test/gateway/clients, test/clients); they install what they need.
// Always true: a tool that could not be installed, or whose tests did not run, has failed; exits with 0 only if at least one
// tool ran and none failed.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startVitest, type Reporter, type TestModule, type TestSuite } from 'vitest/node';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

interface Row {
  tool: string;
  version: string;
  passed: number;
  tests: number;
  seconds: number;
  /** In a person's words, one line each. */
  problems: string[];
}

const begun = performance.now();
/** When the first of a tool's tests, or its installation, began, and when its last ended. */
const spans = new Map<TestSuite, { from: number; to: number }>();
const clock: Reporter = {
  onTestSuiteReady: suite => void spans.set(suite, { from: performance.now(), to: performance.now() }),
  onTestSuiteResult(suite) {
    const span = spans.get(suite);
    if (span !== undefined) span.to = performance.now();
  },
};

const { modules, problems } = await ran(process.argv.slice(2));
const rows = modules.flatMap(rowsOf);
problems.push(...rows.flatMap(row => row.problems.map(problem => `${row.tool} ${row.version}: ${problem}`)));
for (const line of [...tableOf(rows), '', ...problems.map(problem => `✗ ${problem}`), summaryOf(rows)]) console.log(line);
process.exit(rows.length > 0 && problems.length === 0 ? 0 : 1);

/** Runs the tests whose tool's name holds one of these words; all without any. `problems` belong to no tool. */
async function ran(words: string[]): Promise<{ modules: readonly TestModule[]; problems: string[] }> {
  const chosen = words.length === 0 ? {} : { testNamePattern: words.map(word => word.replace(/[^\w\s]/g, '\\$&')).join('|') };
  const vitest = await startVitest('test', [], { root, config: 'test/clients/vitest.config.ts', watch: false, reporters: ['default', clock], ...chosen });
  const modules = vitest.state.getTestModules();
  // A file that cannot be loaded holds no tool.
  const broken = modules.filter(module => module.children.size === 0).flatMap(module => module.errors().map(({ message }) => `${module.relativeModuleId}: ${oneLine(message)}`));
  const unhandled = vitest.state.getUnhandledErrors().map(error => oneLine(error instanceof Error ? error.message : String(error)));
  await vitest.close();
  return { modules, problems: [...broken, ...unhandled] };
}

/** One a tool that was to run, in the order of the file. A group of tests is called by its tool and, last, the version. */
function rowsOf(module: TestModule): Row[] {
  const rows: Row[] = [];
  for (const suite of module.children.suites()) {
    const [, tool = suite.name, version = ''] = /^(.*) (\d[\w.-]*)$/.exec(suite.name) ?? [];
    const tests = [...suite.children.allTests()].filter(({ options }) => options.mode !== 'skip');
    if (tests.length === 0) continue;
    const failed = tests.flatMap(test => (test.result().errors ?? []).map(({ message }) => `${test.name}: ${oneLine(message)}`));
    const passed = tests.filter(test => test.result().state === 'passed').length;
    const atSetUp = [...module.errors(), ...suite.errors()].map(({ message }) => oneLine(message));
    const problems = [...atSetUp, ...failed];
    if (problems.length === 0 && passed < tests.length) problems.push(`${tests.length - passed} of its tests did not run`);
    const { from, to } = spans.get(suite) ?? { from: 0, to: 0 };
    rows.push({ tool, version, passed, tests: tests.length, seconds: (to - from) / 1000, problems });
  }
  return rows;
}

function oneLine(message: string): string {
  return message.replace(/\s+/g, ' ').trim().slice(0, 500);
}

function tableOf(rows: Row[]): string[] {
  const cells = rows.map(({ tool, version, passed, tests, seconds, problems }) => [
    tool, version, `${passed} of ${tests}`, seconds.toFixed(1), problems.length === 0 ? 'passed' : 'FAILED',
  ]);
  const head = ['tool', 'version', 'tests', 'seconds', ''];
  const widths = head.map((name, at) => Math.max(name.length, ...cells.map(row => row[at]!.length)));
  const line = (row: string[]): string => `| ${row.map((cell, at) => cell.padEnd(widths[at]!)).join(' | ')} |`;
  return ['', line(head), line(widths.map(width => '-'.repeat(width))), ...cells.map(line)];
}

function summaryOf(rows: Row[]): string {
  const failed = rows.filter(({ problems }) => problems.length > 0).length;
  const minutes = (performance.now() - begun) / 60_000;
  return rows.length === 0 ? 'No tool ran.' : `${rows.length - failed} of ${rows.length} passed, ${failed} failed, in ${minutes.toFixed(1)} minutes.`;
}
