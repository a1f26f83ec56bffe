// Many at once: one upstream call for equal prompts, at the pace of those who read, and ended with the last of them.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { apiForms } from './apiForms.ts';
import { openGatewayForTest, type TestGateway } from './openGatewayForTest.ts';

let at: TestGateway;
beforeAll(async () => {
  at = await openGatewayForTest();
});
afterAll(() => at.close());
beforeEach(async () => {
  await at.parts.clear({});
  at.provider.seen.length = 0;
  at.provider.cancelled = 0;
});

const question = 'What is a monad?';
const answer = 'A monad is a 🌯 burrito, they say. '.repeat(20).trim();

function gate(): { open: () => void; passed: Promise<void> } {
  let open = (): void => undefined;
  const passed = new Promise<void>(resolve => (open = resolve));
  return { open, passed };
}

describe.each(apiForms)('$name', form => {
  const ask = (signal?: AbortSignal): Promise<Response> => at.post(form.path, form.ask(question, { stream: true }), {}, signal);

  test('50 clients asking the same at once cost one call, and each gets the whole stream', async () => {
    const held = gate();
    at.provider.script = () => ({ text: answer, inside: held.passed });
    const first = ask();
    await expect.poll(() => at.provider.asked).toBe(1);
    const others = Array.from({ length: 49 }, () => ask());
    const responses = await Promise.all([first, ...others]);
    held.open();
    const bodies = await Promise.all(responses.map(async response => Buffer.from(await response.arrayBuffer())));
    expect(at.provider.asked).toBe(1);
    for (const body of bodies) expect(body.equals(at.provider.seen[0]!.answered)).toBe(true);
    expect((await at.parts.store.size()).entries).toBe(1);
  });

  test('some leave: the others get all of it. The last leaves: the provider is cancelled, and nothing is stored', async () => {
    const held = gate();
    at.provider.script = () => ({ text: answer, inside: held.passed });
    const leavers = Array.from({ length: 5 }, () => new AbortController());
    const staying = ask();
    const leaving = await Promise.all(leavers.map(leaver => ask(leaver.signal)));
    expect(leaving).toHaveLength(5);
    for (const leaver of leavers) leaver.abort();
    const response = await staying;
    held.open();
    expect(form.streamedText(await response.text())).toBe(answer);
    expect(at.provider.cancelled).toBe(0);

    await at.parts.clear({});
    at.provider.script = () => ({ text: answer, inside: new Promise(() => undefined) });
    const all = Array.from({ length: 3 }, () => new AbortController());
    await Promise.all(all.map(leaver => ask(leaver.signal)));
    const askedBefore = at.provider.asked;
    for (const leaver of all) leaver.abort();
    await expect.poll(() => at.provider.cancelled).toBe(1);
    expect(at.provider.asked).toBe(askedBefore);
    expect((await at.parts.store.size()).entries).toBe(0);
  });

  test('a stream that the provider cuts is cut for everybody, and asked anew by the next', async () => {
    const held = gate();
    at.provider.script = () => ({ text: answer, cutAfter: 3, inside: held.passed });
    const responses = await Promise.all([ask(), ask(), ask()]);
    held.open();
    for (const response of responses) await expect(response.text()).rejects.toThrow();
    expect(at.provider.asked).toBe(1);
    at.provider.script = () => ({ text: answer });
    expect(form.streamedText(await (await ask()).text())).toBe(answer);
    expect(at.provider.asked).toBe(2);
  });
});

test('a client that reads slowly slows the provider down, and loses nothing', async () => {
  const [form] = apiForms;
  const long = `${'x'.repeat(1000)} `.repeat(24_000).trim();
  at.provider.script = () => ({ text: long });
  const response = await at.post(form!.path, form!.ask(question, { stream: true }));
  const written = (): number => at.provider.seen[0]!.answeredBytes;
  let before = -1;
  // Until the buffers of both connections are full and nothing moves any more.
  while (written() !== before) {
    before = written();
    await new Promise(resolve => setTimeout(resolve, 300));
  }
  expect(before).toBeLessThan(long.length / 2);
  expect(form!.streamedText(await response.text())).toBe(long);
});

test('different questions at once do not wait for each other', async () => {
  const [form] = apiForms;
  const held = gate();
  at.provider.script = asked => (asked.includes('slow') ? { text: 'slow', before: held.passed } : { text: 'quick' });
  const slow = at.post(form!.path, form!.ask('A slow question?'));
  await expect.poll(() => at.provider.asked).toBe(1);
  const quick = await at.post(form!.path, form!.ask('Another thing altogether: eggs?'));
  expect(form!.textOf(await quick.json())).toBe('quick');
  held.open();
  expect(form!.textOf(await (await slow).json())).toBe('slow');
});
