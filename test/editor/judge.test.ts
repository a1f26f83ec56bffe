// A small model that the person chose decides a question which the cache is not sure of.

import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { defaultCacheSettings } from '../../server/protocol/settings.ts';
import { FakeProvider } from '../fakes/fakeProvider.ts';
import { poll, type EditorWindow } from './editorWindow.ts';
import { startEditor, type Editor } from './harness.ts';
import { generalPairs, nearPairs, type NearPair } from './nearPairs.ts';
import { ask } from './semcache.ts';

const careful = { ...defaultCacheSettings, maxWrongHitRate: 0.005 };
let provider: FakeProvider;
let editor: Editor;
let window: EditorWindow;
let pairs: NearPair[];
const askedOf = (model: string): number => provider.seen.filter(({ body }) => body.model === model).length;

beforeAll(async () => {
  pairs = await nearPairs(2, generalPairs, careful);
  provider = await FakeProvider.open();
  editor = await startEditor(inject('editor'), {
    settings: { 'semcache.maxWrongHitRate': careful.maxWrongHitRate, 'semcache.judge': 'http:openai/tiny' },
    env: { OPENAI_API_KEY: 'test-key', OPENAI_BASE_URL: provider.url },
  });
  window = await editor.open('shop', { 'notes.md': '# Notes\n' });
  await window.statusItem(/–$/).waitFor();
});
afterEach(context => editor.keepFailure(context));
afterAll(async () => {
  await editor.stop();
  await provider.close();
});

test('its yes serves the stored answer and is told with its time; its no does not; both are in the statistics', async () => {
  const [same, other] = pairs as [NearPair, NearPair];
  provider.reply = question => {
    if (!question.startsWith('{"first"')) return `Answer to: ${question}`;
    return (JSON.parse(question) as { first: string }).first === same.asked ? 'yes' : 'no';
  };
  await ask(window, same.asked);
  const judged = await ask(window, same.reworded);
  expect(judged.status).toMatch(/^● cached/);
  expect(judged.text).toContain(`Answer to: ${same.asked}`);
  await ask(window, other.asked);
  const refused = await ask(window, other.reworded);
  expect(refused.status).toMatch(/^○ asked/);
  expect({ judge: askedOf('tiny'), big: askedOf('gpt-4o-mini') }).toEqual({ judge: 2, big: 3 });

  await window.command('Semcache: Show Statistics');
  const statistics = await poll('the statistics tell of the judge', async () =>
    (await window.documents()).map(({ text }) => text.replace(/ +/g, ' ')).find(text => text.includes('## Judge')));
  for (const row of ['| Asked | 2 |', '| – yes: served | 1 |', '| – no | 1 |']) expect(statistics).toContain(row);
});
