// Round trips through a running daemon, as a window makes them: one socket, the protocol's messages.
// Measured on the bundle (dist/), which is what people run.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection as connectSocket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createProtocolConnection, SocketMessageReader, SocketMessageWriter, type ProtocolConnection } from 'vscode-languageserver-protocol/node';
import type { AnswerPart } from '../server/protocol/answer.ts';
import type { Decision } from '../server/protocol/decision.ts';
import { readRecord } from '../server/protocol/discovery.ts';
import { answerParts, completeRequest, PROTOCOL_VERSION } from '../server/protocol/messages.ts';
import { end, residentMegabytes } from './childProcess.ts';
import { milliseconds, type Row } from './row.ts';

const program = fileURLToPath(new URL('../dist/server/main.cjs', import.meta.url));

/** One question, and wordings of it that are compared by the models, not by their words alone. */
const question = 'How do I reverse a list in Python?';
const wordings = [
  'Python: reverse a list', 'How can I reverse a Python list?', 'What is the way to reverse a list in Python?',
  'How to reverse a list in Python', 'In Python, how do I reverse a list?', 'How can a list be reversed in Python?',
  'Please tell me how to reverse a list in Python', 'How do I reverse a Python list?',
];

export async function benchDaemon(): Promise<Row[]> {
  const data = await mkdtemp(path.join(os.tmpdir(), 'semcache-bench-'));
  try {
    await withDaemon(data, async daemon => void (await daemon.ask(question)));
    const toExact = await coldStart(data, question);
    const toSemantic = await coldStart(data, wordings[0]!);
    return await withDaemon(data, async daemon => {
      const rewordings = await hitsAmong(wordings, daemon);
      const exact = await timed(200, () => daemon.ask(question));
      const semantic = await timed(200, index => daemon.ask(rewordings[index % rewordings.length]!));
      return [
        { name: 'cold start to first answer, identical question', value: toExact, unit: 'ms', what: 'from starting the daemon process to the end of its first answer, a stored one' },
        { name: 'cold start to first answer, reworded question', value: toSemantic, unit: 'ms', what: 'the same for a question matched by meaning: loading the model included' },
        ...milliseconds('identical question, round trip', exact, '200 asks one after the other over the socket, from the request to the end of the answer'),
        ...milliseconds('reworded question, round trip', semantic, `200 asks one after the other, ${rewordings.length} wordings in turn`),
        { name: 'memory of the daemon', value: await residentMegabytes(daemon.pid), unit: 'MB', what: 'resident set after 400 hits, the model loaded' },
      ];
    });
  } finally {
    await rm(data, { recursive: true, force: true });
  }
}

/** Milliseconds from the start of the process to the end of its first answer. */
async function coldStart(data: string, asked: string): Promise<number> {
  const begun = performance.now();
  return withDaemon(data, async daemon => {
    const decision = await daemon.ask(asked);
    if (decision.status !== 'hit') throw new Error(`The first answer was a ${decision.status}: ${decision.why}`);
    return performance.now() - begun;
  });
}

/** Those that are hits as matching is calibrated now. */
async function hitsAmong(asked: readonly string[], daemon: Daemon): Promise<string[]> {
  const hits: string[] = [];
  for (const wording of asked) if ((await daemon.ask(wording)).status === 'hit') hits.push(wording);
  if (hits.length === 0) throw new Error('None of the wordings is a hit, so there is nothing to measure.');
  return hits;
}

async function timed(count: number, ask: (index: number) => Promise<Decision>): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < count; index++) {
    const begun = performance.now();
    const decision = await ask(index);
    if (decision.status !== 'hit') throw new Error(`Ask ${index} was a ${decision.status}: ${decision.why}`);
    times.push(performance.now() - begun);
  }
  return times;
}

interface Daemon {
  pid: number;
  /** Resolves when the answer is whole. */
  ask(question: string): Promise<Decision>;
}

async function withDaemon<Result>(data: string, use: (daemon: Daemon) => Promise<Result>): Promise<Result> {
  const child = spawn(process.execPath, [program, 'serve', '--data', data, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(createInterface(child.stdout), 'line');
    const { connection, pid } = await connect(data);
    try {
      return await use({ pid, ask: asked => askDaemon(connection, asked) });
    } finally {
      connection.dispose();
    }
  } finally {
    await end(child);
  }
}

async function connect(data: string): Promise<{ connection: ProtocolConnection; pid: number }> {
  const { socket: address, token, pid } = readRecord(data)!;
  const socket = connectSocket(address);
  await once(socket, 'connect');
  const connection = createProtocolConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
  connection.listen();
  const initializationOptions = { token, protocol: PROTOCOL_VERSION, build: { version: '0.0.0', builtAt: 0 } };
  await connection.sendRequest('initialize', { processId: null, rootUri: null, capabilities: {}, initializationOptions });
  await connection.sendNotification('initialized', {});
  return { connection, pid };
}

async function askDaemon(connection: ProtocolConnection, asked: string): Promise<Decision> {
  const askId = crypto.randomUUID();
  let decision: Decision | undefined;
  const listening = connection.onNotification(answerParts, ({ askId: of, parts }) => {
    if (of === askId) decision ??= parts.find((part): part is AnswerPart & { type: 'decision' } => part.type === 'decision')?.decision;
  });
  const messages = [{ role: 'user' as const, parts: [{ type: 'text' as const, text: asked }] }];
  await connection.sendRequest(completeRequest, {
    askId, request: { model: 'semcache-demo', parameters: {}, messages, tools: [] }, upstream: { kind: 'demo' }, route: 'command', workspace: null,
  });
  listening.dispose();
  return decision!;
}
