import { expect, test } from 'vitest';
import type { ConnectionState, DaemonConnection } from '../../../client/daemon/connection.ts';
import { LazyConnection } from '../../../client/lazyConnection.ts';

/** A connection whose calls are written down, and whose listeners can be called. */
function connectionOf(state: ConnectionState) {
  const calls: unknown[][] = [];
  const tell: Record<string, (value: never) => void> = {};
  const connection = {
    state, problem: null, facts: { pid: 1 }, health: { embedding: 'ready' },
    onStateChange: (listener: never) => ((tell['state'] = listener), { dispose: () => undefined }),
    onHealth: (listener: never) => ((tell['health'] = listener), { dispose: () => undefined }),
    onStats: (listener: never) => ((tell['stats'] = listener), { dispose: () => undefined }),
    ask: async function* (...args: unknown[]) {
      calls.push(['ask', ...args]);
      yield { type: 'text', text: 'hi' };
    },
    request: async (...args: unknown[]) => (calls.push(['request', ...args]), 'answer'),
    configure: (params: unknown) => void calls.push(['configure', params]),
    restart: async () => void calls.push(['restart']),
    stop: async () => void calls.push(['stop']),
  };
  return { calls, tell, connection: connection as unknown as DaemonConnection };
}

test('LazyConnection is starting until the real one is loaded, and then tells what that tells', async () => {
  const { connection, tell } = connectionOf('starting');
  const lazy = new LazyConnection(async () => connection);
  const states: ConnectionState[] = [];
  const told: unknown[] = [];
  lazy.onStateChange(state => states.push(state));
  lazy.onHealth(health => told.push(health));
  lazy.onStats(stats => told.push(stats));
  expect([lazy.state, lazy.problem, lazy.facts, lazy.health]).toEqual(['starting', null, null, null]);

  await lazy.restart();
  tell['state']!('ready' as never);
  tell['stats']!({ hits: 1 } as never);
  expect(states).toEqual(['starting', 'ready']);
  expect(told).toEqual([{ embedding: 'ready' }, { hits: 1 }]);
  expect(lazy.facts).toEqual({ pid: 1 });
});

test('LazyConnection loads nothing before the current work is done', async () => {
  let loaded = false;
  const lazy = new LazyConnection(async () => {
    loaded = true;
    return connectionOf('ready').connection;
  });
  await Promise.resolve();
  expect(loaded).toBe(false);
  await lazy.stop();
  expect(loaded).toBe(true);
});

test('LazyConnection passes on what it was asked before the real one was there, in order', async () => {
  const { calls, connection } = connectionOf('ready');
  const lazy = new LazyConnection(async () => connection);
  lazy.configure({ settings: {} } as never);
  const parts = [];
  for await (const part of lazy.ask({ route: 'command' } as never, new AbortController().signal)) parts.push(part);
  expect(await lazy.request('list' as never, { limit: 1 })).toBe('answer');
  expect(calls.map(([name]) => name)).toEqual(['configure', 'ask', 'request']);
  expect(calls[2]).toEqual(['request', 'list', { limit: 1 }]);
  expect(parts).toEqual([{ type: 'text', text: 'hi' }]);
});

test('LazyConnection that cannot be loaded is stopped, says why, and ends without a further error', async () => {
  const lazy = new LazyConnection(async () => {
    throw new Error('no such file');
  });
  const states: ConnectionState[] = [];
  lazy.onStateChange(state => states.push(state));
  await expect(lazy.request('list' as never)).rejects.toMatchObject({ code: 'daemon-unreachable' });
  lazy.configure({} as never);
  await lazy.stop();
  expect(states).toEqual(['stopped']);
  expect([lazy.state, lazy.problem]).toEqual(['stopped', 'The extension could not load its connection to the daemon: no such file Reinstall Semcache.']);
});
