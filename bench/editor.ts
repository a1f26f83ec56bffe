// What a person waits for in the editor: a hit on the screen after Enter, and the extension's share of the start.

import { prepareEditor } from '../test/editor/prepareEditor.ts';
import { startEditor } from '../test/editor/harness.ts';
import { activationMs, ask, reverseList, timeToHit } from '../test/editor/semcache.ts';
import { milliseconds, type Row } from './row.ts';

const rewordings = [reverseList.reworded, 'In Python, how do I reverse a list?', 'How can a list be reversed in Python?'];

export async function benchEditor(): Promise<Row[]> {
  const editor = await startEditor(await prepareEditor(line => console.error(line)));
  try {
    const window = await editor.open('bench', { 'notes.md': '# Notes\n' }, { viewport: { width: 1280, height: 1600 } });
    await window.statusItem(/–$/).waitFor();
    const activation = await activationMs(window);
    await window.page.setViewportSize({ width: 1280, height: 800 });
    await ask(window, reverseList.asked);
    const times: number[] = [];
    for (let index = 0; index < 24; index++) times.push(await timeToHit(window, rewordings[index % rewordings.length]!));
    return [
      { name: 'activation of the extension', value: activation, unit: 'ms', what: 'as VS Code itself reports it (loading the code and activate())' },
      ...milliseconds('hit in the editor, Enter to answer on the screen', times, '24 asks, 3 wordings in turn, VS Code in headless Chromium, to a frame'),
    ];
  } finally {
    await editor.stop();
  }
}
