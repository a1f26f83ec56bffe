// `npm run screenshots`: the README's pictures, made in a real workbench with the demo model, into docs/images/.

import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultCacheSettings } from '../server/protocol/settings.ts';
import { startEditor } from '../test/editor/harness.ts';
import { generalPairs, nearPairs } from '../test/editor/nearPairs.ts';
import { prepareEditor } from '../test/editor/prepareEditor.ts';
import { ask, askAbout, askInChat, decorationMatching, hitRateIs, reverseList } from '../test/editor/semcache.ts';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const images = path.join(root, 'docs', 'images');
const wide = { width: 1200, height: 400 };

const [near] = await nearPairs(1, generalPairs, defaultCacheSettings);
const editor = await startEditor(await prepareEditor(line => console.log(line)), {
  settings: {
    'workbench.colorTheme': 'Dark Modern',
    'workbench.activityBar.location': 'hidden',
    'workbench.layoutControl.enabled': false,
    'window.commandCenter': false,
    'breadcrumbs.enabled': false,
    'editor.lightbulb.enabled': 'off',
    'editor.renderWhitespace': 'none',
    'editor.fontFamily': 'DejaVu Sans Mono',
    'editor.fontSize': 12,
    'editor.scrollbar.horizontal': 'hidden',
    'editor.scrollbar.vertical': 'hidden',
    'editor.lineNumbers': 'off',
    'editor.folding': false,
    'chat.viewSessions.enabled': false,
  },
});
try {
  await mkdir(images, { recursive: true });
  const files = { 'orders.py': await readFile(path.join(root, 'sample', 'orders.py'), 'utf8') };
  const window = await editor.open('shop', files, { viewport: wide, deviceScaleFactor: 1.5 });
  const { page } = window;
  const picture = async (name: string, clip?: { x: number; y: number; width: number; height: number }) => {
    await page.waitForTimeout(500); // Hovers fade in.
    await page.screenshot({ path: path.join(images, `${name}.png`), ...(clip ? { clip } : {}) });
  };

  await window.openFile('orders.py');
  await window.command('View: Toggle Primary Side Bar Visibility');
  await askAbout(window, [3, 5], 'What does this function do?');
  await askAbout(window, [3, 5], 'Explain what this function does');
  const shown = await decorationMatching(window, /^● cached/);
  await window.select(7, 7);
  await page.mouse.move(300, 350);
  await hitRateIs(window, 50);
  await page.locator('.codelens-decoration').filter({ hasText: 'Show entry' }).waitFor();
  await picture('hit');

  const hover = await window.hoverDecoration(shown);
  await picture('hover', around(await hover.boundingBox(), 12));
  await page.mouse.move(wide.width - 200, wide.height - 100);

  const tooltip = await window.hoverStatusItem(/%$/);
  const box = around(await tooltip.boundingBox(), 12);
  await picture('status', { ...box, height: wide.height - box.y });

  await window.command('View: Close All Editors');
  await ask(window, near!.asked);
  await ask(window, near!.reworded);
  await window.lens('Not the same').waitFor();
  await window.lens('Show entry').waitFor();
  await picture('offer');
  await page.setViewportSize({ width: wide.width, height: 760 });
  await window.lens('Why?').click();
  await window.tab('Why –').waitFor();
  await window.lens('Choose how careful…').waitFor();
  await page.mouse.move(wide.width - 200, 600);
  await picture('explanation');

  await ask(window, reverseList.asked);
  await window.command('View: Close All Editors');
  await page.setViewportSize({ width: 560, height: 720 });
  await window.command('Chat: Open Chat');
  await window.command('View: Maximize Secondary Side Bar');
  await askInChat(window, reverseList.reworded);
  await picture('chat', around(await page.locator('.part.auxiliarybar').boundingBox(), 0));
} finally {
  await editor.stop();
}
process.exit();

function around(box: { x: number; y: number; width: number; height: number } | null, margin: number) {
  if (!box) throw new Error('What the picture shows is not on the screen.');
  const x = Math.max(0, box.x - margin);
  const y = Math.max(0, box.y - margin);
  return { x, y, width: box.x + box.width + margin - x, height: box.y + box.height + margin - y };
}
