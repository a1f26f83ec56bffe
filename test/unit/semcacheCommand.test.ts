// bin/semcache.mjs: the command on the Node of the machine, old or new.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';

const execute = promisify(execFile);
const bin = fileURLToPath(new URL('../../bin/semcache.mjs', import.meta.url));

/** The Node that the machine has beside ours. */
const machineNode = (process.env['PATH'] ?? '')
  .split(path.delimiter)
  .filter(folder => !folder.includes('node_modules'))
  .map(folder => path.join(folder, process.platform === 'win32' ? 'node.exe' : 'node'))
  .find(existsSync);

const nodes = [
  { which: 'the Node of the tests', node: process.execPath },
  ...(machineNode ? [{ which: 'the Node of the machine', node: machineNode }] : []),
];

describe.each(nodes)('on $which', ({ node }) => {
  test('the command answers on stdout with nothing else there', { timeout: 120_000 }, async () => {
    const data = await mkdtemp(path.join(tmpdir(), 'semcache-command-'));
    onTestFinished(() => rm(data, { recursive: true, force: true }));
    const { stdout } = await execute(node, [bin, 'lookup', '--prompt', 'p', '--llm-string', 'm', '--json', '--data', data]);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'miss' });
  });

  test('a wrong argument ends with a code that is not 0', { timeout: 120_000 }, async () => {
    await expect(execute(node, [bin, 'no-such-verb'])).rejects.toMatchObject({ stdout: '', code: expect.any(Number) });
  });
});
