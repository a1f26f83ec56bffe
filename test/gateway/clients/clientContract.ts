// What every client must find: with the gateway all is as without it, only that the second time costs nothing.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openGatewayForTest, type TestGateway } from '../openGatewayForTest.ts';

export interface ClientAsk {
  /** Without /v1. */
  base: string;
  key: string;
  question: string;
  stream: boolean;
  /** Offers the tool `read`. */
  tool?: boolean;
  /** Stops reading after the first piece of the answer. */
  leave?: boolean;
}

export interface ClientAnswer {
  text: string;
  tool: { name: string; input: unknown } | null;
}

export interface RealClient {
  name: string;
  version: string;
  ask(ask: ClientAsk): Promise<ClientAnswer>;
  /** Some helpers end a broken stream with the text so far and no error. */
  toldOfBrokenStreams?: false;
}

const answer = 'A monad is a 🌯 burrito,\n\nthey say.';
const question = 'What is a monad? Briefly.';

export function testClient(client: RealClient): void {
  describe(`${client.name} ${client.version}`, () => {
    let at: TestGateway;
    beforeAll(async () => {
      at = await openGatewayForTest();
    });
    afterAll(() => at.close());
    beforeEach(async () => {
      await at.parts.clear({});
      at.provider.seen.length = 0;
      at.provider.cancelled = 0;
      at.provider.script = () => ({ text: answer });
    });

    const direct = (more: Partial<ClientAsk> = {}): Promise<ClientAnswer> =>
      client.ask({ base: at.provider.url, key: 'sk-direct', question, stream: false, ...more });
    const through = (more: Partial<ClientAsk> = {}): Promise<ClientAnswer> =>
      client.ask({ base: at.gateway.url, key: at.gateway.token, question, stream: false, ...more });

    test.each([false, true])('has the same answer and sends the same bytes with and without us, streamed: %s', async stream => {
      const without = await direct({ stream });
      const first = await through({ stream });
      const second = await through({ stream });
      expect(without).toEqual({ text: answer, tool: null });
      expect(first).toEqual(without);
      expect(second).toEqual(without);
      expect(at.provider.asked).toBe(2);
      const [sentWithout, sentWith] = at.provider.seen;
      expect(sentWith!.bytes.toString()).toBe(sentWithout!.bytes.toString());
      expect(sentWith!.path).toBe(sentWithout!.path);
    });

    test('is answered in other words, streamed from what was not, and not with other tools', async () => {
      await through();
      expect(await through({ question: 'Briefly: what is a monad?', stream: true })).toEqual({ text: answer, tool: null });
      expect(at.provider.asked).toBe(1);
      await through({ tool: true });
      expect(at.provider.asked).toBe(2);
    });

    test.each([false, true])('gets its tool calls, from the provider and from the cache, streamed: %s', async stream => {
      at.provider.script = () => ({ toolCall: { name: 'read', input: { path: 'a/b.ts' } } });
      const called = { name: 'read', input: { path: 'a/b.ts' } };
      for (const _twice of [1, 2]) expect((await through({ tool: true, stream })).tool).toEqual(called);
      expect(at.provider.asked).toBe(1);
      expect((await through({ tool: true, stream: !stream })).tool).toEqual(called);
      expect(at.provider.asked).toBe(1);
    });

    test('is refused as it would be without us', async () => {
      at.provider.script = () => ({ status: 401, raw: '{"type":"error","error":{"type":"authentication_error","message":"Incorrect key provided"}}' });
      const [without, withUs] = await Promise.all([failureOf(direct()), failureOf(through())]);
      expect(withUs).toBe(without);
      expect(withUs).toMatch(/401|Incorrect key/);
    });

    test('survives a 429 with retry-after, since it sees it', async () => {
      let first = true;
      at.provider.script = () => {
        if (!first) return { text: answer };
        first = false;
        return { status: 429, raw: '{"error":{"message":"slow down","type":"rate_limit_error"}}', headers: { 'retry-after': '0' } };
      };
      expect((await through()).text).toBe(answer);
      expect(at.provider.asked).toBe(2);
    });

    test('a stream that breaks is as broken as without us, and never stored', async () => {
      for (const broken of [{ text: answer, cutAfter: 4 }, { text: answer, errorAfter: 4 }]) {
        at.provider.script = () => broken;
        const failure = await failureOf(through({ stream: true }));
        if (client.toldOfBrokenStreams !== false) expect(failure).not.toBeNull();
      }
      at.provider.script = () => ({ text: answer });
      const asked = at.provider.asked;
      expect((await through({ stream: true })).text).toBe(answer);
      expect(at.provider.asked).toBe(asked + 1);
    });

    test('that stops reading cancels the provider', async () => {
      at.provider.script = () => ({ text: `${answer} `.repeat(200_000) });
      await through({ stream: true, leave: true });
      await expect.poll(() => at.provider.cancelled, { timeout: 20_000 }).toBe(1);
      expect((await at.parts.store.size()).entries).toBe(0);
    });
  });
}

async function failureOf(asked: Promise<ClientAnswer>): Promise<string | null> {
  return asked.then(() => null, (error: unknown) => String((error as Error).message));
}
