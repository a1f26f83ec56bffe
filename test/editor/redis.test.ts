// A Redis that stops in the middle of a session and comes back, as the person in the window sees it.

import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { FakeProvider } from '../fakes/fakeProvider.ts';
import { startRedis, type RedisServer } from '../redis/redisServers.ts';
import { poll, type EditorWindow } from './editorWindow.ts';
import { startEditor, type Editor } from './harness.ts';
import { ask, hitRateIs, reverseList } from './semcache.ts';

let redis: RedisServer;
let provider: FakeProvider;
let editor: Editor;
let window: EditorWindow;

beforeAll(async () => {
  [redis, provider] = await Promise.all([startRedis('query-engine', ['--appendonly', 'yes', '--appendfsync', 'always']), FakeProvider.open()]);
  editor = await startEditor(inject('editor'), {
    env: { OPENAI_API_KEY: 'test-key', OPENAI_BASE_URL: provider.url },
    // A busy test machine is slow, which is another matter (test/redis/redisMisbehaves.test.ts).
    settings: { 'semcache.store': 'redis', 'semcache.redis.url': redis.url, 'semcache.redis.budgetMs': 1000 },
  });
  window = await editor.open('shop', { 'notes.md': '# Notes\n' });
  await window.statusItem(/–$/).waitFor();
});
afterEach(context => editor.keepFailure(context));
afterAll(async () => {
  await editor.stop();
  await Promise.all([redis.close(), provider.close()]);
});

/** What the status bar item says to a screen reader: hit rate and problems. */
async function statusLabel(): Promise<string> {
  return (await window.statusItem(/%$/).locator('a').getAttribute('aria-label')) ?? '';
}

test('with Redis as its store a question is a miss and then a hit, and the status says which level of Redis it is', async () => {
  expect((await ask(window, reverseList.asked)).status).toMatch(/^○ asked ·/);
  expect((await ask(window, reverseList.reworded)).status).toMatch(/^● cached/);
  await hitRateIs(window, 50);
  const tooltip = await window.hoverStatusItem(/%$/);
  expect(await tooltip.innerText()).toContain('Redis (query engine)');
  await window.page.mouse.move(600, 300);
});

test('while Redis is gone every question is answered by the model, and the status says what is wrong', async () => {
  await redis.kill();
  const before = provider.seen.length;
  const repeated = await ask(window, reverseList.asked);
  expect(repeated.status).toMatch(/^◌ asked, cache bypassed/);
  expect(repeated.text).toContain(`Answer ${before + 1} to:`);
  expect((await ask(window, 'What is a Python decorator?')).text).toContain(`Answer ${before + 2} to:`);
  await poll('the status names the problem', async () => /Redis.*2 answers wait to be delivered/.test(await statusLabel()));
  await window.screenshot('redis-gone');
});

test('when Redis is back hits come back by themselves, for what was stored before and for what was asked meanwhile', async () => {
  const before = provider.seen.length;
  await redis.restart();
  await poll('the status is well again', async () => !/Redis|answers? waits?/.test(await statusLabel()));
  const meanwhile = await ask(window, 'What is a Python decorator?');
  expect(meanwhile.status).toMatch(/^● cached/);
  expect((await ask(window, reverseList.reworded)).status).toMatch(/^● cached/);
  expect(provider.seen).toHaveLength(before);
});
