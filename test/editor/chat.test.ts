// The chat view: @semcache without any account, and what it shares with the commands.

import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import type { EditorWindow } from './editorWindow.ts';
import { startEditor, type Editor } from './harness.ts';
import { askInChat, hitRateIs, reverseList } from './semcache.ts';

let editor: Editor;
let window: EditorWindow;

beforeAll(async () => {
  editor = await startEditor(inject('editor'));
  window = await editor.open('shop', { 'notes.md': '# Notes\n' });
  await window.statusItem(/–$/).waitFor();
});
afterEach(context => editor.keepFailure(context));
afterAll(() => editor.stop());

test('@semcache asks a new question and answers it from the cache in other words', async () => {
  const first = await askInChat(window, reverseList.asked);
  expect(first).toMatch(/○ asked · /);
  expect(first).toContain('items.reverse()');
  await window.newChat();
  const second = await askInChat(window, reverseList.reworded);
  expect(second).toMatch(/● cached · .+ · distance 0\.\d\d/);
  expect(second).toContain('items.reverse()');
  await hitRateIs(window, 50);
  await window.screenshot('chat-hit');
});

test('a question in a chat that goes on is another question, and the reply says why', async () => {
  const third = await askInChat(window, reverseList.asked);
  expect(third).toMatch(/○ asked · /);
  expect(third).toContain('Earlier turns of this chat are part of the question.');
});

test('@semcache /fresh skips the cache', async () => {
  await window.newChat();
  expect(await askInChat(window, `/fresh ${reverseList.asked}`)).toMatch(/○ asked · /);
});
