// Trust: a similar answer is offered and never served, the person's word on it counts, every answer explains itself,
// and how careful the cache is can be chosen.

import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { fileName } from '../../client/view/entryDocument.ts';
import { defaultCacheSettings } from '../../server/protocol/settings.ts';
import { FakeProvider } from '../fakes/fakeProvider.ts';
import { poll, type EditorWindow } from './editorWindow.ts';
import { startEditor, type Editor } from './harness.ts';
import { codePairs, generalPairs, nearPairs, type NearPair } from './nearPairs.ts';
import { answerText, ask, askAbout, askInChat, decorationMatching } from './semcache.ts';

/** The strictest step: much is near enough to be offered. */
const careful = { ...defaultCacheSettings, maxWrongHitRate: 0.005 };
const code = 'def total(orders):\n    return sum(order.price for order in orders)';
const lenses = ['Show it', 'Same question', 'Not the same'];

let provider: FakeProvider;
let editor: Editor;
let window: EditorWindow;
let pairs: NearPair[];
let aboutCode: NearPair;

beforeAll(async () => {
  pairs = await nearPairs(4, generalPairs, careful);
  [aboutCode] = (await nearPairs(1, codePairs, careful, [{ kind: 'selection', uri: 'orders.py', text: code }])) as [NearPair];
  provider = await FakeProvider.open();
  editor = await startEditor(inject('editor'), {
    settings: { 'semcache.maxWrongHitRate': careful.maxWrongHitRate },
    env: { OPENAI_API_KEY: 'test-key', OPENAI_BASE_URL: provider.url },
  });
  window = await editor.open('shop', { 'orders.py': `${code}\n` });
  await window.statusItem(/–$/).waitFor();
});
beforeEach(async () => {
  provider.reply = question => `Answer to: ${question}`;
  await window.command('View: Close All Editors');
  await window.command('Notifications: Clear All Notifications');
});
afterEach(context => editor.keepFailure(context));
afterAll(async () => {
  await editor.stop();
  await provider.close();
});

/** Waits until the answer document says this. */
function answerSays(pattern: RegExp): Promise<string> {
  return poll(`the answer document says ${pattern}`, async () => {
    const text = await answerText(window);
    return text !== null && pattern.test(text) ? text : null;
  });
}

/** The text of the open document whose name begins so. */
function document(name: string): Promise<string> {
  return poll(`the document “${name}…” is open`, async () => {
    const found = (await window.documents()).find(({ uri }) => decodeURIComponent(uri).startsWith(`semcache-view:/${name}`));
    return found?.text;
  });
}

/** Asks the pair's first question, then the second, and resolves to the document of the second. */
async function askBoth({ asked, reworded }: NearPair): Promise<string> {
  await ask(window, asked);
  expect((await ask(window, reworded)).status).toMatch(/^○ asked/);
  return answerSays(/A similar question was answered/);
}

/** The fresh answer that was stored for the question in the document goes, so that only the similar one is left. */
async function deleteOwnAnswer(): Promise<void> {
  await window.command('Semcache: Delete Entry');
  await window.notification(/is deleted\.$/).waitFor();
}

test('a similar answer is offered while the fresh one is awaited, can be shown, and is not served', async () => {
  const { asked, reworded } = pairs[0]!;
  await ask(window, asked);
  let release = (): void => undefined;
  const held = new Promise<void>(resolve => (release = resolve));
  provider.reply = async question => held.then(() => `Fresh answer to: ${question}`);
  await window.command('Semcache: Ask…');
  await window.typeIntoInputBox(reworded);
  const offered = await answerSays(/A similar question was answered/);
  expect(offered).toMatch(/^○ asking…/);
  expect(offered).toContain(`“${asked}”`);
  for (const title of [...lenses, 'Stop']) await window.lens(title).waitFor();
  await window.screenshot('trust-offer-while-asking');

  release();
  const settled = await answerSays(/^○ asked/);
  expect(settled).toContain(`Fresh answer to: ${reworded}`);
  expect(settled).toContain('A similar question was answered');
  for (const title of [...lenses, 'Why?']) await window.lens(title).waitFor();
  await window.screenshot('trust-offer');

  await window.lens('Show it').click();
  expect(await document('Entry')).toContain(`Answer to: ${asked}`);
  await window.screenshot('trust-shown');
});

test('Same question: from then on the similar answer is a hit, and the document says what was said', async () => {
  const { asked, reworded } = pairs[0]!;
  await ask(window, reworded);
  await window.command('Semcache: Refresh Cached Answer');
  await answerSays(/^○ asked/);
  await deleteOwnAnswer();
  await ask(window, reworded);
  await answerSays(/A similar question was answered/);
  await window.lens('Same question').click();
  await window.notification('From now on this question is answered from the cache.').waitFor();
  expect(await answerSays(/You said: the same question/)).toMatch(/^○ asked/);
  await window.lens('Same question').waitFor({ state: 'detached' });
  await window.screenshot('trust-same-question');

  await deleteOwnAnswer();
  const hit = await ask(window, reworded);
  expect(hit.status).toMatch(/^● cached/);
  expect(hit.text).toContain(`Answer to: ${asked}`);
});

