import type * as vscode from 'vscode';
import { expect, test, vi } from 'vitest';
import { allEndpoints, chooseModel, demoModel, environmentEndpoints, Models } from '../../../../client/routes/models.ts';
import type { HttpUpstreamConfig } from '../../../../server/protocol/messages.ts';

type Found = Partial<vscode.LanguageModelChat>;
const gpt: Found = { vendor: 'copilot', id: 'gpt-4o', name: 'GPT-4o', family: 'gpt-4o', version: '1', maxInputTokens: 1000 };
const own: Found = { ...gpt, vendor: 'semcache', id: 'editor:copilot/gpt-4o', name: 'GPT-4o (cached)' };
const local: HttpUpstreamConfig = { name: 'local', kind: 'openai', baseUrl: 'http://127.0.0.1:1234/v1', models: ['qwen', 'phi'] };

function editorWith(found: Found[]) {
  let changed = (): void => undefined;
  return {
    found,
    change: () => changed(),
    lm: {
      selectChatModels: vi.fn(async () => found as vscode.LanguageModelChat[]),
      onDidChangeChatModels: (listener: () => void) => {
        changed = listener;
        return { dispose: () => undefined };
      },
    } as never,
  };
}

test('all() has the editor\'s models first, then the endpoints\', the demo model last, and never our own', async () => {
  const models = new Models({ lm: editorWith([own, gpt]).lm, endpoints: () => [local] });
  await models.refresh();
  expect(models.all().map(({ id }) => id)).toEqual(['editor:copilot/gpt-4o', 'http:local/qwen', 'http:local/phi', 'demo']);
  expect(models.all()[0]).toMatchObject({ model: 'gpt-4o', choice: { kind: 'editor', model: 'copilot/gpt-4o' } });
  expect(models.all()[1]).toMatchObject({ model: 'qwen', choice: { kind: 'http', name: 'local', model: 'qwen' } });
});

test('all() is there at once, before the editor has told its models', () => {
  const models = new Models({ lm: editorWith([gpt]).lm, endpoints: () => [local] });
  expect(models.all().map(({ id }) => id)).toEqual(['http:local/qwen', 'http:local/phi', 'demo']);
});

test('an editor without language models leaves the endpoints and the demo model', async () => {
  const { lm } = editorWith([]);
  vi.mocked((lm as { selectChatModels: () => Promise<unknown> }).selectChatModels).mockRejectedValue(new Error('no chat here'));
  const models = new Models({ lm, endpoints: () => [] });
  await models.refresh();
  expect(models.all()).toEqual([demoModel]);
});

test('listeners are told when the editor\'s models changed, and not when they are told anew', async () => {
  const editor = editorWith([gpt]);
  const models = new Models({ lm: editor.lm, endpoints: () => [] });
  let told = 0;
  models.onChange(() => told++);
  await models.refresh();
  editor.change();
  await models.refresh();
  expect(told).toBe(1);
  editor.found.push({ ...gpt, id: 'gpt-5', name: 'GPT-5' });
  editor.change();
  await vi.waitFor(() => expect(told).toBe(2));
  expect(models.find('editor:copilot/gpt-5')?.name).toBe('GPT-5');
});

test('offered() leaves the demo model out where there is something better, unless it was chosen', async () => {
  const none = new Models({ lm: editorWith([]).lm, endpoints: () => [] });
  expect(none.offered('auto')).toEqual([demoModel]);
  const some = new Models({ lm: editorWith([]).lm, endpoints: () => [local] });
  expect(some.offered('auto').map(({ id }) => id)).toEqual(['http:local/qwen', 'http:local/phi']);
  expect(some.offered('demo')).toContain(demoModel);
});

test.each([
  { setting: 'auto', id: 'editor:copilot/gpt-4o', why: 'the first there is' },
  { setting: 'http:local/phi', id: 'http:local/phi', why: 'the one that was picked' },
  { setting: 'editor:gpt-4o', id: 'editor:copilot/gpt-4o', why: 'a model of the editor without its vendor' },
  { setting: 'demo', id: 'demo', why: 'the demo model, though others are there' },
  { setting: 'editor:copilot/gone', id: 'editor:copilot/gpt-4o', why: 'the first, where the picked one has gone' },
])('chooseModel($setting) is $id: $why', async ({ setting, id }) => {
  const models = new Models({ lm: editorWith([gpt]).lm, endpoints: () => [local] });
  await models.refresh();
  expect(chooseModel(models.all(), setting).id).toBe(id);
});

