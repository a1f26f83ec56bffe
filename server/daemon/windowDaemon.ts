// The daemon of one window: the same sessions over the channel that Node gives a child process.
// Owns: living exactly as long as its window. Does not know: sockets, records, other windows; the gateway, which is
// for tools that outlive a window and is the shared daemon's.

import { IPCMessageReader, IPCMessageWriter } from 'vscode-languageserver-protocol/node';
import { Daemon } from './daemon.ts';
import type { Log } from './log.ts';
import { openParts } from './openParts.ts';

/** Longest wait for answers in progress and the store when the window has gone. */
const endDeadlineMs = 2000;

/** Runs until the window has gone. The process must have been started with an IPC channel. */
export async function runWindowDaemon(options: { dataFolder: string; log: Log; now: () => number; stop: AbortSignal }): Promise<void> {
  const { dataFolder, log, now, stop } = options;
  let over = (): void => undefined;
  const isOver = new Promise<void>(resolve => (over = resolve));
  const daemon = new Daemon({
    mode: 'window',
    dataFolder,
    parts: openParts({ dataFolder, log, now }),
    log,
    token: null,
    onIdleMinutes: () => undefined,
    onSessions: count => {
      if (count === 0) over();
    },
    onDrain: () => over(),
  });
  process.once('disconnect', () => over());
  stop.addEventListener('abort', () => over());
  daemon.attach({
    reader: new IPCMessageReader(process),
    writer: new IPCMessageWriter(process),
    end: () => over(),
  });
  log.info(`A window's own daemon runs; data in ${dataFolder}.`);

  await isOver;
  await Promise.race([daemon.close(), new Promise(resolve => setTimeout(resolve, endDeadlineMs).unref())]);
}
