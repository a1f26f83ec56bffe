import { Writable } from 'node:stream';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { runCommandLine } from '../../../../server/cli/commandLine.ts';

class Output extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

function newFolder(): string {
  const root = mkdtempSync(path.join(os.tmpdir(), 'semcache-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  return path.join(root, 'data');
}

async function ran(args: string[], folder = newFolder()): Promise<{ code: number; stdout: string; stderr: string; opened: boolean }> {
  const [stdout, stderr] = [new Output(), new Output()];
  const code = await runCommandLine(args, { env: { SEMCACHE_DATA: folder }, stdin: process.stdin, stdout, stderr, now: Date.now });
  return { code, stdout: stdout.text, stderr: stderr.text, opened: existsSync(path.join(folder, 'cache.db')) };
}

test.each([
  { args: [], says: 'Usage' },
  { args: ['dance'], says: 'dance' },
  { args: ['lookup'], says: '--prompt' },
  { args: ['lookup', '--prompt', 'p'], says: '--llm-string' },
  { args: ['lookup', '--prompt', 'p', '--llm-string', 'm', '--threshold', '3'], says: 'from 0 to 2' },
  { args: ['lookup', '--prompt', 'p', '--llm-string', 'm', '--threshold', ''], says: 'from 0 to 2' },
  { args: ['update', '--prompt', 'p', '--llm-string', 'm'], says: '--answer' },
  { args: ['update', '--prompt', 'p', '--llm-string', 'm', '--answer', 'a', '--generations', '[]'], says: 'cannot be used with' },
  { args: ['update', '--prompt', 'p', '--llm-string', 'm', '--generations', 'nonsense'], says: 'not JSON' },
  { args: ['update', '--prompt', 'p', '--llm-string', 'm', '--generations', '[{"txt":1}]'], says: 'generations.0.text' },
  { args: ['update', '--prompt', 'p', '--llm-string', 'm', '--generations', '[]'], says: 'generations' },
  { args: ['explain', '--prompt', 'p'], says: '--llm-string' },
  { args: ['explain', '--prompt', 'p', '--llm-string', 'm', '--max-wrong-hit-rate', '1.5'], says: 'from 0 to 1' },
  { args: ['explain', '--prompt', 'p', '--llm-string', 'm', '--matching', 'loose'], says: 'verified' },
  { args: ['clear'], says: '--all' },
  { args: ['clear', '--all', '--llm-string', 'm'], says: 'cannot be used with' },
  { args: ['list', '--limit', 'many'], says: 'whole number' },
  { args: ['list', '--limit', '-1'], says: 'whole number' },
  { args: ['serve', '--port', '70000'], says: '65535' },
  { args: ['serve', '--idle-minutes', 'never'], says: 'number' },
  { args: ['import'], says: 'file' },
  { args: ['stats', '--jsno'], says: '--jsno' },
  { args: ['stats', 'too', 'many'], says: 'too many arguments' },
])('$args ends with code 2, says what is wrong, and opens nothing', async ({ args, says }) => {
  expect(await ran(args)).toEqual({ code: 2, stdout: '', stderr: expect.stringContaining(says), opened: false });
});

test('--help and --version end with code 0', async () => {
  const help = await ran(['--help']);
  expect(help.code).toBe(0);
  for (const command of ['serve', 'lookup', 'explain', 'update', 'clear', 'list', 'stats', 'export', 'import', 'doctor']) expect(help.stdout).toContain(command);
  expect(await ran(['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+/) });
});

test('a usage error under --json is JSON with its code', async () => {
  expect(JSON.parse((await ran(['clear', '--json'])).stderr)).toEqual({ error: { code: 'bad-request', message: expect.stringContaining('--all') } });
});

test('update replaces, keeps several generations whole, and list and clear see them', async () => {
  const folder = newFolder();
  const json = async (...args: string[]): Promise<unknown> => JSON.parse((await ran([...args, '--json'], folder)).stdout);
  const generations = [{ text: 'A', generationInfo: { finish_reason: 'stop', n: 1 } }, { text: 'B', message: { role: 'ai' } }];
  await ran(['update', '--prompt', 'p', '--llm-string', 'm', '--answer', 'old'], folder);
  await ran(['update', '--prompt', 'p', '--llm-string', 'm', '--generations', JSON.stringify(generations)], folder);
  await ran(['update', '--prompt', 'p', '--llm-string', 'other', '--answer', 'C'], folder);
  expect(await json('lookup', '--prompt', 'p', '--llm-string', 'm')).toMatchObject({ status: 'hit', distance: 0, generations });

  expect(await json('list')).toMatchObject({ total: 2, entries: [{ llmString: 'other' }, { llmString: 'm' }] });
  expect((await ran(['list', '--llm-string', 'm'], folder)).stdout).toContain('1 of 1 stored answers.');
  expect(await json('list', '--limit', '1', '--offset', '1')).toMatchObject({ total: 2, entries: [{ llmString: 'm' }] });
  expect(await json('clear', '--llm-string', 'm')).toEqual({ removed: 1 });
  expect(await json('clear', '--all')).toEqual({ removed: 1 });
  expect(await json('list')).toEqual({ total: 0, entries: [] });
});

test('--data goes before SEMCACHE_DATA', async () => {
  const [folder, other] = [newFolder(), newFolder()];
  await ran(['update', '--prompt', 'p', '--llm-string', 'm', '--answer', 'a', '--data', other], folder);
  expect(JSON.parse((await ran(['list', '--json'], other)).stdout)).toMatchObject({ total: 1 });
  expect(existsSync(folder)).toBe(false);
});
