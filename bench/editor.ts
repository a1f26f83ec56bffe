// What a person waits for in the editor: a hit on the screen after Enter, and the extension's share of the start.

import { prepareEditor } from '../test/editor/prepareEditor.ts';
import { startEditor } from '../test/editor/harness.ts';
import { ask, reverseList, timeToHit } from '../test/editor/semcache.ts';
import { milliseconds, type Row } from './row.ts';

const rewordings = [reverseList.reworded, 'In Python, how do I reverse a list?', 'How can a list be reversed in Python?'];

const windows = 9;

export async function benchEditor(): Promise<Row[]> {
  const editor = await startEditor(await prepareEditor(line => console.error(line)));
  try {
    const starts: number[] = [];
    const startsBeside: number[] = [];
    for (let index = 0; index < windows; index++) {
      const window = await editor.open(`start ${index}`, { 'notes.md': '# Notes\n' }, { viewport: { width: 1280, height: 1600 } });
      await window.statusItem(/–$/).waitFor();
      starts.push(await window.activationMs('Semcache'));
      startsBeside.push(await window.activationMs('Another extension'));
      await window.page.context().close();
    }
    const window = await editor.open('bench', { 'notes.md': '# Notes\n' });
    await window.statusItem(/–$/).waitFor();
    await ask(window, reverseList.asked);
    const times: number[] = [];
    for (let index = 0; index < 24; index++) times.push(await timeToHit(window, rewordings[index % rewordings.length]!));
    return [
      ...milliseconds('activation of the extension', starts, `from the wish to load the code to the end of activate(), as VS Code itself reports it: others that start at the same time count in it; ${windows} windows one after the other`),
      ...milliseconds('activation of an extension of 3 KB beside it', startsBeside, 'the same windows, the same clock: what an extension that does nearly nothing is said to take'),
      ...milliseconds('hit in the editor, Enter to answer on the screen', times, '24 asks, 3 wordings in turn, VS Code in headless Chromium, to a frame'),
    ];
  } finally {
    await editor.stop();
  }
}
