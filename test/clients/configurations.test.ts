// What Connect Another Tool generates for the big command lines, used as it is (`npm run clients`).

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tools } from '../../client/routes/toolConfigurations.ts';
import { agentVersions, npmClient, pythonClient } from '../gateway/clients/clientTools.ts';
import { askCommandLine } from '../gateway/clients/commandLineContract.ts';
import { openGatewayForTest, type TestGateway } from '../gateway/openGatewayForTest.ts';
import { stopClineHub } from './clineHub.ts';

interface Configured {
  tool: string;
  version: string;
  /** The folder with the tool's command. */
  install: () => Promise<string>;
  /** A shell command with the configuration in place, `$BIN` for the folder of the tool's command. */
  command: (configuration: string) => string;
  /** Ends what it left running. */
  end?: (home: string) => Promise<void>;
  env?: Record<string, string>;
}

const offline = { DISABLE_AUTOUPDATER: '1', CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', LITELLM_LOCAL_MODEL_COST_MAP: 'True' };
const { claude, codex, cline, aider } = agentVersions;
/** That aider depends on. */
const litellmOfAider = '1.81.10';
const configured: Configured[] = [
  { tool: 'Claude Code', version: claude, install: () => npmClient(`@anthropic-ai/claude-code@${claude}`), command: () => '"$BIN/claude" -p "Say hello"' },
  {
    tool: 'Codex', version: codex, install: () => npmClient(`@openai/codex@${codex}`),
    // The first line of its file says which variable is to be set.
    command: text => `${/# (export \S+)/.exec(text)![1]!}; "$BIN/codex" exec --skip-git-repo-check --sandbox read-only "Say hello"`,
  },
  {
    tool: 'Aider', version: aider, install: () => pythonClient(`aider-chat==${aider}`),
    command: text => `PATH="$BIN:$PATH"; ${text.trim()} --no-git --no-show-model-warnings --no-check-update --analytics-disable --no-pretty --yes-always --chat-mode ask --message "Say hello"`,
  },
  {
    tool: 'Cline', version: cline, install: () => npmClient(`cline@${cline}`),
    command: text => `PATH="$BIN:$PATH"; ${text.trim()} && cline "Say hello"`,
    end: stopClineHub,
  },
  {
    tool: 'LiteLLM', version: litellmOfAider, install: () => pythonClient(`aider-chat==${aider}`),
    command: text => `"$BIN/python" - <<'PROGRAM'\n${text.replace('litellm.completion', 'answer = litellm.completion')}\nprint(answer.choices[0].message.content)\nPROGRAM`,
  },
];

for (const { tool, version, install, command, end, env } of configured) describe(`configuration of ${tool} ${version}`, () => {
  let home = '';
  let at: TestGateway;
  let bin: string;
  beforeAll(async () => {
    home = mkdtempSync(path.join(tmpdir(), 'semcache-configured-'));
    at = await openGatewayForTest();
    at.provider.script = () => ({ text: 'Hello back.' });
    bin = await install();
  });
  afterAll(async () => {
    await end?.(home);
    await at.close();
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  });

  test('works as it is generated', async () => {
    const { configuration, file } = tools.find(({ name }) => name === tool)!;
    const text = configuration({ url: at.gateway.url, token: at.gateway.token, model: 'm-large' });
    if (file !== undefined) {
      mkdirSync(path.dirname(path.join(home, file)), { recursive: true });
      writeFileSync(path.join(home, file), text);
    }
    const cwd = path.join(home, 'project');
    mkdirSync(cwd);
    const asked = await askCommandLine({ file: 'bash', args: ['-c', command(text)], env: { ...offline, HOME: home, BIN: bin, ...env } }, cwd);
    expect(asked).toEqual({ code: 0, said: expect.stringContaining('Hello back.') });
    expect(at.provider.seen.map(({ body }) => body['model'])).toContain('m-large');
  });
});
