// What a person can do about a stored answer: refresh, edit, delete, say that it is wrong, clear.

import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { FakeProvider } from '../fakes/fakeProvider.ts';
import { poll, type EditorWindow } from './editorWindow.ts';
import { startEditor, type Editor } from './harness.ts';
import { ask, askAbout, decorationMatching, settledAnswer } from './semcache.ts';

const code = 'def total(orders):\n    return sum(order.price for order in orders)\n';
const lines: [number, number] = [0, 1];
const question = 'What does this function do?';
const reworded = 'Explain what this function does';

let provider: FakeProvider;
let editor: Editor;
let window: EditorWindow;

beforeAll(async () => {
  provider = await FakeProvider.open();
  editor = await startEditor(inject('editor'), { env: { OPENAI_API_KEY: 'test-key', OPENAI_BASE_URL: provider.url } });
  window = await editor.open('shop', { 'orders.py': code });
  await window.statusItem(/–$/).waitFor();
});
afterEach(context => editor.keepFailure(context));
afterAll(async () => {
  await editor.stop();
  await provider.close();
});

/** Every test begins with a question that was just asked and stored, and the cursor in its code. */
beforeEach(async () => {
  await window.command('View: Close All Editors');
  await window.openFile('orders.py');
  if ((await askAbout(window, lines, question)).status.startsWith('●')) {
    await window.command('Semcache: Delete Entry');
    await poll('the deleted entry has no decoration', async () => (await window.decorationTexts()).every(text => !/cached|asked/.test(text)));
    await askAbout(window, lines, question);
  }
});

test('Refresh asks the model again and replaces the stored answer', async () => {
  const before = provider.seen.length;
  await window.command('Semcache: Refresh Cached Answer');
  await poll('the model was asked again', () => provider.seen.length === before + 1);
  await decorationMatching(window, /^○ asked/);
  const next = await askAbout(window, lines, reworded);
  expect(next.status).toMatch(/^● cached/);
  expect(next.text).toContain(`Answer ${before + 1} to:`);
});

test('Edit opens the answer, and saving it changes what the next hit shows', async () => {
  await window.command('Semcache: Edit Cached Answer');
  await poll('the stored answer is open', async () => (await window.bridge<string | null>('active'))?.startsWith('semcache-entry:'));
  await window.page.keyboard.press('Control+A');
  await window.page.keyboard.insertText('It adds up the prices. (Checked by Ann.)');
  await window.page.keyboard.press('Control+S');
  await poll('the answer is saved', async () => (await window.documents()).every(({ dirty }) => !dirty));
  await window.openFile('orders.py');
  const next = await askAbout(window, lines, reworded);
  expect(next.status).toMatch(/^● cached/);
  expect(next.text).toContain('It adds up the prices. (Checked by Ann.)');
});

test('Delete removes the answer and its decoration, and the next ask goes to the model', async () => {
  const before = provider.seen.length;
  await window.command('Semcache: Delete Entry');
  await poll('the decoration is gone', async () => (await window.decorationTexts()).every(text => !/cached|asked/.test(text)));
  expect((await askAbout(window, lines, reworded)).status).toMatch(/^○ asked/);
  expect(provider.seen).toHaveLength(before + 1);
});

test('Wrong Answer asks again, and the pair of questions never matches any more', async () => {
  const hit = await askAbout(window, lines, reworded);
  expect(hit.status).toMatch(/^● cached/);
  const before = provider.seen.length;
  await window.command('Semcache: Wrong Answer: Ask Again and Replace');
  await poll('the model was asked again', () => provider.seen.length === before + 1);
  expect((await settledAnswer(window, reworded, `${hit.status}\n${hit.text}`)).text).toContain(`Answer ${before + 1} to:`);
  // With its own answer gone, the reworded question has only the first one's left, which was wrong for it.
  await window.command('Semcache: Delete Entry');
  expect((await askAbout(window, lines, reworded)).status).toMatch(/^○ asked/);
  expect((await askAbout(window, lines, question)).status).toMatch(/^● cached/);
});

test('Clear Cache names the number, asks first, and then nothing is stored', async () => {
  await ask(window, 'What is a decorator in Python?');
  await window.command('Semcache: Clear Cache…');
  await window.quickPick('All').click();
  await window.dialog.waitFor();
  expect(await window.dialog.innerText()).toMatch(/Delete \d+ cached answers of all workspaces and models\?/);
  await window.screenshot('clear-dialog');
  await window.dialog.getByRole('button', { name: 'Cancel' }).click();
  expect((await askAbout(window, lines, question)).status).toMatch(/^● cached/);

  await window.command('Semcache: Clear Cache…');
  await window.quickPick('All').click();
  await window.dialog.getByRole('button', { name: 'Delete' }).click();
  await window.notification(/\d+ cached answers deleted\./).waitFor();
  expect((await askAbout(window, lines, question)).status).toMatch(/^○ asked/);
});
