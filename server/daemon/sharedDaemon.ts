// The daemon that all windows of a user share: listens on a socket and can be found by its record.
// Owns: binding, announcing, and the order of its end.
// Does not know: what a session may ask (session.ts), when its time is over (lifetime.ts).
// Always true: the record and socket are gone before the last window is, so that a successor can start at once.

import net from 'node:net';
import { SocketMessageWriter } from 'vscode-languageserver-protocol/node';
import { build } from '../protocol/build.ts';
import { PROTOCOL_VERSION } from '../protocol/messages.ts';
import { defaultCacheSettings } from '../protocol/settings.ts';
import type { ChosenStore } from '../store/openChosenStore.ts';
import { BoundedReader } from './boundedReader.ts';
import { Daemon, type Ending } from './daemon.ts';
import { isOurs, newToken, removeRecord, socketIdentity, socketPathFor, writeRecord } from './discovery.ts';
import { GatewayHost, type GatewayFlags } from './gatewayHost.ts';
import { Lifetime } from './lifetime.ts';
import type { Log } from './log.ts';
import { openParts } from './openParts.ts';
import { bindAlone } from './singleInstance.ts';

/** Longest wait for whatever must be finished when the daemon ends of itself. */
const endDeadlineMs = 2000;
const alone: Ending = { deadlineMs: endDeadlineMs, successor: false };

export interface SharedDaemonOptions {
  /** There and closed to others. */
  dataFolder: string;
  log: Log;
  now: () => number;
  idleMinutes?: number;
  /** What the command line says of the gateway; windows do not overrule it. */
  gateway?: GatewayFlags;
  /** What the command line says of the store; windows do not overrule it. */
  store?: ChosenStore;
  /** Called when connections are accepted. */
  onReady: (ready: { socket: string; http: string | null; token: string | null }) => void;
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
  let gateway!: GatewayHost;
  let windows = 0;
  let identity: number | null = null;
  let isEnding = false;

  const end = async (reason: string, ending: Ending): Promise<void> => {
    if (isEnding) return;
    isEnding = true;
    log.info(`The daemon ends: ${reason}.`);
    lifetime.stop();
    removeRecord(dataFolder, token);
    // Closing a server removes the file of its name, which may be a successor's by now.
    if (socketIdentity(socket) === identity) server.close();
    await Promise.all([daemon.finish(ending), gateway.close(ending.deadlineMs)]);
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
      onOver: reason => void end(reason, alone),
    });
    const parts = openParts({ dataFolder, log, now, shared: options.store === undefined ? {} : { store: options.store } });
    const startedAt = now();
    const announce = (http: string | null): void =>
      writeRecord(dataFolder, { pid: process.pid, startedAt, socket, token, protocol: PROTOCOL_VERSION, build, http });
    const countUsers = (): void => lifetime.setSessions(windows + gateway.requests);
    gateway = new GatewayHost({
      parts, dataFolder, log, now,
      ...(options.gateway === undefined ? {} : { flags: options.gateway }),
      windows: { editorModels: () => daemon.editorModels(), editorUpstream: model => daemon.editorUpstream(model), judge: () => daemon.judge() },
      onAddress: http => {
        if (!isEnding && isOurs(dataFolder, token)) announce(http);
        daemon.tellHealth();
      },
      onRequests: countUsers,
    });
    daemon = new Daemon({
      mode: 'shared',
      dataFolder,
      parts,
      ...(options.store === undefined ? {} : { store: options.store }),
      http: () => gateway.http,
      gatewayProblem: () => gateway.problem,
      onConfigured: sent => gateway.configure(sent),
      log,
      token,
      onIdleMinutes: minutes => lifetime.setIdleMinutes(minutes),
      onSessions: count => {
        windows = count;
        countUsers();
      },
      onDrain: ending => void end('another takes over', ending),
    });
    announce(null);
  });
  if (!bound) return 'already-running';

  server.on('error', error => log.error(`The socket failed: ${(error as NodeJS.ErrnoException).code ?? error.name}.`));
  options.stop.addEventListener('abort', () => void end('the process was asked to', alone));
  log.info(`Build ${build.version} listens on ${socket}; data in ${dataFolder}.`);
  await gateway.start();
  options.onReady({ socket, http: gateway.http, token: gateway.token });
  await isOver;
  return 'ended';
}