test('environmentEndpoints() reads the usual variables, with their usual defaults', () => {
  expect(environmentEndpoints({})).toEqual([]);
  expect(environmentEndpoints({ OPENAI_API_KEY: 'k' })).toEqual([
    { name: 'openai', kind: 'openai', baseUrl: 'https://api.openai.com/v1', models: ['gpt-4o-mini'], apiKey: 'k' },
  ]);
  expect(environmentEndpoints({ OPENAI_BASE_URL: 'http://127.0.0.1:1/v1', OPENAI_MODEL: 'qwen' })).toEqual([
    { name: 'openai', kind: 'openai', baseUrl: 'http://127.0.0.1:1/v1', models: ['qwen'] },
  ]);
  expect(environmentEndpoints({ ANTHROPIC_API_KEY: 'k', ANTHROPIC_BASE_URL: 'http://127.0.0.1:2', ANTHROPIC_MODEL: 'c' })).toEqual([
    { name: 'anthropic', kind: 'anthropic', baseUrl: 'http://127.0.0.1:2', models: ['c'], apiKey: 'k' },
  ]);
  expect(environmentEndpoints({ ANTHROPIC_AUTH_TOKEN: 't' })[0]).toMatchObject({ apiKey: 't', bearer: true });
});

test('allEndpoints() takes the setting of a name before the environment\'s, and a stored key before any other', () => {
  const [fromEnvironment] = environmentEndpoints({ OPENAI_API_KEY: 'from the environment' });
  const mine: HttpUpstreamConfig = { name: 'openai', kind: 'openai', baseUrl: 'http://mine/v1', models: ['m'] };
  expect(allEndpoints([mine], [fromEnvironment!], new Map())).toEqual([mine]);
  expect(allEndpoints([], [fromEnvironment!], new Map())[0]!.apiKey).toBe('from the environment');
  expect(allEndpoints([], [fromEnvironment!], new Map([['openai', 'stored']]))[0]!.apiKey).toBe('stored');
});

test('a pattern is no model: it is neither offered nor named to other tools', async () => {
  const open: HttpUpstreamConfig = { ...local, models: ['gpt-*', 'tiny'] };
  const models = new Models({ lm: editorWith([]).lm, endpoints: () => [{ ...open, models: ['claude-*'] }, open] });
  await models.refresh();
  expect(models.all().map(({ id }) => id)).toEqual(['http:local/tiny', 'demo']);
  expect(models.forTools({ withEditorModels: true })).toBe('tiny');
});

test('other tools are named a model of the editor only where the person lets them use those, and never our own', async () => {
  const models = new Models({ lm: editorWith([own, gpt]).lm, endpoints: () => [{ ...local, models: ['gpt-*'] }] });
  await models.refresh();
  expect(models.ofEditor()).toEqual([{ model: 'copilot/gpt-4o', name: 'GPT-4o' }]);
  expect(models.forTools({ withEditorModels: true })).toBe('editor:copilot/gpt-4o');
  expect(models.forTools({ withEditorModels: false })).toBeNull();
});

test('other tools are never named a model that may lead back to the gateway, while this window may ask it', async () => {
  const roundAbout: Found[] = [{ ...gpt, vendor: 'customendpoint' }, { ...gpt, vendor: 'customoai' }, { ...gpt, vendor: 'other', id: 'editor:copilot/gpt-4o' }];
  const models = new Models({ lm: editorWith(roundAbout).lm, endpoints: () => [] });
  await models.refresh();
  expect(models.ofEditor()).toEqual([]);
  expect(models.forTools({ withEditorModels: true })).toBeNull();
  expect(models.all().map(({ id }) => id)).toEqual(['editor:customendpoint/gpt-4o', 'editor:customoai/gpt-4o', 'editor:other/editor:copilot/gpt-4o', 'demo']);
});

test.each([
  { setting: 'off', judge: null },
  { setting: 'editor:copilot/gpt-4o', judge: { kind: 'editor', model: 'copilot/gpt-4o' } },
  { setting: 'http:local/phi', judge: { kind: 'http', name: 'local', model: 'phi' } },
  { setting: 'http:local/tiny:1b', judge: { kind: 'http', name: 'local', model: 'tiny:1b' } },
  { setting: 'http:other/phi', judge: null },
  { setting: 'editor:copilot/gone', judge: null },
  { setting: 'editor:semcache/editor:copilot/gpt-4o', judge: null },
  { setting: 'demo', judge: null },
])('judge() of $setting', async ({ setting, judge }) => {
  const models = new Models({ lm: editorWith([own, gpt]).lm, endpoints: () => [local] });
  await models.refresh();
  expect(models.judge(setting)).toEqual(judge);
});
