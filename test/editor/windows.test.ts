// Two windows share one daemon; a daemon that dies is replaced without a prompt being lost.

import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { poll, type EditorWindow } from './editorWindow.ts';
import { startEditor, type Editor } from './harness.ts';
import { ask, hitRateIs, reverseList } from './semcache.ts';

let editor: Editor;
let first: EditorWindow;
let second: EditorWindow;

beforeAll(async () => {
  editor = await startEditor(inject('editor'));
  first = await editor.open('shop', { 'notes.md': '# Notes\n' });
  await first.statusItem(/–$/).waitFor();
  second = await editor.open('office', { 'notes.md': '# Notes\n' });
  await second.statusItem(/–$/).waitFor();
});
afterEach(context => editor.keepFailure(context));
afterAll(() => editor.stop());

test('an answer asked for in one window comes from the cache in the other, and both show the shared hit rate', async () => {
  expect((await ask(first, reverseList.asked)).status).toMatch(/^○ asked/);
  await hitRateIs(second, 0);
  expect((await ask(second, reverseList.reworded)).status).toMatch(/^● cached/);
  await hitRateIs(first, 50);
  await hitRateIs(second, 50);
});

test('both windows have the same daemon, and it outlives one of them', async () => {
  const pid = editor.daemonPid();
  expect(commandLine(pid!)).toContain('serve');
  await second.close();
  expect((await ask(first, 'What is a Python decorator?')).status).toMatch(/^○ asked/);
  expect(editor.daemonPid()).toBe(pid);
});

test('after kill -9 of the daemon the next prompt is answered, from what was stored, by a new daemon', async () => {
  const killed = editor.daemonPid()!;
  process.kill(killed, 'SIGKILL');
  const answer = await ask(first, 'How can I reverse a Python list?');
  expect(answer.status).toMatch(/^● cached/);
  expect(answer.text).toContain('items.reverse()');
  await poll('another daemon', () => editor.daemonPid() !== killed);
  expect(commandLine(editor.daemonPid()!)).toContain('serve');
});

function commandLine(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
}
