// "Connect Another Tool…" from the first question to a connection that works, with a real gateway behind it.

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connectToolCommand, newText, testConnection, type ConnectToolParts } from '../../client/routes/connectTool.ts';
import { tools, unsupportedTools, type GatewayAddress } from '../../client/routes/toolConfigurations.ts';
import { continueClient, pythonClients } from './clients/clientTools.ts';
import { openGatewayForTest, type TestGateway } from './openGatewayForTest.ts';

let at: TestGateway;
let gateway: GatewayAddress;
beforeAll(async () => {
  at = await openGatewayForTest();
  gateway = { url: at.gateway.url, token: at.gateway.token, model: 'm-large' };
});
afterAll(() => at.close());

describe('every configuration', () => {
  test.each(tools)('of $name holds the address, and the token or where to put it, and nothing to fill in', tool => {
    const text = tool.configuration(gateway);
    expect(text).toContain(gateway.url);
    expect(tool.name === 'Zed' || text.includes(gateway.token)).toBe(true);
    expect(text).not.toMatch(/undefined|\bMODEL\b|<[a-z]/);
    if (tool.language === 'json') expect(() => JSON.parse(text)).not.toThrow();
  });

  test('of Anthropic\'s wire has no /v1, of OpenAI\'s it has', () => {
    for (const tool of tools) expect(tool.configuration(gateway).includes('/v1')).toBe(tool.wire !== 'messages');
  });

});

describe('what is generated runs as it is', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'semcache-generated-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const generated = (name: string): string => tools.find(tool => tool.name === name)!.configuration(gateway);
  const run = promisify(execFile);
  const python = async (code: string): Promise<string> => (await run(path.join(await pythonClients(), 'python'), ['-c', code])).stdout;

  const programs: Array<{ tool: string; wire: string; run: (text: string) => Promise<string> }> = [
    { tool: 'curl', wire: '/v1/chat/completions', run: async text => (await run('bash', ['-c', `${text.trim()} -s`])).stdout },
    {
      tool: 'OpenAI SDK for Python', wire: '/v1/chat/completions',
      run: text => python(`${text}\nprint(client.chat.completions.create(model="m-large", messages=[{"role": "user", "content": "Hello"}]).choices[0].message.content)`),
    },
    { tool: 'Anthropic SDK', wire: '/v1/messages', run: text => python(`${text}\nprint(client.messages.create(model="m-large", max_tokens=100, messages=[{"role": "user", "content": "Hello"}]).content[0].text)`) },
    { tool: 'LangChain', wire: '/v1/chat/completions', run: text => python(`${text}\nprint(llm.invoke("Hello").content)`) },
    {
      tool: 'OpenAI SDK for JavaScript', wire: '/v1/chat/completions',
      async run(text) {
        // Below the project, so that the SDK is found.
        const file = fileURLToPath(new URL('../../node_modules/.cache/semcache-generated.mjs', import.meta.url));
        mkdirSync(path.dirname(file), { recursive: true });
        writeFileSync(file, `${text}\nconst { choices } = await client.chat.completions.create({ model: 'm-large', messages: [{ role: 'user', content: 'Hello' }] });\nconsole.log(choices[0].message.content);`);
        return (await run(process.execPath, [file])).stdout;
      },
    },
    {
      tool: 'Continue', wire: '/v1/chat/completions',
      async run(text) {
        mkdirSync(path.join(folder, '.continue'), { recursive: true });
        const config = path.join(folder, tools.find(({ name }) => name === 'Continue')!.file!);
        writeFileSync(config, text);
        const asked = run(process.execPath, [await continueClient(), '--config', config, '-p', 'Hello'], { cwd: folder, env: { ...process.env, HOME: folder, CONTINUE_TELEMETRY_ENABLED: '0' }, timeout: 90_000 });
        asked.child.stdin?.end();
        return (await asked).stdout;
      },
    },
  ];
  test.each(programs)('of $tool: one request, in the API that the test of the connection asks', async ({ tool, wire, run: start }) => {
    await at.parts.clear({});
    at.provider.seen.length = 0;
    at.provider.script = () => ({ text: 'Hello back.' });
    expect(await start(generated(tool))).toContain('Hello back.');
    expect(at.provider.seen.map(({ path: asked, body }) => `${asked} ${body['model']}`)).toEqual([`${wire} m-large`]);
    expect({ chat: '/v1/chat/completions', messages: '/v1/messages', responses: '/v1/responses' }[tools.find(({ name }) => name === tool)!.wire]).toBe(wire);
  });
});

