// Two real command lines through the gateway: Continue's cn, which offers tools, and llm, which does not.

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { continueClient, continueVersion, pythonClients, pythonVersions } from './clientTools.ts';
import { testCommandLine } from './commandLineContract.ts';

testCommandLine({
  name: 'cn (@continuedev/cli)',
  version: continueVersion,
  callsTools: true,
  sendsFolder: true,
  async prepare(home) {
    const script = await continueClient();
    return (base, key, asked) => {
      const config = path.join(home, 'config.yaml');
      writeFileSync(config, [
        'name: test', 'version: 0.0.1', 'schema: v1', 'models:', '  - name: fake', '    provider: openai', '    model: m-large',
        `    apiBase: ${base}/v1`, `    apiKey: ${key}`, '    roles: [chat]', '',
      ].join('\n'));
      return { file: process.execPath, args: [script, '--config', config, '-p', asked], env: { CONTINUE_TELEMETRY_ENABLED: '0' } };
    };
  },
});

testCommandLine({
  name: 'llm',
  version: pythonVersions.llm,
  async prepare(home) {
    const bin = await pythonClients();
    const user = path.join(home, 'llm');
    mkdirSync(user, { recursive: true });
    return (base, key, asked) => {
      writeFileSync(path.join(user, 'extra-openai-models.yaml'), `- model_id: fake\n  model_name: m-large\n  api_base: ${base}/v1\n  api_key_name: fake\n`);
      writeFileSync(path.join(user, 'keys.json'), JSON.stringify({ fake: key }));
      return { file: path.join(bin, 'llm'), args: ['-m', 'fake', asked], env: { LLM_USER_PATH: user } };
    };
  },
});
