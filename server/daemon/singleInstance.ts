// Who may be the daemon of a data folder: whoever binds its socket.
// Owns: the lock under which a socket is bound, probed and, when its daemon is dead, replaced.
// Always true: a socket file is removed only while holding the lock and after its listener refused a connection.

import { rmSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { readRecord } from '../protocol/discovery.ts';
import { SemcacheError } from '../protocol/errors.ts';
import { PROTOCOL_VERSION } from '../protocol/messages.ts';

const lockDeadlineMs = 15_000;
const probeDeadlineMs = 1000;
const sqliteBusy = 5;

/**
 * Binds the server to the socket and calls `whenBound` before another process may try; false when another daemon
 * listens there. Eight processes that try at once end with one true.
 *
 * Errors: daemon-unreachable when the lock stays taken; what `listen` throws.
 */
export async function bindAlone(
  server: net.Server,
  place: { dataFolder: string; socket: string },
  whenBound: () => void,
): Promise<boolean> {
  const release = await takeLock(path.join(place.dataFolder, `daemon-${PROTOCOL_VERSION}.lock`));
  try {
    if (await isRunningElsewhere(place)) return false;
    const bound = (await bind(server, place.socket)) || (await replaceDead(server, place.socket));
    if (bound) whenBound();
    return bound;
  } finally {
    release();
  }
}

/** The record may name another socket: a session of the same user with another XDG_RUNTIME_DIR. */
async function isRunningElsewhere({ dataFolder, socket }: { dataFolder: string; socket: string }): Promise<boolean> {
  const recorded = readRecord(dataFolder)?.socket;
  return recorded !== undefined && recorded !== socket && isAlive(recorded);
}

async function replaceDead(server: net.Server, socket: string): Promise<boolean> {
  if (process.platform === 'win32' || (await isAlive(socket))) return false;
  rmSync(socket, { force: true });
  return bind(server, socket);
}

function bind(server: net.Server, socket: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    };
    server.once('error', onError);
    server.listen(socket, () => {
      server.off('error', onError);
      resolve(true);
    });
  });
}

/** A daemon that accepts, or that is too busy to, is alive; only a refused connection is a dead one. */
export function isAlive(socket: string): Promise<boolean> {
  return new Promise(resolve => {
    const probe = net.connect(socket);
    const settle = (alive: boolean): void => {
      clearTimeout(timer);
      probe.destroy();
      resolve(alive);
    };
    const timer = setTimeout(() => settle(true), probeDeadlineMs);
    probe.once('connect', () => settle(true));
    probe.once('error', (error: NodeJS.ErrnoException) => settle(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'));
  });
}

/** An exclusive SQLite transaction: the kernel ends it with its process, so a lock never outlives its owner. */
async function takeLock(file: string): Promise<() => void> {
  const database = new DatabaseSync(file, { timeout: 0 });
  const deadline = Date.now() + lockDeadlineMs;
  for (;;) {
    try {
      database.exec('BEGIN EXCLUSIVE');
      return () => database.close();
    } catch (error) {
      if ((error as { errcode?: number }).errcode !== sqliteBusy || Date.now() > deadline) {
        database.close();
        throw new SemcacheError(
          'daemon-unreachable',
          `The start lock ${file} could not be taken in ${lockDeadlineMs} ms, so no shared daemon was started. ` +
            'Another one may be hanging in its start: end it, or remove the file.',
          error,
        );
      }
      await pause(25);
    }
  }
}
