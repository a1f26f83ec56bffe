// The big agents' command lines through the gateway (`npm run clients`): hundreds of megabytes, installed once.

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { agentVersions, npmClient, pythonClient } from '../gateway/clients/clientTools.ts';
import { testCommandLine } from '../gateway/clients/commandLineContract.ts';
import { stopClineHub } from './clineHub.ts';

testCommandLine({
  name: 'claude (@anthropic-ai/claude-code)',
  version: agentVersions.claude,
  callsTools: true,
  sameBytes: false,
  sendsFolder: true,
  failsSoon: false,
  async prepare() {
    const bin = await npmClient(`@anthropic-ai/claude-code@${agentVersions.claude}`);
    return (base, key, asked) => ({
      file: path.join(bin, 'claude'),
      args: ['-p', asked],
      env: {
        ANTHROPIC_BASE_URL: base, ANTHROPIC_AUTH_TOKEN: key, ANTHROPIC_MODEL: 'm-large', ANTHROPIC_SMALL_FAST_MODEL: 'm-small',
        DISABLE_AUTOUPDATER: '1', CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      },
    });
  },
});

testCommandLine({
  name: 'codex (@openai/codex)',
  version: agentVersions.codex,
  callsTools: 'timed',
  sameBytes: false,
  sendsFolder: true,
  async prepare(home) {
    const bin = await npmClient(`@openai/codex@${agentVersions.codex}`);
    mkdirSync(path.join(home, '.codex'), { recursive: true });
    return (base, key, asked) => {
      writeFileSync(path.join(home, '.codex/config.toml'), [
        'model = "m-large"', 'model_provider = "gw"', '[model_providers.gw]', 'name = "gw"', `base_url = "${base}/v1"`,
        'env_key = "GW_TOKEN"', 'wire_api = "responses"', 'request_max_retries = 1', 'stream_max_retries = 1', '',
      ].join('\n'));
      return { file: path.join(bin, 'codex'), args: ['exec', '--skip-git-repo-check', '--sandbox', 'read-only', asked], env: { GW_TOKEN: key } };
    };
  },
});

testCommandLine({
  name: 'opencode (opencode-ai)',
  version: agentVersions.opencode,
  callsTools: true,
  sendsFolder: true,
  async prepare(home) {
    const bin = await npmClient(`opencode-ai@${agentVersions.opencode}`);
    const folder = path.join(home, '.config/opencode');
    mkdirSync(folder, { recursive: true });
    return (base, key, asked) => {
      writeFileSync(path.join(folder, 'opencode.json'), JSON.stringify({
        model: 'gw/m-large', small_model: 'gw/m-small', autoupdate: false, share: 'disabled',
        provider: { gw: { npm: '@ai-sdk/openai-compatible', name: 'gw', options: { baseURL: `${base}/v1`, apiKey: key }, models: { 'm-large': {}, 'm-small': {} } } },
      }));
      return { file: path.join(bin, 'opencode'), args: ['run', asked], env: { OPENCODE_DISABLE_MODELS_FETCH: '1' } };
    };
  },
});

testCommandLine({
  name: 'qwen (@qwen-code/qwen-code)',
  version: agentVersions.qwen,
  callsTools: true,
  // It has the conversation summed up for its memory after each answer.
  sideRequests: 1,
  sendsFolder: true,
  async prepare() {
    const bin = await npmClient(`@qwen-code/qwen-code@${agentVersions.qwen}`);
    return (base, key, asked) => ({
      file: process.execPath,
      args: [path.join(bin, 'qwen'), '--auth-type', 'openai', '-p', asked],
      env: { OPENAI_BASE_URL: `${base}/v1`, OPENAI_API_KEY: key, OPENAI_MODEL: 'm-large' },
    });
  },
});

testCommandLine({
  name: 'pi (@mariozechner/pi-coding-agent)',
  version: agentVersions.pi,
  callsTools: true,
  sendsFolder: true,
  async prepare(home) {
    const bin = await npmClient(`@mariozechner/pi-coding-agent@${agentVersions.pi}`);
    const folder = path.join(home, '.pi/agent');
    mkdirSync(folder, { recursive: true });
    return (base, key, asked) => {
      const provider = { baseUrl: `${base}/v1`, api: 'openai-completions', apiKey: key, models: [{ id: 'm-large' }] };
      writeFileSync(path.join(folder, 'models.json'), JSON.stringify({ providers: { gw: provider } }));
      return { file: process.execPath, args: [path.join(bin, 'pi'), '--provider', 'gw', '--model', 'm-large', '-p', asked], env: { PI_OFFLINE: '1' } };
    };
  },
});

testCommandLine({
  name: 'cline',
  version: agentVersions.cline,
  staysBehind: true,
  sendsFolder: true,
  async prepare() {
    const bin = await npmClient(`cline@${agentVersions.cline}`);
    const cline = path.join(bin, 'cline');
    return (base, key, asked) => ({
      file: 'bash',
      args: ['-c', `"$0" auth -p openai -k "$1" -b "$2/v1" -m m-large > /dev/null && exec "$0" "$3"`, cline, key, base, asked],
      env: {},
    });
  },
  end: stopClineHub,
});

testCommandLine({
  name: 'copilot (@github/copilot)',
  version: agentVersions.copilot,
  callsTools: true,
  sameBytes: false,
  sendsFolder: true,
  async prepare() {
    const bin = await npmClient(`@github/copilot@${agentVersions.copilot}`);
    return (base, key, asked) => ({
      file: path.join(bin, 'copilot'),
      args: ['-p', asked],
      env: { COPILOT_PROVIDER_BASE_URL: `${base}/v1`, COPILOT_PROVIDER_API_KEY: key, COPILOT_MODEL: 'm-large', COPILOT_OFFLINE: 'true' },
    });
  },
});

testCommandLine({
  name: 'aider (aider-chat)',
  version: agentVersions.aider,
  async prepare() {
    const bin = await pythonClient(`aider-chat==${agentVersions.aider}`);
    return (base, key, asked) => ({
      file: path.join(bin, 'aider'),
      args: [
        '--model', 'openai/m-large', '--no-git', '--no-show-model-warnings', '--no-check-update', '--analytics-disable', '--no-pretty',
        '--yes-always', '--chat-mode', 'ask', '--message', asked,
      ],
      env: { OPENAI_API_BASE: `${base}/v1`, OPENAI_API_KEY: key, LITELLM_LOCAL_MODEL_COST_MAP: 'True' },
    });
  },
});
