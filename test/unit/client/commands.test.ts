import { expect, test, vi } from 'vitest';
import { registerCommands, type CommandParts } from '../../../client/commands.ts';
import type { ConnectionState } from '../../../client/daemon/connection.ts';
import { SemcacheError } from '../../../server/protocol/errors.ts';

/** The commands of a window whose daemon is in this state, and what the person saw. */
function setUp(state: ConnectionState, problem: string | null = null) {
  const run = new Map<string, (argument?: unknown) => Promise<void>>();
  const listeners = new Set<(state: ConnectionState) => void>();
  const seen = { errors: [] as string[][], progress: [] as string[], answer: undefined as string | undefined };
  const connection = {
    state,
    problem,
    onStateChange: (listener: (state: ConnectionState) => void) => {
      listeners.add(listener);
      return { dispose: () => listeners.delete(listener) };
    },
    restart: vi.fn(async () => undefined),
  };
  const entries = { clear: vi.fn(), refresh: vi.fn(), browse: vi.fn() };
  const ask = { ask: vi.fn() };
  const showLog = vi.fn();
  const parts = {
    editor: {
      ProgressLocation: { Window: 10 },
      commands: {
        registerCommand: (id: string, callback: (argument?: unknown) => Promise<void>) => {
          run.set(id, callback);
          return { dispose: () => undefined };
        },
        executeCommand: (id: string) => run.get(id)!(),
      },
      window: {
        withProgress: (options: { title: string }, work: () => Promise<void>) => (seen.progress.push(options.title), work()),
        showErrorMessage: async (...texts: string[]) => (seen.errors.push(texts), seen.answer),
      },
    },
    connection, entries, ask, showLog,
  } as unknown as CommandParts;
  registerCommands(parts);
  const become = (next: ConnectionState): void => {
    connection.state = next;
    for (const listener of listeners) listener(next);
  };
  return { run: (id: string, argument?: unknown) => run.get(id)!(argument), seen, connection, entries, ask, showLog, become };
}

test('a command that needs the daemon waits for one that is starting, with a sign, and then runs', async () => {
  const { run, seen, entries, become } = setUp('starting');
  const running = run('semcache.clear');
  expect(entries.clear).not.toHaveBeenCalled();
  expect(seen.progress).toEqual(['$(loading~spin) Semcache is starting']);
  become('ready');
  await running;
  expect(entries.clear).toHaveBeenCalledOnce();
  expect(seen.errors).toEqual([]);
});

test('a command that needs the daemon says why there is none, and offers what helps', async () => {
  const { run, seen, entries, connection } = setUp('stopped', 'It ended 3 times in a row.');
  seen.answer = 'Restart Daemon';
  await run('semcache.clear');
  expect(entries.clear).not.toHaveBeenCalled();
  expect(seen.errors).toEqual([['It ended 3 times in a row.', 'Show Log', 'Restart Daemon']]);
  expect(connection.restart).toHaveBeenCalledOnce();
});

test('a command whose daemon stops while it waits says so', async () => {
  const { run, seen, become } = setUp('starting');
  const running = run('semcache.browse');
  become('stopped');
  await running;
  expect(seen.errors).toEqual([['The Semcache daemon is not running.', 'Show Log', 'Restart Daemon']]);
});

test('asking needs no daemon: it goes past it', async () => {
  const { run, ask, seen } = setUp('stopped');
  await run('semcache.ask', { instruction: 'why?' });
  expect(ask.ask).toHaveBeenCalledWith({ instruction: 'why?' });
  expect(seen.errors).toEqual([]);
});

test('a failure is told once, with the log at hand; being cancelled is none', async () => {
  const { run, seen, entries, showLog } = setUp('ready');
  entries.refresh.mockRejectedValueOnce(new SemcacheError('store-unreachable', 'The store is gone.'));
  seen.answer = 'Show Log';
  await run('semcache.refresh');
  expect(seen.errors).toEqual([['The store is gone.', 'Show Log']]);
  expect(showLog).toHaveBeenCalledOnce();
  entries.refresh.mockRejectedValueOnce(new SemcacheError('cancelled', 'stopped'));
  await run('semcache.refresh');
  expect(seen.errors).toHaveLength(1);
});
