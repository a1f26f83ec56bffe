import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loggable, openLog } from '../../../../server/daemon/log.ts';
import { SemcacheError } from '../../../../server/protocol/errors.ts';
import { FakeClock } from '../../../fakes/fakeClock.ts';

function newFile(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'semcache-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return path.join(folder, 'daemon.log');
}

test('openLog() writes one line an event, for its owner alone, and tells listeners until they leave', () => {
  const file = newFile();
  const printed: string[] = [];
  const told: string[] = [];
  const log = openLog({ file, now: new FakeClock().now, print: line => printed.push(line) });
  const stop = log.onLine((level, text) => told.push(`${level}: ${text}`));
  log.info('first');
  stop();
  log.error('second\nof two lines');
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  expect(lines).toEqual([
    `2026-01-01T00:00:00.000Z ${process.pid} info first`,
    `2026-01-01T00:00:00.000Z ${process.pid} error second | of two lines`,
  ]);
  expect(printed.join('').trimEnd().split('\n')).toEqual(lines);
  expect(told).toEqual(['info: first']);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('openLog() begins a new file at its size, keeps one earlier, and goes on with an existing one', () => {
  const file = newFile();
  const options = { file, maxBytes: 1000, now: Date.now };
  for (let at = 0; at < 20; at += 1) openLog(options).info('x'.repeat(100));
  expect(statSync(file).size).toBeLessThanOrEqual(1000);
  expect(statSync(`${file}.1`).size).toBeLessThanOrEqual(1000);
  expect(existsSync(`${file}.1.1`)).toBe(false);
});

test('openLog() in a folder that is not there loses lines and nothing else', () => {
  const log = openLog({ file: '/nowhere/at/all/daemon.log', now: Date.now });
  const told: string[] = [];
  log.onLine((_level, text) => told.push(text));
  log.info('still told');
  expect(told).toEqual(['still told']);
});

test('loggable() tells our own words, and of any other error nothing that it may quote', () => {
  const secret = 'my secret prompt';
  expect(loggable(new SemcacheError('store-unreachable', 'The disk is full.'))).toBe('store-unreachable: The disk is full.');
  let parseError: unknown;
  try {
    JSON.parse(`{"prompt": ${secret}}`);
  } catch (error) {
    parseError = error;
  }
  expect(String(parseError)).toContain('my secret');
  expect(loggable(parseError)).toMatch(/^SyntaxError\nat /);
  expect(loggable(parseError)).not.toContain('secret');
  expect(loggable(Object.assign(new Error(secret), { code: 'ENOENT', syscall: 'open' }))).toMatch(/^Error ENOENT open\nat /);
  expect(loggable(secret)).not.toContain(secret);
  expect(loggable(new Error(`${secret}\n    at ${secret} (in its text)`))).not.toContain('secret prompt (');
});
