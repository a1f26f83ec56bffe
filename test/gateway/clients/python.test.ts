// The real Python SDKs through the gateway, all in one process that lives as long as the tests.

import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';
import { testClient, type ClientAnswer, type ClientAsk } from './clientContract.ts';
import { pythonClients, pythonVersions } from './clientTools.ts';

let python: ChildProcess | undefined;
let lines: Interface;

beforeAll(async () => {
  const folder = await pythonClients();
  python = spawn(path.join(folder, 'python'), [fileURLToPath(new URL('./pythonSdks.py', import.meta.url))], { stdio: ['pipe', 'pipe', 'inherit'] });
  lines = createInterface({ input: python.stdout! });
});
afterAll(() => void python?.kill());

/** One at a time, as the script answers. */
let before: Promise<unknown> = Promise.resolve();
function ask(client: string, asked: ClientAsk): Promise<ClientAnswer> {
  const answered = before.then(async () => {
    const line = new Promise<string>(resolve => lines.once('line', resolve));
    python!.stdin!.write(`${JSON.stringify({ tool: false, leave: false, ...asked, client })}\n`);
    const said = JSON.parse(await line) as ClientAnswer & { error?: string };
    if (said.error !== undefined) throw new Error(said.error);
    return said;
  });
  before = answered.catch(() => undefined);
  return answered;
}

testClient({ name: 'PyPI openai, chat.completions', version: pythonVersions.openai, ask: asked => ask('chat', asked) });
testClient({ name: 'PyPI openai, responses', version: pythonVersions.openai, ask: asked => ask('responses', asked) });
testClient({ name: 'PyPI anthropic', version: pythonVersions.anthropic, ask: asked => ask('messages', asked) });
testClient({ name: 'PyPI langchain-openai', version: pythonVersions['langchain-openai'], ask: asked => ask('langchain', asked) });
