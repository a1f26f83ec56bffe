// Semcache as a language model: any other extension gets cached answers by picking it.

import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { poll, type EditorWindow } from './editorWindow.ts';
import { startEditor, type Editor } from './harness.ts';
import { hitRateIs, reverseList } from './semcache.ts';

interface Model {
  id: string;
  name: string;
  vendor: string;
}
interface Reply {
  text: string;
  ms: number;
}

let editor: Editor;
let window: EditorWindow;
const selector = { vendor: 'semcache' };

beforeAll(async () => {
  editor = await startEditor(inject('editor'));
  window = await editor.open('shop', { 'notes.md': '# Notes\n' });
});
afterEach(context => editor.keepFailure(context));
afterAll(() => editor.stop());

test('another extension finds the cached model, and no cached model of a cached model', async () => {
  const models = await poll('a model of Semcache', async () => {
    const found = await window.bridge<Model[]>('models', { selector });
    return found.length > 0 ? found : null;
  });
  expect(models.map(({ name }) => name)).toEqual(['Semcache demo model (canned answers) (cached)']);
  expect(await window.bridge('models')).toHaveLength(1);
});

test('sendRequest() of another extension is answered once by the model and then by the cache', async () => {
  const first = await window.bridge<Reply>('ask', { selector, text: reverseList.asked });
  expect(first.text).toContain('items.reverse()');
  await hitRateIs(window, 0);
  const second = await window.bridge<Reply>('ask', { selector, text: reverseList.reworded });
  expect(second.text).toBe(first.text);
  await hitRateIs(window, 50);
});
