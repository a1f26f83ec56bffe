// What is known of the daemon and its counters, in the places where a person looks for it.
// Owns: the last statistics; the one message when the daemon is gone and does not come back.

import type * as vscode from 'vscode';
import { build } from '../server/protocol/build.ts';
import type { Stats } from '../server/protocol/stats.ts';
import { offerRepair } from './commands.ts';
import type { Configuration } from './configuration.ts';
import type { DaemonConnection } from './daemon/connection.ts';
import type { Entries } from './routes/entries.ts';
import { chooseModel, type Models } from './routes/models.ts';
import { careText } from './view/care.ts';
import { debugReport } from './view/debugReport.ts';
import type { ReadOnlyDocuments } from './view/readOnlyDocuments.ts';
import { statisticsText } from './view/statistics.ts';
import { StatusBar } from './view/statusBar.ts';

export interface StatusParts {
  editor: typeof vscode;
  connection: DaemonConnection;
  configuration: Configuration;
  models: Models;
  entries: Entries;
  documents: ReadOnlyDocuments;
  log: vscode.LogOutputChannel;
}

export class Status {
  readonly #parts: StatusParts;
  readonly #bar: StatusBar;
  #stats: Stats | null = null;
  #told = false;
  #hadHit = false;

  constructor(parts: StatusParts) {
    const { connection, configuration, models } = parts;
    this.#parts = parts;
    this.#bar = new StatusBar(parts.editor);
    connection.onStateChange(() => this.#stateChanged());
    connection.onHealth(() => this.#show());
    connection.onStats(stats => {
      this.#stats = stats;
      this.#show();
    });
    configuration.onChange(() => this.#show());
    models.onChange(() => this.#show());
    this.#show();
  }

  async showStatistics(): Promise<void> {
    const { entries, connection, configuration, documents } = this.#parts;
    this.#stats = await entries.stats();
    this.#show();
    const { prices } = configuration.settings;
    const dataFolder = connection.facts?.dataFolder ?? null;
    await documents.show('Semcache statistics', statisticsText({ stats: this.#stats, dataFolder, prices }));
  }

  async copyDebugInformation(): Promise<void> {
    const { editor, connection, configuration, models } = this.#parts;
    const section = editor.workspace.getConfiguration('semcache');
    const report = debugReport({
      client: build,
      editor: {
        name: editor.env.appName,
        version: editor.version,
        host: editor.env.appHost,
        remote: editor.env.remoteName ?? '',
      },
      platform: `${process.platform} ${process.arch}`,
      node: process.version,
      state: connection.state,
      problem: connection.problem,
      facts: connection.facts,
      health: connection.health,
      stats: this.#stats,
      settingOf: name => {
        const set = section.inspect(name);
        return set?.workspaceFolderValue ?? set?.workspaceValue ?? set?.globalValue;
      },
      models: {
        known: models.all().map(({ id }) => id),
        current: chooseModel(models.all(), configuration.settings.model).id,
      },
    });
    await editor.env.clipboard.writeText(report);
    void editor.window.showInformationMessage('Semcache: debug information is in the clipboard. It holds no prompts and no keys.');
  }

  dispose(): void {
    this.#bar.dispose();
  }

  #stateChanged(): void {
    const { editor, connection, log } = this.#parts;
    this.#show();
    if (connection.state === 'ready') {
      this.#told = false;
      void this.#readStats();
    } else if (connection.state === 'stopped' && connection.problem !== null && !this.#told) {
      this.#told = true;
      const text = `${connection.problem} Until it runs, questions go past the cache to models of the editor.`;
      void offerRepair({ editor, connection, showLog: () => log.show() }, text);
    }
  }

  async #readStats(): Promise<void> {
    try {
      this.#stats = await this.#parts.entries.stats();
      this.#show();
    } catch (error) {
      this.#parts.log.warn(`The statistics could not be read: ${String(error)}`);
    }
  }

  #show(): void {
    const { editor, connection, configuration, models } = this.#parts;
    if (!this.#hadHit && this.#stats !== null && this.#stats.hits > 0) {
      this.#hadHit = true;
      void editor.commands.executeCommand('setContext', 'semcache.hadHit', true); // Ends a step of the walkthrough.
    }
    const { settings } = configuration;
    this.#bar.show({
      state: connection.state,
      problem: connection.problem,
      health: connection.health,
      stats: this.#stats,
      prices: settings.prices,
      model: chooseModel(models.all(), settings.model).name,
      care: careText(settings.cache),
      enabled: settings.cache.enabled,
      ownDaemon: connection.facts?.mode === 'window',
    });
  }
}
