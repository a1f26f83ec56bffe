// The big agents on a model of the editor (`npm run clients`): answered by the window, and then from the cache.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answering, ScriptedUpstream } from '../fakes/scriptedUpstream.ts';
import { agentVersions, npmClient } from '../gateway/clients/clientTools.ts';
import { askCommandLine, type Invocation } from '../gateway/clients/commandLineContract.ts';
import { openGatewayForTest, type TestGateway } from '../gateway/openGatewayForTest.ts';

const model = 'editor:copilot/gpt-4o';
const question = 'What is a monad? Briefly.';
const agents: Array<{ tool: string; version: string; npm: string; invoke(bin: string, at: TestGateway['gateway'], home: string): Invocation }> = [
  {
    tool: 'Claude Code', version: agentVersions.claude, npm: '@anthropic-ai/claude-code',
    invoke: (bin, { url, token }) => ({
      file: path.join(bin, 'claude'), args: ['-p', question],
      env: {
        ANTHROPIC_BASE_URL: url, ANTHROPIC_AUTH_TOKEN: token, ANTHROPIC_MODEL: model, ANTHROPIC_SMALL_FAST_MODEL: model,
        DISABLE_AUTOUPDATER: '1', CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      },
    }),
  },
  {
    tool: 'Codex', version: agentVersions.codex, npm: '@openai/codex',
    invoke(bin, { url, token }, home) {
      mkdirSync(path.join(home, '.codex'), { recursive: true });
      writeFileSync(path.join(home, '.codex/config.toml'), [
        `model = "${model}"`, 'model_provider = "gw"', '[model_providers.gw]', 'name = "gw"', `base_url = "${url}/v1"`, 'env_key = "GW_TOKEN"', 'wire_api = "responses"', '',
      ].join('\n'));
      return { file: path.join(bin, 'codex'), args: ['exec', '--skip-git-repo-check', '--sandbox', 'read-only', question], env: { GW_TOKEN: token } };
    },
  },
  {
    tool: 'Copilot CLI', version: agentVersions.copilot, npm: '@github/copilot',
    invoke: (bin, { url, token }) => ({
      file: path.join(bin, 'copilot'), args: ['-p', question],
      env: { COPILOT_PROVIDER_BASE_URL: `${url}/v1`, COPILOT_PROVIDER_API_KEY: token, COPILOT_MODEL: model, COPILOT_OFFLINE: 'true' },
    }),
  },
];

for (const { tool, version, npm, invoke } of agents) describe(`${tool} with a model of the editor ${version}`, () => {
  let home = '';
  const editor = new ScriptedUpstream(() => answering('A monad is a burrito, they say.'));
  let at: TestGateway;
  let bin: string;
  beforeAll(async () => {
    home = mkdtempSync(path.join(tmpdir(), 'semcache-editor-model-'));
    at = await openGatewayForTest({ options: { editorModels: () => [{ model: 'copilot/gpt-4o', name: 'GPT-4o' }], editorUpstream: () => editor } });
    bin = await npmClient(`${npm}@${version}`);
  });
  afterAll(async () => {
    await at.close();
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  });

  test('is answered by it with its own system text and tools, and then from the cache', async () => {
    const { env, ...invocation } = invoke(bin, at.gateway, home);
    for (const _twice of [1, 2]) {
      const asked = await askCommandLine({ ...invocation, env: { ...env, HOME: home } }, home);
      expect(asked).toEqual({ code: 0, said: expect.stringContaining('A monad is a burrito, they say.') });
    }
    expect(editor.asked).toHaveLength(1);
    expect(editor.asked[0]!.messages[0]!.role).toBe('system');
    expect(editor.asked[0]!.tools.length).toBeGreaterThan(3);
    expect(at.provider.asked).toBe(0);
  });
});
