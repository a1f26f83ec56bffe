// A paid provider behind the cache, named by the usual environment variables. Only the provider is a fake; its wire is real.

import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { FakeProvider } from '../fakes/fakeProvider.ts';
import { poll, type EditorWindow } from './editorWindow.ts';
import { startEditor, type Editor } from './harness.ts';
import { ask, reverseList } from './semcache.ts';

const providers = [
  {
    name: 'OpenAI-compatible',
    model: 'gpt-4o-mini',
    path: '/v1/chat/completions',
    env: (url: string) => ({ OPENAI_API_KEY: 'test-key', OPENAI_BASE_URL: `${url}/v1` }),
    sentKey: { authorization: 'Bearer test-key' },
  },
  {
    name: 'Anthropic',
    model: 'claude-sonnet-4-5',
    path: '/v1/messages',
    env: (url: string) => ({ ANTHROPIC_API_KEY: 'test-key', ANTHROPIC_BASE_URL: url }),
    sentKey: { 'x-api-key': 'test-key' },
  },
];

describe.each(providers)('an $name endpoint from the environment', ({ model, path, env, sentKey }) => {
  let provider: FakeProvider;
  let editor: Editor;
  let window: EditorWindow;

  beforeAll(async () => {
    provider = await FakeProvider.open();
    editor = await startEditor(inject('editor'), { env: env(provider.url) });
    window = await editor.open('shop', { 'notes.md': '# Notes\n' });
    await window.statusItem(/–$/).waitFor();
  });
  afterEach(context => editor.keepFailure(context));
  afterAll(async () => {
    await editor.stop();
    await provider.close();
  });

  test('answers a miss and is not asked again for the same question in other words', async () => {
    provider.reply = () => 'Use items[::-1], says the provider.';
    const first = await ask(window, reverseList.asked);
    expect(first.status).toMatch(new RegExp(`^○ asked · .* · ${model}`));
    expect(first.text).toContain('Use items[::-1], says the provider.');
    const second = await ask(window, reverseList.reworded);
    expect(second.status).toMatch(/^● cached/);
    expect(second.text).toContain('Use items[::-1], says the provider.');
    expect(provider.seen).toHaveLength(1);
    expect(provider.seen[0]).toMatchObject({ path, headers: sentKey, body: { model, stream: true } });
  });

  test('its refusal is shown to the person, stored nowhere, and the next ask is a new one', async () => {
    const question = 'Which port does the staging database use?';
    provider.reply = () => ({ status: 429, message: 'Rate limit reached for requests' });
    const refused = await ask(window, question);
    expect(refused.status).toMatch(/^✕ failed/);
    expect(refused.text).toContain('Rate limit reached for requests');
    await window.screenshot(`upstream-error-${model}`);
    provider.reply = () => 'Port 5433.';
    const answered = await ask(window, question);
    expect(answered.status).toMatch(/^○ asked/);
    expect(answered.text).toContain('Port 5433.');
  });

  test('its model is offered to other extensions as cached', async () => {
    await poll(`${model} (cached)`, async () =>
      (await window.bridge<Array<{ name: string }>>('models', { selector: { vendor: 'semcache' } })).some(({ name }) => name === `${model} (cached)`),
    );
  });
});
