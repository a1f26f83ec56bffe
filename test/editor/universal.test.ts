// The VSIX for every platform: embeddings on WebAssembly, with nothing to warn of.

import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { packUniversalVsix } from '../../scripts/ownVsix.ts';
import type { EditorWindow } from './editorWindow.ts';
import { startEditor, type Editor } from './harness.ts';
import { ask, hitRateIs, reverseList } from './semcache.ts';

let editor: Editor;
let window: EditorWindow;

beforeAll(async () => {
  const prepared = inject('editor');
  editor = await startEditor({ ...prepared, own: await packUniversalVsix() });
  window = await editor.open('shop', { 'notes.md': '# Notes\n' });
  await window.statusItem(/–$/).waitFor();
});
afterEach(context => editor.keepFailure(context));
afterAll(() => editor.stop());

test('the universal VSIX answers a reworded question from the cache and warns of nothing', async () => {
  expect((await ask(window, reverseList.asked)).status).toMatch(/^○ asked/);
  expect((await ask(window, reverseList.reworded)).status).toMatch(/^● cached/);
  await hitRateIs(window, 50);
  const tooltip = await (await window.hoverStatusItem(/50%$/)).innerText();
  expect(tooltip).toMatch(/Embedding\s+ready/);
  expect(tooltip).not.toContain('Restart daemon');
});
