// Every command: its id, what it does, and what it needs before it can.
// Owns: waiting for the daemon, and what a person is told when a command fails.
// Always true: no command fails silently; package.json names the same ids (test/unit/client/manifest.test.ts).

import type * as vscode from 'vscode';
import { messageOf, SemcacheError } from '../server/protocol/errors.ts';
import type { DaemonConnection } from './daemon/connection.ts';
import type { TargetArgument } from './routes/askTarget.ts';
import type { AskArgument, EditorCommand } from './routes/editorCommand.ts';
import type { EntryCommands } from './routes/entryCommands.ts';
import type { NearArgument, NearCommands } from './routes/nearCommands.ts';

export interface CommandParts {
  editor: Pick<typeof vscode, 'commands' | 'window' | 'ProgressLocation'>;
  connection: Pick<DaemonConnection, 'state' | 'problem' | 'onStateChange' | 'restart'>;
  ask: EditorCommand;
  entries: EntryCommands;
  near: NearCommands;
  explain: (argument?: TargetArgument) => Promise<void>;
  status: { showStatistics(): Promise<void>; copyDebugInformation(): Promise<void> };
  chooseCare: () => Promise<void>;
  chooseModel: () => Promise<void>;
  setApiKey: () => Promise<void>;
  connectTool: () => Promise<void>;
  showLog: () => void;
}

interface Command {
  /** `daemon`: waits for it, and says so when it does not come. `nothing`: works without, or says itself what it lacks. */
  needs: 'daemon' | 'nothing';
  run: (parts: CommandParts, argument: never) => unknown;
}

export const commandTable = {
  'semcache.ask': { needs: 'nothing', run: ({ ask }, argument?: AskArgument) => ask.ask(argument) },
  'semcache.askAboutSelection': { needs: 'nothing', run: ({ ask }, argument?: AskArgument) => ask.askAboutSelection(argument) },
  'semcache.stop': { needs: 'nothing', run: ({ ask }, argument?: TargetArgument) => ask.stop(argument) },
  'semcache.showAnswer': { needs: 'nothing', run: ({ entries }, argument?: TargetArgument) => entries.showAnswer(argument) },
  'semcache.refresh': { needs: 'daemon', run: ({ entries }, argument?: TargetArgument) => entries.refresh(argument) },
  'semcache.edit': { needs: 'daemon', run: ({ entries }, argument?: TargetArgument) => entries.edit(argument) },
  'semcache.delete': { needs: 'daemon', run: ({ entries }, argument?: TargetArgument) => entries.delete(argument) },
  'semcache.wrongAnswer': { needs: 'daemon', run: ({ entries }, argument?: TargetArgument) => entries.wrongAnswer(argument) },
  'semcache.showNear': { needs: 'daemon', run: ({ near }, argument?: NearArgument) => near.showNear(argument) },
  'semcache.sameQuestion': { needs: 'daemon', run: ({ near }, argument?: NearArgument) => near.sameQuestion(argument) },
  'semcache.notTheSame': { needs: 'daemon', run: ({ near }, argument?: NearArgument) => near.notTheSame(argument) },
  'semcache.explain': { needs: 'daemon', run: ({ explain }, argument?: TargetArgument) => explain(argument) },
  'semcache.showEntry': { needs: 'daemon', run: ({ entries }, argument?: TargetArgument) => entries.show(argument) },
  'semcache.browse': { needs: 'daemon', run: ({ entries }) => entries.browse() },
  'semcache.clear': { needs: 'daemon', run: ({ entries }) => entries.clear() },
  'semcache.showStatistics': { needs: 'daemon', run: ({ status }) => status.showStatistics() },
  'semcache.chooseCare': { needs: 'daemon', run: ({ chooseCare }) => chooseCare() },
  'semcache.chooseModel': { needs: 'nothing', run: ({ chooseModel }) => chooseModel() },
  'semcache.setApiKey': { needs: 'nothing', run: ({ setApiKey }) => setApiKey() },
  'semcache.connectTool': { needs: 'daemon', run: ({ connectTool }) => connectTool() },
  'semcache.restartDaemon': { needs: 'nothing', run: parts => restart(parts) },
  'semcache.showLog': { needs: 'nothing', run: ({ showLog }) => showLog() },
  'semcache.copyDebugInformation': { needs: 'nothing', run: ({ status }) => status.copyDebugInformation() },
} as const satisfies Record<string, Command>;

export function registerCommands(parts: CommandParts): vscode.Disposable[] {
  return Object.entries<Command>(commandTable).map(([id, command]) =>
    parts.editor.commands.registerCommand(id, (argument: unknown) => runCommand(parts, command, argument)),
  );
}

/** Longest wait of a command for a daemon that is starting. */
const patienceMs = 10_000;

async function runCommand(parts: CommandParts, command: Command, argument: unknown): Promise<void> {
  try {
    if (command.needs === 'daemon') await daemonReady(parts);
    await command.run(parts, argument as never);
  } catch (error) {
    if (error instanceof SemcacheError && error.code === 'cancelled') return;
    await offerRepair(parts, messageOf(error));
  }
}

async function daemonReady({ editor, connection }: CommandParts): Promise<void> {
  if (connection.state === 'starting') {
    await editor.window.withProgress(
      { location: editor.ProgressLocation.Window, title: '$(loading~spin) Semcache is starting' },
      () => stateSettled(connection),
    );
  }
  if (connection.state === 'ready') return;
  throw new SemcacheError('daemon-unreachable', connection.problem ?? 'The Semcache daemon is not running.');
}

function stateSettled(connection: CommandParts['connection']): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer);
      subscription.dispose();
      resolve();
    };
    const timer = setTimeout(done, patienceMs);
    const subscription = connection.onStateChange(state => {
      if (state !== 'starting') done();
    });
  });
}

/** One message with its remedies. */
export async function offerRepair(parts: Pick<CommandParts, 'editor' | 'connection' | 'showLog'>, text: string): Promise<void> {
  const stopped = parts.connection.state !== 'ready';
  const answer = await parts.editor.window.showErrorMessage(text, 'Show Log', ...(stopped ? ['Restart Daemon'] : []));
  if (answer === 'Show Log') parts.showLog();
  if (answer === 'Restart Daemon') await parts.editor.commands.executeCommand('semcache.restartDaemon');
}

async function restart({ editor, connection }: CommandParts): Promise<void> {
  await editor.window.withProgress(
    { location: editor.ProgressLocation.Window, title: '$(loading~spin) Semcache is starting again' },
    () => connection.restart(),
  );
}
