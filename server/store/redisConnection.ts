// One open connection to Redis, whatever its topology: a single server, a Cluster, or a master found through Sentinels.
// Owns: addresses and their parts, TLS, what a lost connection looks like. Does not know: keys, entries.
// Always true: commands sent in the same turn travel together, in order; a connection that was lost stays lost, and
// every command on it fails at once (redisResilience.ts opens the next one).

import { createHash } from 'node:crypto';
import { createClient, createCluster, createSentinel, RESP_TYPES } from 'redis';
import { SemcacheError } from '../protocol/errors.ts';
import { redisError } from './redisErrors.ts';

export type Reply = Buffer | string | number | null | Reply[];
export type Word = string | Buffer;

export interface RedisTarget {
  /**
   * redis://, rediss:// or redis+unix:///path.sock; several separated by commas are nodes of one Cluster.
   * redis+sentinel://host:26379,host:26379/master[/database] asks Sentinels; rediss+sentinel:// with TLS.
   */
  url: string;
  /** Before what the URL holds. */
  username?: string;
  password?: string;
  database?: number;
  /** PEM text of the authority that signed the server's certificate, where the system does not know it. */
  ca?: string;
}

/** A Lua script by its text; `sha` is computed once. */
export interface RedisScript {
  readonly text: string;
  readonly sha: string;
}

export interface RedisConnection {
  readonly topology: 'single' | 'cluster' | 'sentinel';
  /** Where it leads, without any secret. */
  readonly address: string;
  /** Sends one command to the server that owns `key`. @throws the server's error reply, or a lost connection, as it came */
  send(key: string, words: readonly Word[]): Promise<Reply>;
  /** Runs a script on keys of one slot. */
  run(script: RedisScript, keys: readonly string[], values: readonly Word[]): Promise<Reply>;
  /** Called once when the connection is lost without `close()`. */
  onLost(listener: (error: unknown) => void): void;
  close(): void;
}

export function redisScript(text: string): RedisScript {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

/**
 * `meaning`: what a failure means to the user, where it is not what redisErrors.ts says.
 * @throws SemcacheError store-unreachable, with what to do about it
 */
export async function connectRedis(target: RedisTarget, timeoutMs: number, meaning?: string): Promise<RedisConnection> {
  const address = addressOf(target.url);
  let connection: OpenConnection | null = null;
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no reply in ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    connection = connectionFor(target, address, timeoutMs);
    await Promise.race([connection.open(), deadline]);
    if (connection.topology === 'single' && (await Promise.race([isClusterNode(connection), deadline]))) {
      connection.close();
      connection = clusterConnection([target.url], target, address, timeoutMs);
      await Promise.race([connection.open(), deadline]);
    }
    return connection;
  } catch (error) {
    connection?.close();
    throw redisError(error, address, meaning);
  } finally {
    clearTimeout(timer);
  }
}

/** The address without user, password and anything else that could be secret. */
export function addressOf(url: string): string {
  return url
    .split(',')
    .map(one => one.trim().replace(/\/\/[^@/]*@/, '//').replace(/\?.*$/, ''))
    .join(',');
}

/** The number of the database that a target leads to. */
export function databaseOf({ url, database }: RedisTarget): number {
  if (database !== undefined) return database;
  const named = url.startsWith('redis+unix://') ? new URL(url).searchParams.get('db') : /\/\/[^/,]+(?:,[^/]+)*(?:\/[^/]+)?\/(\d+)$/.exec(url)?.[1];
  return Number(named ?? 0);
}

interface OpenConnection extends RedisConnection {
  open(): Promise<unknown>;
}

function connectionFor(target: RedisTarget, address: string, timeoutMs: number): OpenConnection {
  const urls = target.url.split(',').map(url => url.trim()).filter(url => url !== '');
  const scheme = /^([a-z+]+):\/\//.exec(target.url)?.[1];
  if (scheme === 'redis+sentinel' || scheme === 'rediss+sentinel') return sentinelConnection(target, address, timeoutMs);
  if (scheme !== 'redis' && scheme !== 'rediss' && scheme !== 'redis+unix') {
    throw new SemcacheError(
      'bad-request',
      `"${address}" is no address of a Redis: it has to begin with redis://, rediss://, redis+unix:// or redis+sentinel://. ` +
        'Several redis:// addresses separated by commas are nodes of one Cluster. Correct semcache.redis.url.',
    );
  }
  return urls.length > 1 ? clusterConnection(urls, target, address, timeoutMs) : singleConnection(target, address, timeoutMs);
}

/** Who waits has a deadline of its own: one more for each command would take as long as the command. */
const commandOptions = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer }, timeout: undefined };

function singleConnection(target: RedisTarget, address: string, timeoutMs: number): OpenConnection {
  const client = createClient({
    ...clientOptions(target.url, target, timeoutMs),
    RESP: 2,
    commandOptions,
  });
  return connectionOver(client, {
    topology: 'single',
    address,
    send: (_key, words) => client.sendCommand(words),
  });
}

