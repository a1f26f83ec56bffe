// What every command line must find: with the gateway all is as without it, only that the second time costs nothing.

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openGatewayForTest, type TestGateway } from '../openGatewayForTest.ts';

const answer = 'A monad is a burrito, they say.';
const question = 'What is a monad? Briefly.';

export interface Invocation {
  file: string;
  args: string[];
  env: NodeJS.ProcessEnv;
}

/** How a command line ended. */
export interface Said {
  code: 0 | 1;
  said: string;
}

/** Longest time for one answer. */
const answerMs = 90_000;

/**
 * Ends it, and what it started, when `leave` fires. On success `said` is what it printed, else its messages, too.
 * @throws where it cannot be started, or does not end in time
 */
export function askCommandLine({ file, args, env }: Invocation, cwd: string, leave?: AbortSignal): Promise<Said> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env: { ...process.env, ...env }, detached: process.platform !== 'win32' });
    let printed = '';
    let messages = '';
    let isLate = false;
    child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (messages += chunk.toString()));
    child.stdin.on('error', () => undefined).end();
    const end = (): void => endGroup(child);
    const timer = setTimeout(() => {
      isLate = true;
      end();
    }, answerMs);
    leave?.addEventListener('abort', end, { once: true });
    child.once('error', reject);
    child.once('close', code => {
      clearTimeout(timer);
      leave?.removeEventListener('abort', end);
      const all = `${printed.trim()}\n${messages.trim()}`.trim();
      if (isLate) reject(new Error(`It did not end within ${answerMs / 1000} s. It said: ${all.slice(-500)}`));
      else resolve(code === 0 ? { code: 0, said: printed.trim() } : { code: 1, said: all });
    });
  });
}

