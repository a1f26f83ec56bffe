// Activation: builds the parts and hands each what it needs.
// Always true: activation waits for nothing; the daemon is looked for after it.

import { randomUUID } from 'node:crypto';
import { homedir } from 'node:os';
import * as vscode from 'vscode';
import { build } from '../server/protocol/build.ts';
import { dataFolderOf, readGateway } from '../server/protocol/discovery.ts';
import { registerCommands } from './commands.ts';
import { Configuration } from './configuration.ts';
import { LazyConnection } from './lazyConnection.ts';
import { ApiKeys } from './routes/apiKeys.ts';
import { InstructionHistory } from './routes/askInstruction.ts';
import { Asks, workspaceHash } from './routes/asks.ts';
import { registerChatParticipant } from './routes/chatParticipant.ts';
import { chooseCareCommand } from './routes/chooseCare.ts';
import { EditorCommand } from './routes/editorCommand.ts';
import { answerToolsWithEditorModel } from './routes/editorModel.ts';
import { createEntries, storedAnswers } from './routes/entries.ts';
import { EntryCommands } from './routes/entryCommands.ts';
import { explainCommand } from './routes/explainCommand.ts';
import { connectToolCommand } from './routes/connectTool.ts';
import { chooseModelCommand, setApiKeyCommand } from './routes/modelCommands.ts';
import { registerModelProvider } from './routes/modelProvider.ts';
import { Models } from './routes/models.ts';
import { NearCommands } from './routes/nearCommands.ts';
import { Status } from './status.ts';
import { AnswerDocuments } from './view/answerDocument.ts';
import { Decorations } from './view/decorations.ts';
import { EntryDocuments, entryScheme } from './view/entryDocument.ts';
import { ReadOnlyDocuments } from './view/readOnlyDocuments.ts';

let connection: LazyConnection | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const editor = vscode;
  const now = Date.now;
  const log = editor.window.createOutputChannel('Semcache', { log: true });
  const workspace = () => workspaceHash((editor.workspace.workspaceFolders ?? []).map(({ uri }) => uri.toString()));

  const apiKeys = new ApiKeys(context.secrets);
  const configuration = new Configuration({ editor, apiKeys, env: process.env });
  const chosen = () => configuration.settings.model;
  const models = new Models({ lm: editor.lm, endpoints: () => configuration.endpoints() });
  const judge = () => models.judge(configuration.settings.judge);
  const isJudge = (ref: string) => {
    const choice = judge();
    return choice?.kind === 'editor' && choice.model === ref;
  };
  const daemon = new LazyConnection(async () => {
    const { openDaemonConnection } = await import('./daemon/connection.ts');
    return openDaemonConnection({
      serverFile: context.asAbsolutePath('dist/server/main.cjs'),
      build,
      mode: configuration.settings.daemonMode,
      log: (level, text) => log[level === 'warning' ? 'warn' : level](text),
      answerForTools: answerToolsWithEditorModel(editor, ref => configuration.settings.editorModelsForTools || isJudge(ref)),
    });
  });
  connection = daemon;

  const entries = createEntries(daemon);
  const asks = new Asks({ connection: daemon, workspace, now, newId: randomUUID });
  const askOf = (id: string) => asks.get(id);
  const documents = new ReadOnlyDocuments(editor);
  const answers = new AnswerDocuments({ editor, askOf });
  const decorations = new Decorations({ editor, askOf, enabled: configuration.settings.decorationsEnabled });
  asks.onChange(({ id }) => [answers, decorations].forEach(view => view.update(id)));

  const currentModel = () => models.current(chosen());
  const history = new InstructionHistory(context.workspaceState);
  const editorCommand = new EditorCommand({ editor, asks, currentModel, answers, decorations, history });
  const entryCommands = new EntryCommands({
    editor, asks, entries, models, answers, decorations, documents, editorCommand, workspace, now,
  });
  const target = { editor, asks, answers, decorations };
  const nearCommands = new NearCommands({ ...target, entries, show: argument => entryCommands.show(argument) });
  const care = () => daemon.facts?.care ?? null;
  const status = new Status({ editor, connection: daemon, configuration, models, entries, documents, log });
  const gateway = () => readGateway(dataFolderOf(undefined, process.env));
  const modelForTools = () => models.forTools({ withEditorModels: configuration.settings.editorModelsForTools });
  const modelCommandParts = { editor, models, apiKeys, configuration };

  const tellDaemon = () => {
    const wanted = configuration.settings.judge;
    const asked = judge();
    if (wanted !== 'off' && asked === null) log.warn(`semcache.judge is "${wanted}", which is no model that is there now: nobody is asked.`);
    daemon.configure(configuration.forDaemon({ editorModels: models.ofEditor(), judge: asked }));
  };
  models.onChange(() => {
    const { editorModelsForTools, judge: wanted } = configuration.settings;
    if (editorModelsForTools || wanted !== 'off') tellDaemon();
  });
  configuration.onChange(() => {
    tellDaemon();
    decorations.setEnabled(configuration.settings.decorationsEnabled);
    models.tellChanges();
  });
  context.subscriptions.push(
    log, configuration, models, documents, answers, decorations, status,
    editor.workspace.registerFileSystemProvider(entryScheme, new EntryDocuments(editor, storedAnswers(entries, asks))),
    registerChatParticipant({ editor, asks, models, currentModel, entries }),
    registerModelProvider({ editor, asks, models, chosen }),
    ...registerCommands({
      editor,
      connection: daemon,
      ask: editorCommand,
      entries: entryCommands,
      near: nearCommands,
      explain: argument => explainCommand({ ...target, entries, documents, care, now }, argument),
      status,
      chooseCare: () => chooseCareCommand({ editor, care, configuration }),
      chooseModel: () => chooseModelCommand(modelCommandParts),
      setApiKey: () => setApiKeyCommand(modelCommandParts),
      connectTool: () => connectToolCommand({ editor, gateway, daemonMode: () => daemon.facts?.mode ?? null, model: modelForTools, home: homedir() }),
      showLog: () => log.show(),
    }),
  );
  void configuration.refresh();
}

/** The daemon stays for the other windows. */
export async function deactivate(): Promise<void> {
  await connection?.stop();
}
