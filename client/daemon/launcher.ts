// Finds the daemon of this user, or starts one.
// Owns: the record, the spawn, the handshake, draining an older build, and the fallback to a daemon of this window's own.
// Does not know: VS Code; what is asked over the connection; when to connect again (connection.ts).
// Always true: an older build never ends a newer daemon, and one attempt drains at most once.

import { fork, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  ResponseError,
  SocketMessageReader,
  SocketMessageWriter,
  type MessageConnection,
} from 'vscode-languageserver-protocol/node';
import { dataFolderOf, readRecord, type DiscoveryRecord } from '../../server/protocol/discovery.ts';
import { messageOf, SemcacheError, type ErrorCode } from '../../server/protocol/errors.ts';
import {
  drainRequest,
  PROTOCOL_VERSION,
  type Build,
  type DaemonFacts,
  type ErrorData,
  type InitializationOptions,
} from '../../server/protocol/messages.ts';

/** After this a window starts a daemon of its own. */
const attachDeadlineMs = 5000;
const windowDeadlineMs = 10_000;
const betweenTriesMs = 50;
/** Exit code of a daemon that found another one running: as good as started. */
const alreadyRunning = 3;

export interface Attached {
  connection: MessageConnection;
  facts: DaemonFacts;
  /** Ends the connection, and the daemon if it is this window's own. */
  end(): void;
}

export interface LaunchOptions {
  /** Absolute path of the daemon's program. */
  serverFile: string;
  build: Build;
  mode: 'shared' | 'window';
  dataFolder?: string | undefined;
  /** Another build is about to start a daemon: wait this long for it before starting one. */
  patienceMs?: number;
  log: (level: 'warning' | 'info' | 'debug', text: string) => void;
  signal: AbortSignal;
}

/** A daemon that is attached and has accepted the handshake. @throws SemcacheError daemon-unreachable, cancelled */
export async function launch(options: LaunchOptions): Promise<Attached> {
  if (options.mode === 'window') return launchOwn(options);
  try {
    return await attachShared(options);
  } catch (error) {
    if (options.signal.aborted) throw error;
    options.log('warning', `No shared daemon: ${messageOf(error)} This window starts its own.`);
    return launchOwn(options);
  }
}

async function attachShared(options: LaunchOptions): Promise<Attached> {
  const dataFolder = dataFolderOf(options.dataFolder, process.env);
  const deadline = Date.now() + attachDeadlineMs;
  let startAt = Date.now() + (options.patienceMs ?? 0);
  let drained = false;
  let lastFailure: unknown = null;
  let startFailed = false;

  while (Date.now() < deadline && !startFailed) {
    options.signal.throwIfAborted();
    const record = readRecord(dataFolder);
    const attached = record === null ? null : await attach(record, options, deadline).catch((error: unknown) => {
      lastFailure = error;
      return null;
    });
    if (attached !== null) {
      const isOlder = attached.facts.build.builtAt < options.build.builtAt;
      if (!isOlder || drained) return attached;
      options.log('info', `The daemon is of build ${attached.facts.build.version}, older than this window's ${options.build.version}: it is asked to end.`);
      await drain(attached, options.build);
      drained = true;
      startAt = Date.now();
      continue;
    }
    if (isFinal(lastFailure)) break;
    if (Date.now() >= startAt) {
      startShared(options, dataFolder, () => (startFailed = true));
      startAt = Date.now() + attachDeadlineMs;
    }
    await pause(betweenTriesMs, undefined, { signal: options.signal });
  }
  throw new SemcacheError(
    'daemon-unreachable',
    `The daemon ${startFailed ? 'ended at once' : `did not answer in ${attachDeadlineMs / 1000} seconds`}${lastFailure === null ? '' : ` (${messageOf(lastFailure)})`}. ` +
      `See daemon.log in ${dataFolder}.`,
    lastFailure,
  );
}

/** A daemon that speaks another protocol will not speak ours in a moment. */
function isFinal(failure: unknown): boolean {
  return failure instanceof SemcacheError && failure.code === 'incompatible-protocol';
}

async function attach(record: DiscoveryRecord, options: LaunchOptions, deadline: number): Promise<Attached> {
  const socket = await connected(record.socket, deadline);
  const connection = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket), silent);
  const end = (): void => {
    connection.dispose();
    socket.destroy();
  };
  return handshake(connection, end, { token: record.token, protocol: PROTOCOL_VERSION, build: options.build }, deadline);
}