/** Most command lines are a script that starts the program. */
function endGroup(child: ChildProcess): void {
  if (process.platform === 'win32' || child.pid === undefined) return void child.kill('SIGKILL');
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

export interface CommandLine {
  name: string;
  version: string;
  /** Makes it ready in this home, and says how it is asked. `base` is without /v1. */
  prepare(home: string): Promise<(base: string, key: string, question: string) => Invocation>;
  /** Ends what it left running. */
  end?(home: string): Promise<void>;
  /** False where every run sends new ids and times. */
  sameBytes?: false;
  /** True where it offers tools that read files, or run commands. `timed`: what they say holds how long they took. */
  callsTools?: true | 'timed';
  /** True where its requests come from a program that stays when it is ended. */
  staysBehind?: true;
  /** True where the folder it runs in is part of what it sends. */
  sendsFolder?: true;
  /** False where it tries again for longer than a test waits. */
  failsSoon?: false;
  /** Requests beside the question that repeat it word by word, and so are asked again for other words. */
  sideRequests?: number;
}

export function testCommandLine({ name, version, prepare, end, sameBytes, callsTools, staysBehind, sendsFolder, failsSoon, sideRequests = 0 }: CommandLine): void {
  describe(`${name} ${version}`, () => {
    let home = '';
    let at: TestGateway;
    let command: Awaited<ReturnType<CommandLine['prepare']>>;
    beforeAll(async () => {
      home = mkdtempSync(path.join(tmpdir(), 'semcache-client-'));
      at = await openGatewayForTest();
      command = await prepare(home);
    });
    afterAll(async () => {
      await end?.(home);
      await at.close();
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    });
    beforeEach(async () => {
      await at.parts.clear({});
      at.provider.seen.length = 0;
      at.provider.cancelled = 0;
      at.provider.script = () => ({ text: answer });
    });

    const ask = (asked: string, { base, key, folder = 'one', leave }: { base: string; key: string; folder?: string; leave?: AbortSignal }): Promise<Said> => {
      const cwd = path.join(home, folder);
      mkdirSync(cwd, { recursive: true });
      const { env, ...invocation } = command(base, key, asked);
      return askCommandLine({ ...invocation, env: { ...env, HOME: home, PWD: cwd } }, cwd, leave);
    };
    const direct = () => ask(question, { base: at.provider.url, key: 'sk-direct' });
    const through = (asked = question, more: { folder?: string; leave?: AbortSignal } = {}) =>
      ask(asked, { base: at.gateway.url, key: at.gateway.token, ...more });

    test('has the same answer with and without us; the second ask and a paraphrase are hits', async () => {
      const without = await direct();
      const askedWithout = at.provider.asked;
      const first = await through();
      const askedOnce = at.provider.asked;
      expect(without).toMatchObject({ code: 0, said: expect.stringContaining(answer) });
      expect(first).toMatchObject({ code: 0, said: expect.stringContaining(answer) });
      if (sameBytes !== false) {
        const bodies = at.provider.seen.map(({ bytes }) => bytes.toString());
        expect(bodies.slice(askedWithout)).toEqual(bodies.slice(0, askedWithout));
      }
      expect((await through()).said).toContain(answer);
      expect(at.provider.asked).toBe(askedOnce);
      expect((await through('Briefly: what is a monad?')).said).toContain(answer);
      expect(at.provider.asked).toBe(askedOnce + sideRequests);
    });

    test('fails as it would without us, and the failure is not stored', async () => {
      at.provider.script = () => ({ status: 401, raw: '{"type":"error","error":{"message":"Incorrect API key provided","type":"authentication_error","code":"invalid_api_key"}}' });
      if (failsSoon !== false) expect((await through()).code).toBe((await direct()).code);
      at.provider.script = () => ({ text: answer });
      expect((await through()).said).toContain(answer);
    });

    test('of a stream that broke nothing is stored', async () => {
      let isBroken = true;
      at.provider.script = (_question, { body }) => {
        if (!isBroken || body['model'] !== 'm-large') return { text: answer };
        isBroken = false;
        return { text: answer, cutAfter: 4 };
      };
      await through();
      expect(isBroken).toBe(false);
      expect((await through()).said).toContain(answer);
      for await (const { generations } of at.parts.store.entries()) expect(generations[0]!.text).toBe(answer);
    });

    if (staysBehind !== true) test('ended in the middle of an answer it cancels the provider, and nothing is stored', async () => {
      at.provider.script = () => ({ text: answer, inside: new Promise(() => undefined) });
      const leave = new AbortController();
      const asked = through(question, { leave: leave.signal });
      await expect.poll(() => at.provider.asked, { timeout: 60_000 }).toBeGreaterThan(0);
      leave.abort();
      await asked;
      await expect.poll(() => at.provider.cancelled, { timeout: 20_000 }).toBe(at.provider.asked);
      expect((await at.parts.store.size()).entries).toBe(0);
    });

    if (callsTools !== undefined) test('runs the tool that it is told to, and gets call and answer from the cache the second time', async () => {
      const notes = path.join(home, 'one', 'notes.txt');
      mkdirSync(path.dirname(notes), { recursive: true });
      writeFileSync(notes, 'Burritos are monads.\n');
      at.provider.script = (_question, { body }) => {
        const call = hasToolResult(body) ? null : readingCall(body, notes);
        return call === null ? { text: answer } : { toolCall: call };
      };
      expect(await through()).toEqual({ code: 0, said: expect.stringContaining(answer) });
      expect(at.provider.seen.some(({ body }) => hasToolResult(body))).toBe(true);
      const calls = (): number => at.provider.seen.filter(({ body }) => !hasToolResult(body)).length;
      const [asked, called] = [at.provider.asked, calls()];
      expect((await through()).said).toContain(answer);
      expect(calls()).toBe(called);
      if (callsTools !== 'timed') expect(at.provider.asked).toBe(asked);
    });

    if (sendsFolder) test('in another folder is another context: a miss', async () => {
      await through();
      const asked = at.provider.asked;
      await through(question, { folder: 'two' });
      expect(at.provider.asked).toBeGreaterThan(asked);
    });
  });
}

/** A call of an offered tool that reads this file; null where none is offered. */
function readingCall({ tools }: Record<string, unknown>, file: string): { name: string; input: object } | null {
  const offered = (Array.isArray(tools) ? tools : []).map(tool => tool.function ?? tool);
  const reads = offered.find(({ name }) => /^(?:read|read_file|view)$/i.test(name));
  if (reads !== undefined) return { name: reads.name, input: { [(reads.parameters ?? reads.input_schema).required[0]]: file } };
  return offered.some(({ name }) => name === 'exec_command') ? { name: 'exec_command', input: { cmd: `cat ${file}` } } : null;
}

function hasToolResult(body: Record<string, unknown>): boolean {
  return /"role":"tool"|"type":"(?:tool_result|function_call_output)"/.test(JSON.stringify(body['messages'] ?? body['input']));
}
