// Real daemons in folders of their own, and raw clients that speak to them without our client code.

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import {
  createMessageConnection,
  SocketMessageReader,
  SocketMessageWriter,
  type MessageConnection,
} from 'vscode-languageserver-protocol/node';
import type { AnswerPart, UpstreamPart } from '../../server/protocol/answer.ts';
import { readRecord, type DiscoveryRecord } from '../../server/protocol/discovery.ts';
import {
  answerInEditorRequest,
  answerParts,
  completeRequest,
  configureRequest,
  editorParts,
  PROTOCOL_VERSION,
  type CompleteParams,
  type DaemonFacts,
} from '../../server/protocol/messages.ts';
import { defaultCacheSettings, type CacheSettings } from '../../server/protocol/settings.ts';

export const serverFile = fileURLToPath(new URL('../../server/main.ts', import.meta.url));

type CleanUp = () => void | Promise<void>;
/** Where what must be undone is noted: the test that runs, or the group of tests that is being prepared. */
let atEnd: (cleanUp: CleanUp) => void = cleanUp => onTestFinished(cleanUp);

/** One daemon for all tests of a group, which must not depend on what the others stored. */
export function daemonForGroup(...more: string[]): () => Served {
  const cleanUps: CleanUp[] = [];
  let served!: Served;
  beforeAll(async () => {
    const ofTest = atEnd;
    atEnd = cleanUp => cleanUps.unshift(cleanUp);
    served = await serve(newDataFolder(), ...more).finally(() => (atEnd = ofTest));
  });
  afterAll(async () => {
    for (const cleanUp of cleanUps) await cleanUp();
  });
  return () => served;
}

/** A data folder, and a runtime folder for sockets, that are gone after the test with the daemons in them. */
export function newDataFolder(): string {
  const root = mkdtempSync(path.join(os.tmpdir(), 'semcache-'));
  const earlier = process.env['XDG_RUNTIME_DIR'];
  process.env['XDG_RUNTIME_DIR'] = root;
  const folder = path.join(root, 'data');
  atEnd(async () => {
    await endDaemonOf(folder);
    if (earlier === undefined) delete process.env['XDG_RUNTIME_DIR'];
    else process.env['XDG_RUNTIME_DIR'] = earlier;
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  });
  return folder;
}

async function endDaemonOf(folder: string): Promise<void> {
  const record = readRecord(folder);
  if (record === null) return;
  try {
    process.kill(record.pid, 'SIGTERM');
  } catch {
    return;
  }
  await until(() => !isRunning(record.pid), 'the daemon ends after the test');
}

export interface Served {
  child: ChildProcess;
  pid: number;
  dataFolder: string;
  record: DiscoveryRecord;
  /** Settles with the exit code; null after a signal. */
  exited: Promise<number | null>;
}

/** `semcache serve --json`, as soon as it says that it is ready. */
export async function serve(dataFolder: string, ...more: string[]): Promise<Served> {
  const { child, exited, output, errors } = start(dataFolder, 'serve', '--json', ...more);
  await until(() => output().includes('\n') || child.exitCode !== null, 'the daemon says that it is ready');
  if (output() === '') throw new Error(`The daemon ended with code ${child.exitCode}: ${errors()}`);
  const ready = JSON.parse(output()) as { event: string; socket: string };
  const record = readRecord(dataFolder)!;
  if (ready.event !== 'ready' || ready.socket !== record.socket) throw new Error(`Not ready: ${output()}`);
  return { child, pid: child.pid!, dataFolder, record, exited };
}

