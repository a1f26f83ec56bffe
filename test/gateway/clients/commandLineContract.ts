// What every command line must find: with the gateway all is as without it, only that the second time costs nothing.

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
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

export interface CommandLine {
  name: string;
  version: string;
  /** Makes it ready in this home, and says how it is asked. `base` is without /v1. */
  prepare(home: string): Promise<(base: string, key: string, question: string) => Invocation>;
  /** False where every run sends new ids and times. */
  sameBytes?: false;
  /** True where the folder it runs in is part of what it sends. */
  sendsFolder?: true;
  /** False where it tries again for longer than a test waits. */
  failsSoon?: false;
  /** Requests beside the question that repeat it word by word, and so are asked again for other words. */
  sideRequests?: number;
}

export function testCommandLine({ name, version, prepare, sameBytes, sendsFolder, failsSoon, sideRequests = 0 }: CommandLine): void {
  describe(`${name} ${version}`, () => {
    const home = mkdtempSync(path.join(tmpdir(), 'semcache-client-'));
    let at: TestGateway;
    let command: Awaited<ReturnType<CommandLine['prepare']>>;
    beforeAll(async () => {
      command = await prepare(home);
      at = await openGatewayForTest();
    });
    afterAll(async () => {
      await at.close();
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    });
    beforeEach(async () => {
      await at.parts.clear({});
      at.provider.seen.length = 0;
      at.provider.script = () => ({ text: answer });
    });

    const ask = (asked: string, { base, key, folder = 'one' }: { base: string; key: string; folder?: string }): Promise<{ code: number; said: string }> => {
      const cwd = path.join(home, folder);
      mkdirSync(cwd, { recursive: true });
      return new Promise(resolve => {
        const { file, args, env } = command(base, key, asked);
        const child = execFile(file, args, { cwd, env: { ...process.env, HOME: home, PWD: cwd, ...env }, timeout: 90_000 }, (error, stdout) =>
          resolve({ code: error === null ? 0 : 1, said: stdout.trim() }),
        );
        child.stdin?.end();
      });
    };
    const direct = () => ask(question, { base: at.provider.url, key: 'sk-direct' });
    const through = (asked = question, folder?: string) =>
      ask(asked, { base: at.gateway.url, key: at.gateway.token, ...(folder === undefined ? {} : { folder }) });

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

    if (sendsFolder) test('in another folder is another context: a miss', async () => {
      await through();
      const asked = at.provider.asked;
      await through(question, 'two');
      expect(at.provider.asked).toBeGreaterThan(asked);
    });
  });
}
