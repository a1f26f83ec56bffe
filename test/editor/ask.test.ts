// The main job: ask twice about code, in other words, and see the second answer come from the cache.

import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { poll, type EditorWindow } from './editorWindow.ts';
import { startEditor, type Editor } from './harness.ts';
import { ask, askAbout, decorationMatching, hitRateIs, reverseList } from './semcache.ts';

const code = 'def total(orders):\n    return sum(order.price for order in orders)\n\n\ndef count(orders):\n    return len(orders)\n';

let editor: Editor;
let window: EditorWindow;

beforeAll(async () => {
  editor = await startEditor(inject('editor'));
  window = await editor.open('shop', { 'orders.py': code });
  await window.openFile('orders.py');
});
afterEach(context => editor.keepFailure(context));
afterAll(() => editor.stop());

test('the installed extension shows itself in the status bar before anything was asked', async () => {
  await window.statusItem(/–$/).waitFor();
  expect(await window.bridge('isActive', { extension: 'semcache.semcache' })).toBe(true);
});

test('a question about a selection is asked, and says so behind the line, in the document and in the status bar', async () => {
  const answer = await askAbout(window, [0, 1], 'What does this function do?');
  expect(answer.status).toMatch(/^○ asked · \d.* · Semcache demo model \(canned answers\)$/);
  expect(answer.text).toContain('Canned answer of the Semcache demo model');
  await decorationMatching(window, /^○ asked · [\d.]+ m?s$/);
  await hitRateIs(window, 0);
  await window.screenshot('ask-miss');
});

test('the same question in other words comes from the cache, and says so everywhere', async () => {
  const answer = await askAbout(window, [0, 1], 'Explain what this function does');
  expect(answer.status).toMatch(/^● cached · .+ · distance 0\.\d\d · /);
  expect(answer.text).toContain('Answered for “What does this function do?”');
  expect(answer.text).toContain('Canned answer of the Semcache demo model');
  const shown = await decorationMatching(window, /^● cached · .+ · distance 0\.\d\d$/);
  await hitRateIs(window, 50);

  const hover = await window.hoverDecoration(shown);
  const text = await hover.innerText();
  expect(text).toContain('What does this function do?');
  expect(text).toMatch(/Distance\s+0\.\d\d/);
  expect(text).toMatch(/Saved\s+\d+ tokens · [\d.]+ s/);
  for (const link of ['Refresh', 'Edit', 'Delete', 'Wrong answer', 'Show entry']) expect(text).toContain(link);
  await window.screenshot('ask-hit-hover');
});

test('the tooltip of the status bar tells the counts and what was saved', async () => {
  const tooltip = await window.hoverStatusItem(/50%$/);
  const text = await tooltip.innerText();
  expect(text).toMatch(/Hits\s+1 \(0 identical, 1 by meaning\)/);
  expect(text).toMatch(/Misses\s+1\b/);
  expect(text).toMatch(/Saved\s+\d+ tokens · [\d.]+ s/);
  expect(text).toMatch(/Last hit\s+distance 0\.\d\d/);
  await window.screenshot('status-tooltip');
});

test('the same words about other code are another question', async () => {
  const answer = await askAbout(window, [4, 5], 'Explain what this function does');
  expect(answer.status).toMatch(/^○ asked/);
});

test('a decoration says so when the code it is about was changed', async () => {
  await window.page.keyboard.press('Escape');
  await window.openFile('orders.py');
  await window.select(1, 1);
  await window.page.keyboard.insertText('    return 0');
  await decorationMatching(window, /^◐ cached · .+ · code changed since$/);
  await poll('the code is as it was', async () => {
    await window.page.keyboard.press('Control+Z');
    return (await window.documents()).some(({ text }) => text === code);
  });
  await decorationMatching(window, /^● cached · /);
});

test('a question without code is answered from the cache when asked in other words', async () => {
  expect((await ask(window, reverseList.asked)).status).toMatch(/^○ asked/);
  const second = await ask(window, reverseList.reworded);
  expect(second.status).toMatch(/^● cached/);
  expect(second.text).toContain('items.reverse()');
});
