// `semcache serve`: this process becomes a daemon.
// Owns: its log, what it prints, the signals that end it. Does not know: what a daemon does (daemon/).

import path from 'node:path';
import { preparedDataFolder } from '../daemon/discovery.ts';
import type { GatewayFlags } from '../daemon/gatewayHost.ts';
import { loggable, openLog, type Log } from '../daemon/log.ts';
import { runSharedDaemon } from '../daemon/sharedDaemon.ts';
import { runWindowDaemon } from '../daemon/windowDaemon.ts';
import { SemcacheError } from '../protocol/errors.ts';
import { dataFolderOf, readRecord } from '../protocol/discovery.ts';
import type { HttpUpstreamConfig } from '../protocol/messages.ts';
import { exitCodes, type CommandIo } from './commandIo.ts';
import { chosenStore, type StoreOption } from './storeOption.ts';

export interface ServeOptions extends StoreOption {
  data?: string;
  json?: boolean;
  nodeIpc?: boolean;
  idleMinutes?: number;
  /** Of the gateway. */
  port?: number;
  /** Base URL of the provider that all tools are answered by. */
  upstream?: string;
}

export async function serve(options: ServeOptions, io: CommandIo): Promise<number> {
  // Everything the daemon makes is its owner's alone.
  process.umask(0o077);
  const dataFolder = preparedDataFolder(dataFolderOf(options.data, io.env));
  const log = openLog({
    file: path.join(dataFolder, 'daemon.log'),
    now: io.now,
    ...(io.stderr.isTTY === true ? { print: line => io.stderr.write(line) } : {}),
  });
  endOnCrash(log);
  // Whoever reads our output may be gone long before we are.
  io.stdout.on('error', () => undefined);
  io.stderr.on('error', () => undefined);

  const stop = stopSignal();
  if (options.nodeIpc === true) {
    requireIpcChannel();
    await runWindowDaemon({ dataFolder, log, now: io.now, stop });
    return exitCodes.done;
  }
  const outcome = await runSharedDaemon({
    dataFolder,
    log,
    now: io.now,
    stop,
    ...idleOf(options),
    gateway: gatewayFlags(options, io.env),
    ...chosenStore(options, io.env),
    onReady: ({ socket, http, token }) =>
      io.stdout.write(
        options.json === true
          ? `${JSON.stringify({ event: 'ready', socket, http, token })}\n`
          : `Semcache listens on ${socket}. Data: ${dataFolder}. End it with Ctrl+C.\n${http === null ? '' : `Tools: ${http} with the token ${token}\n`}`,
      ),
  });
  if (outcome === 'ended') return exitCodes.done;
  const running = readRecord(dataFolder);
  io.stderr.write(`semcache: a daemon runs already for ${dataFolder}${running === null ? '' : ` (process ${running.pid})`}. It serves all windows.\n`);
  return exitCodes.alreadyRunning;
}

/** A daemon that was started to serve tools waits for them; one that a window started waits for windows. */
function idleOf({ idleMinutes, upstream, port }: ServeOptions): { idleMinutes?: number } {
  if (idleMinutes !== undefined) return { idleMinutes };
  return upstream === undefined && port === undefined ? {} : { idleMinutes: 0 };
}

/** A key in the environment is sent upstream; without one, tools bring their own. */
function gatewayFlags({ port, upstream }: ServeOptions, env: NodeJS.ProcessEnv): GatewayFlags {
  const apiKey = env['SEMCACHE_UPSTREAM_KEY'];
  if (upstream === undefined) return port === undefined ? {} : { port };
  const config: HttpUpstreamConfig = {
    name: new URL(upstream).host,
    kind: /(^|\.)anthropic\.com$/.test(new URL(upstream).hostname) ? 'anthropic' : 'openai',
    baseUrl: upstream,
    models: [],
    ...(apiKey === undefined || apiKey === '' ? {} : { apiKey }),
  };
  return { ...(port === undefined ? {} : { port }), upstreams: [config] };
}

function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  return stop.signal;
}

/** A daemon in an unknown state does not go on: windows start another one. */
function endOnCrash(log: Log): void {
  process.on('uncaughtException', error => {
    log.error(`The daemon crashed: ${loggable(error)}`);
    process.exit(exitCodes.failed);
  });
}

function requireIpcChannel(): void {
  if (process.send !== undefined) return;
  throw new SemcacheError('bad-request', '--node-ipc needs a parent process with an IPC channel. Without one, start `semcache serve`.');
}