function clusterConnection(urls: string[], target: RedisTarget, address: string, timeoutMs: number): OpenConnection {
  const options = urls.map(url => clientOptions(url, target, timeoutMs));
  const { url: _url, socket, ...shared } = options[0]!;
  const { host: _host, port: _port, ...anySocket } = socket as { host?: string; port?: number };
  const credentials = new URL(urls[0]!);
  const cluster = createCluster({
    rootNodes: options as { url: string }[],
    defaults: {
      ...shared,
      ...(credentials.username === '' ? {} : { username: target.username ?? decodeURIComponent(credentials.username) }),
      ...(credentials.password === '' ? {} : { password: target.password ?? decodeURIComponent(credentials.password) }),
      socket: { ...anySocket, reconnectStrategy: (retries: number) => Math.min(50 * 2 ** retries, 1000) } as object,
    },
    RESP: 2,
    commandOptions,
    // A slot that is on its way is found again by the refresh; a failed command is the caller's to bypass or spool.
    maxCommandRedirections: 16,
    topologyRefreshOnReconnectionAttemptStrategy: 200,
  });
  return connectionOver(cluster, {
    topology: 'cluster',
    address,
    send: (key, words) => cluster.sendCommand(key, false, words as Word[]),
  });
}

function sentinelConnection(target: RedisTarget, address: string, timeoutMs: number): OpenConnection {
  const parts = /^(rediss?)\+sentinel:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^/]+)\/([^/]+)(?:\/(\d+))?$/.exec(target.url);
  if (parts === null) {
    throw new SemcacheError(
      'bad-request',
      `"${address}" is no address of Sentinels: it has to be redis+sentinel://host:26379,host:26379/name-of-the-master. Correct semcache.redis.url.`,
    );
  }
  const [, scheme, user, password, hosts, name, database] = parts;
  const username = target.username ?? (user ? decodeURIComponent(user) : undefined);
  const secret = target.password ?? (password ? decodeURIComponent(password) : undefined);
  const socket = { connectTimeout: timeoutMs, ...(scheme === 'rediss' ? tlsOptions(target.ca) : {}) } as object;
  const sentinel = createSentinel({
    name: name!,
    sentinelRootNodes: hosts!.split(',').map(one => {
      const { hostname, port } = new URL(`redis://${one}`);
      return { host: hostname, port: Number(port || 26379) };
    }),
    nodeClientOptions: {
      socket,
      disableOfflineQueue: true,
      database: target.database ?? Number(database ?? 0),
      ...(username === undefined ? {} : { username }),
      ...(secret === undefined ? {} : { password: secret }),
    },
    sentinelClientOptions: { socket },
    RESP: 2,
    commandOptions,
    scanInterval: 1000,
  });
  return connectionOver(sentinel, {
    topology: 'sentinel',
    address,
    send: (_key, words) => sentinel.sendCommand(false, words as Word[]),
  });
}

/** What the three kinds of client have in common. */
interface Client {
  connect(): Promise<unknown>;
  destroy(): unknown;
  on(event: string, listener: (error: unknown) => void): unknown;
}

function connectionOver(
  client: Client,
  { topology, address, send }: { topology: RedisConnection['topology']; address: string; send: (key: string, words: readonly Word[]) => Promise<unknown> },
): OpenConnection {
  let lost: ((error: unknown) => void) | null = null;
  let isOver = false;
  const lose = (error: unknown): void => {
    if (isOver || topology !== 'single') return;
    isOver = true;
    lost?.(error);
  };
  client.on('error', lose);
  client.on('end', () => lose(new Error('the connection was closed')));

  const sendReply = send as (key: string, words: readonly Word[]) => Promise<Reply>;
  return {
    topology,
    address,
    open: () => client.connect(),
    send: sendReply,
    async run(script, keys, values) {
      const rest = [String(keys.length), ...keys, ...values];
      try {
        return await sendReply(keys[0] ?? '', ['EVALSHA', script.sha, ...rest]);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
        return sendReply(keys[0] ?? '', ['EVAL', script.text, ...rest]);
      }
    },
    onLost(listener) {
      lost = listener;
    },
    close() {
      isOver = true;
      try {
        client.destroy();
      } catch {
        // It was not open.
      }
    },
  };
}

function clientOptions(url: string, target: RedisTarget, timeoutMs: number): { url?: string; socket: object; disableOfflineQueue: true } {
  const common = {
    disableOfflineQueue: true as const,
    ...(target.username === undefined ? {} : { username: target.username }),
    ...(target.password === undefined ? {} : { password: target.password }),
    ...(target.database === undefined ? {} : { database: target.database }),
  };
  const socket = { connectTimeout: timeoutMs, noDelay: true, reconnectStrategy: false };
  if (url.startsWith('redis+unix://')) {
    const { pathname, searchParams } = new URL(url);
    const database = searchParams.get('db');
    return { ...common, ...(database === null ? {} : { database: Number(database) }), socket: { ...socket, path: decodeURIComponent(pathname), tls: false } };
  }
  return { ...common, url, socket: { ...socket, ...(url.startsWith('rediss://') ? tlsOptions(target.ca) : {}) } };
}

function tlsOptions(ca: string | undefined): object {
  return { tls: true, ...(ca === undefined ? {} : { ca }) };
}

async function isClusterNode(connection: RedisConnection): Promise<boolean> {
  try {
    return /^cluster_enabled:1/m.test(String(await connection.send('', ['INFO', 'cluster'])));
  } catch {
    // An ACL may forbid INFO; a Cluster's own redirections tell later.
    return false;
  }
}