function connected(address: string, deadline: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(address);
    const timer = setTimeout(() => fail(new Error('its socket does not accept')), Math.max(0, deadline - Date.now()));
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      // A broken connection is told by the reader's close.
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}

/** initialize and initialized; what is not accepted is ended. */
async function handshake(
  connection: MessageConnection,
  end: () => void,
  initializationOptions: InitializationOptions,
  deadline: number,
): Promise<Attached> {
  const params = { processId: null, rootUri: null, capabilities: {}, initializationOptions };
  let timer: NodeJS.Timeout | undefined;
  const overdue = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('it did not answer the handshake')), Math.max(0, deadline - Date.now()));
  });
  const closed = new Promise<never>((_resolve, reject) => {
    connection.onClose(() => reject(new Error('it closed the connection')));
    connection.onError(() => reject(new Error('the connection broke')));
  });
  closed.catch(() => undefined);
  connection.listen();
  try {
    const result = await Promise.race([connection.sendRequest<{ semcache: DaemonFacts }>('initialize', params), overdue, closed]);
    await connection.sendNotification('initialized', {});
    return { connection, facts: result.semcache, end };
  } catch (error) {
    end();
    throw semcacheErrorOf(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves when the older daemon has let go of its record and socket, or refuses to. */
async function drain({ connection, end }: Attached, build: Build): Promise<void> {
  const gone = new Promise<void>(resolve => connection.onClose(() => resolve()));
  try {
    const { draining } = await connection.sendRequest(drainRequest, { build });
    if (draining) await Promise.race([gone, pause(1000)]);
  } catch {
    // It has ended already, which is what was asked for.
  } finally {
    end();
  }
}

/** `onFailure` when the process cannot run or ends at once; not when another daemon was faster. */
function startShared(options: LaunchOptions, dataFolder: string, onFailure: () => void): void {
  options.log('info', 'A shared daemon is started.');
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  // What Node itself says when the daemon cannot even start; its own words are in daemon.log.
  const output = openSync(path.join(dataFolder, 'daemon.out'), 'w', 0o600);
  try {
    const child = spawn(process.execPath, [options.serverFile, 'serve'], {
      detached: true,
      windowsHide: true,
      cwd: os.homedir(),
      stdio: ['ignore', output, output],
      env: daemonEnvironment(dataFolder),
    });
    child.once('error', error => {
      options.log('warning', `The daemon could not be started: ${messageOf(error)}`);
      onFailure();
    });
    child.once('exit', code => {
      if (code !== 0 && code !== alreadyRunning) onFailure();
    });
    child.unref();
  } finally {
    closeSync(output);
  }
}

async function launchOwn(options: LaunchOptions): Promise<Attached> {
  const child = fork(options.serverFile, ['serve', '--node-ipc'], {
    cwd: os.homedir(),
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    execArgv: [],
    env: daemonEnvironment(dataFolderOf(options.dataFolder, process.env)),
  });
  child.on('error', error => options.log('warning', `This window's daemon failed: ${messageOf(error)}`));
  const connection = createMessageConnection(new IPCMessageReader(child), new IPCMessageWriter(child), silent);
  const end = (): void => {
    connection.dispose();
    // It ends itself, after what it has to write, when its channel is closed.
    if (child.connected) child.disconnect();
  };
  const failed = new Promise<never>((_resolve, reject) => {
    child.once('exit', code => reject(new SemcacheError('daemon-unreachable', `This window's daemon ended at once (exit code ${code}). See daemon.log.`)));
  });
  failed.catch(() => undefined);
  const initialization = { token: '', protocol: PROTOCOL_VERSION, build: options.build };
  return Promise.race([handshake(connection, end, initialization, Date.now() + windowDeadlineMs), failed]);
}

/** VS Code's own program is Electron: this makes it plain Node. Its other variables are not for a process that outlives the window. */
function daemonEnvironment(dataFolder: string): NodeJS.ProcessEnv {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(VSCODE_|ELECTRON_|NODE_OPTIONS$|NODE_CHANNEL_)/.test(name)));
  return { ...env, ELECTRON_RUN_AS_NODE: '1', SEMCACHE_DATA: dataFolder };
}

/** What the daemon answered, with its code. */
export function semcacheErrorOf(error: unknown): unknown {
  if (!(error instanceof ResponseError)) return error;
  const code = (error.data as ErrorData | undefined)?.code;
  return code === undefined ? error : new SemcacheError(code as ErrorCode, error.message, error);
}

/** Its complaints quote whole messages. */
const silent = { error: () => undefined, warn: () => undefined, info: () => undefined, log: () => undefined };
