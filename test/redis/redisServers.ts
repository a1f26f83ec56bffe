// Real Redis servers of every level, started by tests on free ports and ended with them.
// Always true: nothing is written outside a temporary folder, and no server outlives the process that started it.

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'redis';
import { installRedis, type RedisPrograms } from '../../scripts/redis.ts';

/** 'valkey' is of the level 'plain', too. */
export type ServerKind = 'query-engine' | 'vector-sets' | 'plain' | 'valkey';

export interface RedisServer {
  readonly port: number;
  /** redis://127.0.0.1:port */
  readonly url: string;
  readonly folder: string;
  /** One command; the reply as node-redis gives it. */
  command(...words: string[]): Promise<unknown>;
  /** One command whose words may be bytes. */
  binary(...words: (string | Buffer)[]): Promise<unknown>;
  /** Stops the process without its knowing: connections stay open and hang. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again on the same port, empty. */
  restart(options?: string[]): Promise<void>;
  close(): Promise<void>;
}

const running = new Set<ChildProcess>();
process.once('exit', () => running.forEach(child => child.kill('SIGKILL')));

export async function startRedis(kind: ServerKind, options: string[] = []): Promise<RedisServer> {
  const { program, environment, modules } = launchOf(kind, await installRedis());
  const port = await freePort();
  const folder = mkdtempSync(path.join(tmpdir(), 'semcache-redis-'));

  const start = async (more: string[]): Promise<ChildProcess> => {
    const argv = [
      '--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder,
      '--enable-debug-command', 'local', ...modules, ...more,
    ];
    const child = spawn(program, argv, { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.once('exit', () => running.delete(child));
    await untilListening(port, () => {
      if (child.exitCode !== null) throw new Error(`redis-server ended at once:\n${said.slice(-2000)}`);
    });
    return child;
  };

  const once = async (words: (string | Buffer)[]): Promise<unknown> => {
    const client = createClient({ url: `redis://127.0.0.1:${port}`, RESP: 2 });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await client.sendCommand(words);
    } finally {
      client.destroy();
    }
  };

  let child = await start(options);
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise(resolve => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  };
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    folder,
    command: (...words) => once(words),
    binary: (...words) => once(words),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    kill,
    async restart(more = options) {
      await kill();
      child = await start(more);
    },
    async close() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function launchOf(kind: ServerKind, programs: RedisPrograms): { program: string; environment: Record<string, string>; modules: string[] } {
  switch (kind) {
    case 'query-engine':
      return { program: programs.redis8, environment: {}, modules: programs.queryEngine };
    case 'vector-sets':
      return { program: programs.redis8, environment: {}, modules: [] };
    case 'plain':
      return { program: programs.redis7, environment: programs.redis7Environment, modules: [] };
    case 'valkey':
      return { program: programs.valkey, environment: {}, modules: [] };
  }
}

export interface RedisCluster {
  readonly masters: RedisServer[];
  /** Addresses of all masters, as the setting takes them: separated by commas. */
  readonly url: string;
  close(): Promise<void>;
}

/** A Cluster of three masters that share the 16384 slots. */
export async function startCluster(kind: ServerKind, options: string[] = []): Promise<RedisCluster> {
  const masters = await Promise.all(
    // By default the bus listens on port + 10000, which may be no port at all.
    [0, 1, 2].map(async () => startRedis(kind, ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort()), '--cluster-node-timeout', '2000', ...options])),
  );
  const ranges: [number, number][] = [[0, 5460], [5461, 10922], [10923, 16383]];
  await Promise.all(masters.map((master, at) => master.command('CLUSTER', 'ADDSLOTSRANGE', ...ranges[at]!.map(String))));
  for (const other of masters.slice(1)) {
    const info = String(await other.command('CONFIG', 'GET', 'cluster-port')).split(',')[1]!;
    await masters[0]!.command('CLUSTER', 'MEET', '127.0.0.1', String(other.port), info);
  }
  await until(async () => {
    const infos = await Promise.all(masters.map(master => master.command('CLUSTER', 'INFO')));
    const nodes = await Promise.all(masters.map(master => master.command('CLUSTER', 'NODES')));
    return infos.every(info => String(info).includes('cluster_state:ok')) && nodes.every(list => String(list).trim().split('\n').length === 3);
  });
  return {
    masters,
    url: masters.map(master => master.url).join(','),
    close: async () => void (await Promise.all(masters.map(master => master.close()))),
  };
}

/** Waits until `holds` is true. @throws after `deadlineMs` */
export async function until(holds: () => Promise<boolean> | boolean, deadlineMs = 15_000): Promise<void> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    if (await holds()) return;
    if (Date.now() > end) throw new Error(`It did not come true in ${deadlineMs} ms: ${holds}`);
    await sleep(20);
  }
}

async function untilListening(port: number, check: () => void): Promise<void> {
  await until(async () => {
    check();
    const client = createClient({ url: `redis://127.0.0.1:${port}`, RESP: 2, socket: { reconnectStrategy: false } });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return true;
    } catch {
      return false;
    } finally {
      if (client.isOpen) client.destroy();
    }
  });
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