/** Any command of the program, running. */
export function start(dataFolder: string, ...args: string[]): { child: ChildProcess; exited: Promise<number | null>; output: () => string; errors: () => string } {
  const child = spawn(process.execPath, [serverFile, ...args], {
    env: { ...process.env, SEMCACHE_DATA: dataFolder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', chunk => (output += String(chunk)));
  child.stderr.on('data', chunk => (errors += String(chunk)));
  const exited = new Promise<number | null>(resolve => child.once('close', code => resolve(code)));
  atEnd(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  return { child, exited, output: () => output, errors: () => errors };
}

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** Any command of the program, to its end. */
export function run(dataFolder: string, args: string[], input = ''): Promise<Ran> {
  return new Promise(resolve => {
    const child = execFile(
      process.execPath,
      [serverFile, ...args],
      { env: { ...process.env, SEMCACHE_DATA: dataFolder }, maxBuffer: 64 * 1024 * 1024 },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
    child.stdin!.end(input);
  });
}

export interface RawClient {
  connection: MessageConnection;
  socket: net.Socket;
  facts: DaemonFacts;
  closed: Promise<void>;
  configure(settings?: Partial<CacheSettings>): Promise<void>;
  /** Lets every prompt wait for the embedding model, on however busy a machine. */
  patient(): Promise<void>;
  /** Asks with this window's model as the upstream. */
  ask(question: string, answer: (signal: AbortSignal) => AsyncIterable<UpstreamPart>, more?: Partial<CompleteParams>): Promise<AnswerPart[]>;
}

/** A session that has been let in. */
export async function attach(record: DiscoveryRecord, build = record.build): Promise<RawClient> {
  const { socket, connection, closed } = await connectOnly(record.socket);
  const { semcache } = await initialize(connection, { token: record.token, protocol: PROTOCOL_VERSION, build });
  let asks = 0;
  const arrived = new Map<string, AnswerPart[]>();
  const answers = new Map<string, (signal: AbortSignal) => AsyncIterable<UpstreamPart>>();
  connection.onNotification(answerParts, ({ askId, parts }) => {
    arrived.get(askId)?.push(...parts);
  });
  connection.onRequest(answerInEditorRequest, async ({ callId, askId }, token) => {
    const abort = new AbortController();
    token.onCancellationRequested(() => abort.abort());
    for await (const part of answers.get(askId)!(abort.signal)) await connection.sendNotification(editorParts, { callId, parts: [part] });
  });
  const configure = (settings?: Partial<CacheSettings>): Promise<void> =>
    connection.sendRequest(configureRequest, { settings: { ...defaultCacheSettings, ...settings }, upstreams: [] });
  return {
    connection,
    socket,
    facts: semcache,
    closed,
    configure,
    patient: () => configure({ embeddingDeadlineMs: 60_000 }),
    async ask(question, answer, more) {
      const askId = `ask-${(asks += 1)}`;
      const parts: AnswerPart[] = [];
      arrived.set(askId, parts);
      answers.set(askId, answer);
      await connection.sendRequest(completeRequest, completeParams(question, { askId, ...more }));
      return parts;
    },
  };
}

export async function connectOnly(address: string): Promise<{ socket: net.Socket; connection: MessageConnection; closed: Promise<void> }> {
  const socket = net.connect(address);
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  socket.on('error', () => undefined);
  const connection = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()));
  connection.listen();
  onTestFinished(() => void socket.destroy());
  return { socket, connection, closed };
}

export function initialize(connection: MessageConnection, initializationOptions: unknown): Promise<{ semcache: DaemonFacts }> {
  return connection.sendRequest('initialize', { processId: null, rootUri: null, capabilities: {}, initializationOptions });
}

export function completeParams(question: string, more: Partial<CompleteParams> = {}): CompleteParams {
  return {
    askId: 'ask',
    request: { model: 'm', parameters: {}, messages: [{ role: 'user', parts: [{ type: 'text', text: question }] }], tools: [] },
    upstream: { kind: 'editor', model: 'window-model' },
    route: 'command',
    workspace: null,
    ...more,
  };
}

/** A whole answer, at once. */
export async function* saying(text: string): AsyncIterable<UpstreamPart> {
  yield { type: 'text', text };
  yield { type: 'end', finish: 'stop' };
}

/** Text of an answer, and what the decision was. */
export function summary(parts: AnswerPart[]): { status: string; match?: string; text: string; finish?: string } {
  let text = '';
  let status = 'none';
  let match: string | undefined;
  let finish: string | undefined;
  for (const part of parts) {
    if (part.type === 'decision') {
      status = part.decision.status;
      if ('match' in part.decision) match = part.decision.match;
    }
    if (part.type === 'text') text += part.text;
    if (part.type === 'end') finish = part.finish;
  }
  return { status, text, ...(match === undefined ? {} : { match }), ...(finish === undefined ? {} : { finish }) };
}

/** Polls: other processes keep their own time. */
export async function until(isTrue: () => boolean, what: string, deadlineMs = 15_000): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Error(`It did not happen in ${deadlineMs} ms: ${what}`);
    await pause(20);
  }
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Everything that a daemon of this folder has written for people. */
export function logOf(dataFolder: string): string {
  return ['daemon.log', 'daemon.log.1', 'daemon.out']
    .map(name => path.join(dataFolder, name))
    .filter(existsSync)
    .map(file => readFileSync(file, 'utf8'))
    .join('');
}
