// What a newcomer does: `npm start`, two prompts typed by hand, Ctrl-C.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { launchChromium } from '../../scripts/chromium.ts';
import { readRecord } from '../../server/protocol/discovery.ts';
import { EditorWindow } from './editorWindow.ts';
import { hitRateIs, reverseList } from './semcache.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

let started: ChildProcess;
let ready: { url: string; workspace: string; dataFolder: string };
let browser: Browser;

beforeAll(async () => {
  // Without a screen, so that a VS Code installed on this machine is not opened; without keys, so that nothing is paid.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/DISPLAY$|^OPENAI_|^ANTHROPIC_/.test(name)));
  started = spawn(process.execPath, ['scripts/run.mjs', 'scripts/start.ts', '--json'], {
    cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'], detached: true,
  });
  const [line] = await once(createInterface(started.stdout!), 'line');
  ready = JSON.parse(line as string);
  browser = await launchChromium(inject('editor').chromium);
});
afterAll(async () => {
  await browser?.close();
  if (started.exitCode === null) process.kill(-started.pid!, 'SIGKILL');
});

test('the two prompts that npm start names give a miss and then a hit', async () => {
  expect(existsSync(path.join(ready.workspace, 'orders.py'))).toBe(true);
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(ready.url);
  const window = new EditorWindow(page, '');
  await window.statusItem(/–$/).waitFor();
  for (const [question, status] of [[reverseList.asked, '○ asked'], [reverseList.reworded, '● cached']] as const) {
    await window.command('Semcache: Ask…');
    await window.typeIntoInputBox(question);
    await page.locator('.view-line').filter({ hasText: status }).first().waitFor();
  }
  await hitRateIs(window, 50);
  await window.screenshot('npm-start');
});

test('Ctrl-C ends the workbench and the daemon and removes what they wrote', async () => {
  const daemon = readRecord(ready.dataFolder)!.pid;
  const exit = once(started, 'exit');
  process.kill(-started.pid!, 'SIGINT');
  expect((await exit)[0]).toBe(0);
  await expect(fetch(ready.url)).rejects.toThrow();
  expect(existsSync(ready.workspace)).toBe(false);
  expect(() => process.kill(daemon, 0)).toThrow('ESRCH');
});
