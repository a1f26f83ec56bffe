// The daemon that all windows of a user share: listens on a socket and can be found by its record.
// Owns: binding, announcing, and the order of its end.
// Does not know: what a session may ask (session.ts), when its time is over (lifetime.ts).
// Always true: the record and socket are gone before the last window is, so that a successor can start at once.

import net from 'node:net';
import { SocketMessageWriter } from 'vscode-languageserver-protocol/node';
import { build } from '../protocol/build.ts';
import { PROTOCOL_VERSION } from '../protocol/messages.ts';
import { defaultCacheSettings } from '../protocol/settings.ts';
import { BoundedReader } from './boundedReader.ts';
import { Daemon } from './daemon.ts';
import { isOurs, newToken, removeRecord, socketIdentity, socketPathFor, writeRecord } from './discovery.ts';
import { Lifetime } from './lifetime.ts';
import type { Log } from './log.ts';
import { openParts } from './openParts.ts';
import { bindAlone } from './singleInstance.ts';

/** Longest wait for whatever must be finished when the daemon ends of itself. */
const endDeadlineMs = 2000;
/** A newer build waits for nothing of ours, so that answers in progress may take their time. */
const drainDeadlineMs = 10 * 60_000;

export interface SharedDaemonOptions {
  /** There and closed to others. */
  dataFolder: string;
  log: Log;
  now: () => number;
  idleMinutes?: number;
  /** Called when connections are accepted. */
  onReady: (socket: string) => void;
  /** Fires when the process is asked to end. */
  stop: AbortSignal;
}

/** Runs until its time is over. Resolves to how it ended. */
export async function runSharedDaemon(options: SharedDaemonOptions): Promise<'ended' | 'already-running'> {
  const { dataFolder, log, now } = options;
  const socket = socketPathFor(dataFolder);
  const token = newToken();
  const server = net.createServer();
  let over = (): void => undefined;
  const isOver = new Promise<void>(resolve => (over = resolve));
  let daemon!: Daemon;
  let lifetime!: Lifetime;
  let identity: number | null = null;
  let ending = false;

  const end = async (reason: string, deadlineMs: number): Promise<void> => {
    if (ending) return;
    ending = true;
    log.info(`The daemon ends: ${reason}.`);
    lifetime.stop();
    removeRecord(dataFolder, token);
    // Closing a server removes the file of its name, which may be a successor's by now.
    if (socketIdentity(socket) === identity) server.close();
    await daemon.finish(deadlineMs);
    await Promise.race([daemon.close(), new Promise(resolve => setTimeout(resolve, endDeadlineMs).unref())]);
    over();
  };

  server.on('connection', connection => {
    // A connection that breaks is the end of its session, told by its reader; without a listener it would end us.
    connection.on('error', () => undefined);
    daemon.attach({
      reader: new BoundedReader(connection),
      writer: new SocketMessageWriter(connection),
      end: () => connection.destroySoon(),
    });
  });

  const bound = await bindAlone(server, { dataFolder, socket }, () => {
    identity = socketIdentity(socket);
    lifetime = new Lifetime({
      idleMinutes: options.idleMinutes ?? defaultCacheSettings.idleMinutes,
      isFindable: () => isOurs(dataFolder, token),
      onOver: reason => void end(reason, endDeadlineMs),
    });
    daemon = new Daemon({
      mode: 'shared',
      dataFolder,
      parts: openParts({ dataFolder, log, now }),
      log,
      token,
      onIdleMinutes: minutes => lifetime.setIdleMinutes(minutes),
      onSessions: count => lifetime.setSessions(count),
      onDrain: deadlineMs => void end('another takes over', deadlineMs ?? drainDeadlineMs),
    });
    writeRecord(dataFolder, { pid: process.pid, startedAt: now(), socket, token, protocol: PROTOCOL_VERSION, build, http: null });
  });
  if (!bound) return 'already-running';

  server.on('error', error => log.error(`The socket failed: ${(error as NodeJS.ErrnoException).code ?? error.name}.`));
  options.stop.addEventListener('abort', () => void end('the process was asked to', endDeadlineMs));
  log.info(`Build ${build.version} listens on ${socket}; data in ${dataFolder}.`);
  options.onReady(socket);
  await isOver;
  return 'ended';
}