describe('newText()', () => {
  const claude = tools.find(({ name }) => name === 'Claude Code')!;
  const codex = tools.find(({ name }) => name === 'Codex')!;

  test('keeps what Claude\'s settings hold', () => {
    const existing = '{"model":"opus","env":{"A":"1","ANTHROPIC_BASE_URL":"old"}}';
    expect(JSON.parse(newText(claude, gateway, 'f', existing))).toEqual({
      model: 'opus',
      env: { A: '1', ANTHROPIC_BASE_URL: gateway.url, ANTHROPIC_AUTH_TOKEN: gateway.token, ANTHROPIC_MODEL: 'm-large' },
    });
  });

  test.each([
    { why: 'settings with comments', tool: claude, existing: '{ // mine\n "a": 1 }' },
    { why: 'a file that is not merged', tool: codex, existing: 'model = "x"' },
  ])('$why are left alone, and the person is told', ({ tool, existing }) => {
    expect(() => newText(tool, gateway, '/home/ann/f', existing)).toThrow(/left as it is/);
  });
});

describe('testConnection()', () => {
  const claude = { name: 'Claude Code', wire: 'messages' as const };

  test.each(['chat', 'messages', 'responses'] as const)('makes one real request of %s', async wire => {
    at.provider.seen.length = 0;
    await at.parts.clear({});
    at.provider.script = () => ({ text: 'OK' });
    expect(await testConnection({ name: 'It', wire }, gateway)).toEqual({ ok: true, text: 'It will work: m-large answered (miss).' });
    expect(at.provider.asked).toBe(1);
  });

  test('asks for models where none is known', async () => {
    expect(await testConnection(claude, { ...gateway, model: 'MODEL' })).toMatchObject({ ok: true });
  });

  test.each([
    { why: 'a wrong token', more: { token: 'wrong' }, said: /status 401.*token/ },
    { why: 'nobody there', more: { url: 'http://127.0.0.1:1' }, said: /could not be asked/ },
  ])('says what is wrong: $why', async ({ more, said }) => {
    const outcome = await testConnection(claude, { ...gateway, ...more });
    expect(outcome.ok).toBe(false);
    expect(outcome.text).toMatch(said);
  });
});

describe('the command', () => {
  const home = mkdtempSync(path.join(tmpdir(), 'semcache-home-'));
  afterAll(() => rmSync(home, { recursive: true, force: true }));
  let shown: string[];
  let copied: string;
  let told: string[];
  beforeEach(() => {
    shown = [];
    copied = '';
    told = [];
  });

  /** A person who picks the tool and the step, and answers the last question. */
  const run = (tool: string, step: string, answer?: string, more: Partial<ConnectToolParts> = {}): Promise<void> => {
    const says = async (text: string): Promise<string | undefined> => {
      told.push(text);
      return answer;
    };
    const editor = {
      window: {
        showQuickPick: async (items: Array<{ label: string; step?: string }>) => items.find(item => item.label === tool || item.step === step),
        showInformationMessage: says,
        showWarningMessage: says,
        showTextDocument: async () => undefined,
      },
      workspace: { openTextDocument: async ({ content }: { content: string }) => void shown.push(content) },
      env: { clipboard: { writeText: async (text: string) => void (copied = text) } },
    } as unknown as ConnectToolParts['editor'];
    return connectToolCommand({ editor, home, gateway: () => gateway, daemonMode: () => 'shared', model: () => 'm-large', ...more });
  };

  test('copies', async () => {
    await run('LangChain', 'copy');
    expect(copied).toContain(gateway.token);
  });

  test('writes nothing without a yes to the file that was shown, and only for its owner with one', async () => {
    const file = path.join(home, '.claude/settings.json');
    mkdirSync(path.dirname(file));
    writeFileSync(file, '{"model":"opus"}');
    await run('Claude Code', 'write', undefined);
    expect(readFileSync(file, 'utf8')).toBe('{"model":"opus"}');
    expect(shown).toHaveLength(1);
    await run('Claude Code', 'write', 'Write');
    expect(readFileSync(file, 'utf8')).toBe(shown[1]);
    await run('Codex', 'write', 'Write');
    if (process.platform !== 'win32') expect(statSync(path.join(home, '.codex/config.toml')).mode & 0o077).toBe(0);
  });

  test('tests', async () => {
    at.provider.script = () => ({ text: 'OK' });
    await run('Claude Code', 'test');
    expect(told.join()).toMatch(/Claude Code will work/);
  });

  test('says why a tool cannot work, and does nothing when it is picked', async () => {
    await run(`$(circle-slash) ${unsupportedTools[0]!.name}`, 'copy');
    expect({ copied, told }).toEqual({ copied: '', told: [] });
  });

  test.each([
    { mode: 'shared' as const, said: 'semcache.gateway.enabled' },
    { mode: null, said: 'semcache.gateway.enabled' },
    { mode: 'window' as const, said: 'only the shared one opens a gateway' },
  ])('says how to open the gateway where it is not, the daemon being of mode $mode', async ({ mode, said }) => {
    await expect(run('curl', 'copy', undefined, { gateway: () => null, daemonMode: () => mode })).rejects.toThrow(said);
  });
});
