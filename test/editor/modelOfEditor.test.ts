// A model that the editor has answers what the cache cannot: asked by the daemon, through the window.

import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { poll, type EditorWindow } from './editorWindow.ts';
import { startEditor, type Editor } from './harness.ts';
import { ask, askInChat, reverseList } from './semcache.ts';

type Part = Record<string, unknown>;

const selector = { vendor: 'semcache', id: 'editor:test-models/test/one' };
const look = [{ name: 'look', description: 'Looks.', inputSchema: { type: 'object', properties: { at: { type: 'number' } } } }];
/** One black point. */
const picture = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

describe('with the daemon', () => {
  let editor: Editor;
  let window: EditorWindow;
  const requests = async (): Promise<number> => (await window.bridge<unknown[]>('modelWasAsked')).length;
  const converse = (messages: object[], options: object = {}) => window.bridge<Part[]>('converse', { selector, messages, ...options });

  beforeAll(async () => {
    editor = await startEditor(inject('editor'), { env: { SEMCACHE_TEST_MODEL: '1' } });
    window = await editor.open('shop', { 'notes.md': '# Notes\n' });
    await poll('the cached model is offered', async () => (await window.bridge<unknown[]>('models', { selector })).length === 1);
  });
  afterEach(context => editor.keepFailure(context));
  afterAll(() => editor.stop());

  test('each model is offered once as cached, and the demo model no more', async () => {
    const models = await window.bridge<Array<{ vendor: string; name: string }>>('models');
    expect(models.map(({ vendor, name }) => `${vendor}: ${name}`).sort()).toEqual(['semcache: Test One (cached)', 'test-models: Test One']);
  });

  test('a miss is answered by it, and the same question in other words by the cache, in every route', async () => {
    const first = await ask(window, reverseList.asked);
    expect(first.status).toMatch(/^○ asked · .* · Test One$/);
    expect(first.text).toContain('Answer 1 of Test One.');
    const second = await ask(window, reverseList.reworded);
    expect(second.status).toMatch(/^● cached · .* · Test One$/);
    expect(await askInChat(window, reverseList.reworded)).toMatch(/Answer 1 of Test One\.[^]*● cached/);
    expect(await converse([{ role: 'user', parts: [{ text: reverseList.reworded }] }])).toEqual([{ text: 'Answer 1 of Test One.' }]);
    expect(await requests()).toBe(1);
  });

  test('a tool call is replayed for the same conversation, and its result leads to another answer', async () => {
    const before = await requests();
    const question = { role: 'user', parts: [{ text: 'Look at it' }] };
    const [call] = await converse([question], { tools: look, required: true });
    expect(call).toMatchObject({ toolCall: 'look', input: { at: before + 1 } });
    expect(await converse([question], { tools: look, required: true })).toEqual([call]);
    expect(await requests()).toBe(before + 1);

    const conversation = [question, { role: 'assistant', parts: [call] }, { role: 'user', parts: [{ toolResult: 'a cat', callId: call!['callId'] }] }];
    const answer = await converse(conversation, { tools: look });
    const text = answer.map(part => part['text']).join('');
    expect(text).toBe(`Answer ${before + 2} of Test One.`);
    expect((await window.bridge<unknown[]>('modelWasAsked')).at(-1)).toEqual([
      { role: 1, content: [{ text: 'Look at it' }] },
      { role: 2, content: [call] },
      { role: 1, content: [{ toolResult: 'a cat', callId: call!['callId'] }] },
    ]);
    expect(await converse(conversation, { tools: look })).toEqual([{ text }]);
    expect(await requests()).toBe(before + 2);
  });

  test('a picture reaches it whole, and only the same picture is answered from the cache', async () => {
    const before = await requests();
    const shown = (text: string) => [{ role: 'user', parts: [{ text }, { data: picture, mimeType: 'image/png' }] }];
    const first = await converse(shown('What is this?'));
    expect((await window.bridge<Array<Array<{ content: Part[] }>>>('modelWasAsked')).at(-1)![0]!.content[1]).toMatchObject({ mimeType: 'image/png' });
    expect(await converse(shown('What is this?'))).toEqual([{ text: first.map(part => part['text']).join('') }]);
    await converse(shown('What do you see here?'));
    expect(await requests()).toBe(before + 2);
  });

  test('notes that an extension leaves for its provider make no other question of it', async () => {
    const before = await requests();
    const [answer] = await converse([
      { role: 'user', parts: [{ text: reverseList.asked }, { data: Buffer.from('ephemeral').toString('base64'), mimeType: 'cache_control' }] },
    ]);
    expect(answer).toEqual({ text: 'Answer 1 of Test One.' });
    expect(await requests()).toBe(before);
  });
});

describe('without a daemon that could start', () => {
  let editor: Editor;
  let window: EditorWindow;

  beforeAll(async () => {
    editor = await startEditor(inject('editor'), { env: { SEMCACHE_TEST_MODEL: '1', SEMCACHE_DATA: '/dev/null/nowhere' } });
    window = await editor.open('shop', { 'notes.md': '# Notes\n' });
    await poll('the cached model is offered', async () => (await window.bridge<unknown[]>('models', { selector })).length === 1);
  });
  afterEach(context => editor.keepFailure(context));
  afterAll(() => editor.stop());

  test('the question goes to the model directly, marked as a bypass, and one message says what is wrong', async () => {
    const answer = await ask(window, reverseList.asked);
    expect(answer.status).toMatch(/^◌ asked, cache bypassed · .* · Test One$/);
    expect(answer.text).toContain('of Test One.');
    expect(answer.text).toContain('The Semcache daemon is not running. This answer is not stored.');
    await window.notification('Until it runs, questions go past the cache to models of the editor.').waitFor();
    await window.screenshot('no-daemon');
  });
});
