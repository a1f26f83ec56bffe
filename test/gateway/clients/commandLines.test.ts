// Two real command lines through the gateway: Continue's cn, which offers tools, and llm, which does not.

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openGatewayForTest, type TestGateway } from '../openGatewayForTest.ts';
import { continueClient, pythonClients } from './clientTools.ts';

const answer = 'A monad is a burrito, they say.';
const question = 'What is a monad? Briefly.';

interface CommandLine {
  name: string;
  /** Makes it ready in this home, and says how it is asked. */
  prepare(home: string): Promise<(base: string, key: string, question: string) => { file: string; args: string[]; env: NodeJS.ProcessEnv }>;
}

const commandLines: CommandLine[] = [
  {
    name: 'cn (@continuedev/cli)',
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
  },
  {
    name: 'llm',
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
  },
];

describe.each(commandLines)('$name', ({ prepare }) => {
  const home = mkdtempSync(path.join(tmpdir(), 'semcache-client-'));
  let at: TestGateway;
  let command: Awaited<ReturnType<CommandLine['prepare']>>;
  beforeAll(async () => {
    command = await prepare(home);
    at = await openGatewayForTest();
  });
  afterAll(async () => {
    await at.close();
    rmSync(home, { recursive: true, force: true });
  });
  beforeEach(async () => {
    await at.parts.clear({});
    at.provider.seen.length = 0;
    at.provider.script = () => ({ text: answer });
  });

  const ask = (asked: string, { base, key, cwd = home }: { base: string; key: string; cwd?: string }): Promise<{ code: number; said: string }> =>
    new Promise(resolve => {
      const { file, args, env } = command(base, key, asked);
      const child = execFile(file, args, { cwd, env: { ...process.env, HOME: home, ...env }, timeout: 50_000 }, (error, stdout) =>
        resolve({ code: error === null ? 0 : 1, said: stdout.trim() }),
      );
      child.stdin?.end();
    });
  const through = (asked = question, cwd?: string) => ask(asked, { base: at.gateway.url, key: at.gateway.token, ...(cwd === undefined ? {} : { cwd }) });

  test('has the same answer and sends the same bytes with and without us; the second ask and a paraphrase are hits', async () => {
    const without = await ask(question, { base: at.provider.url, key: 'sk-direct' });
    const first = await through();
    expect(first).toEqual(without);
    expect(first.said).toContain(answer);
    expect(at.provider.seen[1]!.bytes.toString()).toBe(at.provider.seen[0]!.bytes.toString());
    expect(await through()).toEqual(without);
    expect(await through('Briefly: what is a monad?')).toEqual(without);
    expect(at.provider.asked).toBe(2);
  });

  test('fails as it would without us, and the failure is not stored', async () => {
    at.provider.script = () => ({ status: 401, raw: '{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}' });
    const without = await ask(question, { base: at.provider.url, key: 'sk-direct' });
    expect((await through()).code).toBe(without.code);
    at.provider.script = () => ({ text: answer });
    expect((await through()).said).toContain(answer);
  });
});

test('cn in another folder is another context: a miss', async () => {
  const home = mkdtempSync(path.join(tmpdir(), 'semcache-client-'));
  const at = await openGatewayForTest();
  at.provider.script = () => ({ text: answer });
  try {
    const command = await commandLines[0]!.prepare(home);
    for (const folder of ['one', 'two']) {
      const cwd = path.join(home, folder);
      mkdirSync(cwd);
      const { file, args, env } = command(at.gateway.url, at.gateway.token, question);
      await new Promise(resolve => {
        execFile(file, args, { cwd, env: { ...process.env, HOME: home, ...env }, timeout: 50_000 }, resolve).stdin?.end();
      });
    }
    expect(at.provider.asked).toBe(2);
  } finally {
    await at.close();
    rmSync(home, { recursive: true, force: true });
  }
});