test('Wrong Answer takes back what was called the same: it asks again, and the pair never meets any more', async () => {
  const { asked, reworded } = pairs[0]!;
  expect((await ask(window, reworded)).status).toMatch(/^● cached/);
  provider.reply = question => `Better answer to: ${question}`;
  await window.command('Semcache: Wrong Answer: Ask Again and Replace');
  await answerSays(new RegExp(`^○ asked[^]*Better answer to`));
  await deleteOwnAnswer();
  const again = await ask(window, reworded);
  expect(again.status).toMatch(/^○ asked/);
  expect(again.text).not.toContain('A similar question was answered');
  expect((await ask(window, asked)).status).toMatch(/^● cached/);
});

test('Not the same: the offer is gone, and never comes again', async () => {
  const { reworded } = pairs[1]!;
  await askBoth(pairs[1]!);
  await window.lens('Not the same').click();
  const said = await answerSays(/You said: not the same question/);
  expect(said).not.toContain('A similar question was answered');
  for (const title of lenses) await window.lens(title).waitFor({ state: 'detached' });
  await window.screenshot('trust-not-the-same');
  await deleteOwnAnswer();
  const again = await ask(window, reworded);
  expect(again.status).toMatch(/^○ asked/);
  expect(again.text).not.toContain('similar question');
});

test('Explain This Answer names the candidates, what had to be equal, and what can be done', async () => {
  const { asked, reworded } = pairs[2]!;
  await askBoth(pairs[2]!);
  await window.lens('Why?').click();
  const text = await document(`Why – ${fileName(reworded)}`);
  expect(text).toContain(`> ${reworded}`);
  expect(text).toMatch(/\| 1 +\| offered +\| 0\.\d\d +\| \d+\.\d % +\| \d+\.\d % +\| /);
  expect(text).toContain(`1. “${asked}”`);
  expect(text).toContain('the model: gpt-4o-mini');
  expect(text).toContain('- semcache.maxWrongHitRate: 0.005');
  expect(text).toContain('- “Same question” gives the similar answer');
  for (const title of [...lenses, 'Choose how careful…']) await window.lens(title).waitFor();
  await window.screenshot('trust-explain-near');

  await window.command('View: Close All Editors');
  await ask(window, asked);
  await window.command('Semcache: Explain This Answer');
  await poll('the hit is explained', async () => (await document(`Why – ${fileName(asked)}`)).includes('**Served from the cache**'));
  for (const title of ['Wrong answer', 'Choose how careful…']) await window.lens(title).waitFor();
  await window.screenshot('trust-explain-hit');
});

test('the hover of a line says why, and offers the similar answer', async () => {
  await window.openFile('orders.py');
  await askAbout(window, [0, 1], aboutCode.asked);
  await askAbout(window, [0, 1], aboutCode.reworded);
  const hover = await window.hoverDecoration(await decorationMatching(window, /^○ asked/));
  const text = await hover.innerText();
  expect(text).toMatch(/^○ asked.*\n+.*probability.*Why\?/);
  expect(text).toContain(`A similar question was answered`);
  expect(text).toContain(`“${aboutCode.asked}”`);
  for (const link of lenses) expect(text).toContain(link);
  await window.screenshot('trust-hover');
});

test('Explain This Answer says what differs where the same words were asked about something else', async () => {
  await window.openFile('orders.py');
  await askAbout(window, [0, 1], aboutCode.asked);
  await window.command('View: Close All Editors');
  await ask(window, aboutCode.asked);
  await window.command('Semcache: Explain This Answer');
  const text = await document(`Why – ${fileName(aboutCode.asked)}`);
  expect(text).toMatch(/## The same words elsewhere\n\n- “.*”, answered .*: .*orders\.py/);
  await window.screenshot('trust-explain-elsewhere');
});

test('@semcache offers the similar answer above the fresh one', async () => {
  const { asked, reworded } = pairs[3]!;
  await askInChat(window, asked);
  await window.newChat();
  const reply = await askInChat(window, reworded);
  expect(reply).toMatch(/A similar question was answered[^]*Show it · Same question · Not the same[^]*Answer to: [^]*○ asked/);
  expect(reply).toContain('Why?');
  await window.screenshot('trust-chat');
  await window.chatReplies.last().getByText('Same question', { exact: true }).click();
  await window.notification('From now on this question is answered from the cache.').waitFor();
});

test('Choose How Careful… lists measured figures and marks the one in force, and picking writes the settings', async () => {
  await window.command('Semcache: Choose How Careful…');
  await window.quickPick('Exact only').waitFor();
  const rows = await window.page.locator('.quick-input-list .monaco-list-row').allInnerTexts();
  expect(rows.length).toBeGreaterThanOrEqual(4);
  for (const row of rows.slice(1)) expect(row).toMatch(/: [\d.]+ in 100\s*serves \d+[^]*wrong in 100 served by meaning \(measured; upper limit [\d.]+\)/);
  await window.screenshot('trust-care');
  await window.quickPick('Exact only').click();
  await (await window.hoverStatusItem(/%$/)).getByText('exact only').waitFor();
  await window.screenshot('trust-care-status');
  const { reworded } = pairs[3]!;
  await ask(window, `${reworded} Please.`);
  expect(await answerSays(/^○ asked/)).not.toContain('similar question');

  await window.command('Semcache: Choose How Careful…');
  await window.quickPick('default').click();
  await (await window.hoverStatusItem(/%$/)).getByText('up to 1 wrong in 100').waitFor();
});
