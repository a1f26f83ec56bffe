// "Connect Another Tool…" from the first question to a connection that works, with a real gateway behind it.

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connectToolCommand, newText, testConnection, type ConnectToolParts } from '../../client/routes/connectTool.ts';
import { tools, unsupportedTools, type GatewayAddress } from '../../client/routes/toolConfigurations.ts';
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

  test('curl\'s is a command that works', async () => {
    at.provider.script = () => ({ text: 'Hello back.' });
    const text = tools.find(({ name }) => name === 'curl')!.configuration(gateway);
    const { stdout } = await promisify(execFile)('bash', ['-c', `${text.trim()} -s`]);
    expect(stdout).toContain('Hello back.');
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
    return connectToolCommand({ editor, home, gateway: () => gateway, model: () => 'm-large', ...more });
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

  test('says how to open the gateway where it is not', async () => {
    await expect(run('curl', 'copy', undefined, { gateway: () => null })).rejects.toThrow('semcache.gateway.enabled');
  });
});
