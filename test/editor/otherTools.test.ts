// Other AI tools beside a real window: connected by the command, and answered with the editor's own model.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { readGateway } from '../../server/protocol/discovery.ts';
import { poll, type EditorWindow } from './editorWindow.ts';
import { startEditor, type Editor } from './harness.ts';
import { ask, reverseList } from './semcache.ts';

const model = 'editor:test-models/test/one';
let editor: Editor;
let window: EditorWindow;
const asked = async (): Promise<number> => (await window.bridge<unknown[]>('modelWasAsked')).length;
const allow = (value: boolean): Promise<unknown> => window.bridge('setting', { name: 'semcache.gateway.editorModels', value });

beforeAll(async () => {
  editor = await startEditor(inject('editor'), { env: { SEMCACHE_TEST_MODEL: '1' } });
  window = await editor.open('shop', { 'notes.md': '# Notes\n' }, { permissions: ['clipboard-read', 'clipboard-write'] });
  await poll('the gateway is open', () => readGateway(editor.dataFolder), 60_000);
});
afterEach(context => editor.keepFailure(context));
afterAll(() => editor.stop());

function openAi(): OpenAI {
  const { url, token } = readGateway(editor.dataFolder)!;
  return new OpenAI({ baseURL: `${url}/v1`, apiKey: token, maxRetries: 0 });
}

async function modelIds(): Promise<string[]> {
  return (await openAi().models.list()).data.map(({ id }) => id);
}

test('no tool is told of the editor\'s models, or answered with one, before the person allows it', async () => {
  expect(await modelIds()).toEqual([]);
  await expect(openAi().chat.completions.create({ model, messages: [{ role: 'user', content: 'Hello?' }] })).rejects.toThrow('semcache.gateway.editorModels');
  expect(await asked()).toBe(0);
});

test('once allowed, the OpenAI SDK is answered by the editor\'s model, then from the cache, and so is the editor', async () => {
  await allow(true);
  await poll('the model is listed', async () => (await modelIds()).length > 0);
  expect(await modelIds()).toEqual([model]);
  const messages = [{ role: 'user' as const, content: reverseList.asked }];
  const first = await openAi().chat.completions.create({ model, messages }).withResponse();
  expect(first.data.choices[0]!.message.content).toBe('Answer 1 of Test One.');
  expect(first.response.headers.get('x-semcache-status')).toBe('miss');
  const streamed = await openAi().chat.completions.stream({ model, messages: [{ role: 'user', content: reverseList.reworded }] }).finalContent();
  expect(streamed).toBe('Answer 1 of Test One.');
  const inEditor = await ask(window, reverseList.asked);
  expect(inEditor.status).toMatch(/^● cached/);
  expect(await asked()).toBe(1);
});

test('a tool is connected: its configuration is copied, shown, and works as it is; the test makes one request', async () => {
  await connect('curl', 'Copy the configuration');
  await window.notification('The configuration for curl is in the clipboard.').getByText('Show', { exact: true }).click();
  const copied = await poll('it is shown as it was copied', async () => {
    const text = await window.bridge<string>('clipboard');
    return text.includes(model) && (await window.documents()).some(document => document.text === text) ? text : null;
  });
  const before = await asked();
  const { stdout } = await promisify(execFile)('bash', ['-c', `${copied.trim()} --silent --show-error`]);
  expect(JSON.parse(stdout).choices[0].message.content).toBe(`Answer ${before + 1} of Test One.`);

  await connect('OpenAI SDK for JavaScript', 'Test the connection');
  await window.notification(`OpenAI SDK for JavaScript will work: ${model} answered (miss).`).waitFor();
  expect(await asked()).toBe(before + 2);
  await window.screenshot('connect-tool');
});

test('once it is no longer allowed, no tool is answered, and a tool that is picked is told of no such model', async () => {
  await allow(false);
  await poll('the model is no longer listed', async () => (await modelIds()).length === 0);
  await expect(openAi().chat.completions.create({ model, messages: [{ role: 'user', content: 'Still there?' }] })).rejects.toThrow('semcache.gateway.editorModels');
  await connect('Aider', 'Copy the configuration');
  await poll('a placeholder is copied', async () => (await window.bridge<string>('clipboard')).includes('openai/MODEL'));
});

async function connect(tool: string, step: string): Promise<void> {
  await window.command('Semcache: Connect Another Tool…');
  await poll('the tools are listed', async () => ((await window.quickInput.getAttribute('placeholder')) ?? '').includes('The gateway listens on'));
  await window.quickInput.fill(tool);
  await window.quickPick(tool).click();
  await window.quickPick(step).click();
}
