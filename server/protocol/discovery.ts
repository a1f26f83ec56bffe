// How a window finds the running daemon: one record a data folder and protocol, in that folder.
// Owns: the record's shape and place, and where the data folder is. Does not know: who writes it (daemon/discovery.ts).
// Always true: the socket and the record belong to one data folder, so another folder has another daemon.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import envPaths from 'env-paths';
import { PROTOCOL_VERSION } from './build.ts';
import type { Build } from './messages.ts';

/** Holds a secret: lies in a folder that only its owner can read. */
export interface DiscoveryRecord {
  pid: number;
  /** Milliseconds since 1970. */
  startedAt: number;
  /** Path of the unix socket, or name of the pipe on Windows. */
  socket: string;
  /** 32 random bytes in hex; what a session shows to be let in. */
  token: string;
  protocol: number;
  build: Build;
  /** Address of the HTTP gateway; null while there is none. */
  http: string | null;
}

/** `chosen` (--data) before SEMCACHE_DATA before the operating system's place for data of programs. */
export function dataFolderOf(chosen: string | undefined, env: NodeJS.ProcessEnv): string {
  return path.resolve(chosen || env['SEMCACHE_DATA'] || envPaths('semcache', { suffix: '' }).data);
}

export function recordFileIn(dataFolder: string): string {
  return path.join(dataFolder, `daemon-${PROTOCOL_VERSION}.json`);
}

/** The record in this folder; null when there is none or it cannot be understood. */
export function readRecord(dataFolder: string): DiscoveryRecord | null {
  try {
    const record: unknown = JSON.parse(readFileSync(recordFileIn(dataFolder), 'utf8'));
    return isRecord(record) ? record : null;
  } catch {
    return null;
  }
}

/** Holds the gateway's token: what tools outside the editor show to be let in. */
export function gatewayTokenFileIn(dataFolder: string): string {
  return path.join(dataFolder, 'gateway-token');
}

/** Address and token of the running gateway in this folder; null while there is none. */
export function readGateway(dataFolder: string): { url: string; token: string } | null {
  const url = readRecord(dataFolder)?.http;
  if (typeof url !== 'string') return null;
  try {
    return { url, token: readFileSync(gatewayTokenFileIn(dataFolder), 'utf8').trim() };
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is DiscoveryRecord {
  const record = value as DiscoveryRecord | null;
  return (
    typeof record === 'object' &&
    typeof record?.pid === 'number' &&
    typeof record.socket === 'string' &&
    typeof record.token === 'string' &&
    typeof record.protocol === 'number' &&
    typeof record.build?.builtAt === 'number' &&
    typeof record.build.version === 'string'
  );
}
