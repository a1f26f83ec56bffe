// A real VS Code with Semcache installed from its VSIX, and a browser that drives it.
// Owns: one server, one browser and one data folder for each test file; the other extension beside ours.
// Does not know: what Semcache looks like (semcacheWindow.ts).
// Always true: HOME, data folder and profile are the run's own; stop() leaves no process behind.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import type { TestContext } from 'vitest';
import { launchChromium } from '../../scripts/chromium.ts';
import { startWorkbench, type RunningWorkbench } from '../../scripts/workbench.ts';
import { readRecord } from '../../server/protocol/discovery.ts';
import { EditorWindow } from './editorWindow.ts';

/** What is made once for a whole run: prepareEditor.ts. */
export interface PreparedEditor {
  /** Entry file of code-server. */
  entry: string;
  /** Path of Chromium. */
  chromium: string;
  /** Semcache's VSIX. */
  own: string;
  /** That of the other extension. */
  consumer: string;
}

export interface EditorOptions {
  settings?: Record<string, unknown>;
  /** Beside PATH, HOME and SEMCACHE_DATA. */
  env?: Record<string, string>;
}

export class Editor {
  readonly dataFolder: string;
  readonly #folder: string;
  readonly #workbench: RunningWorkbench;
  readonly #browser: Browser;
  readonly #windows: EditorWindow[] = [];

  constructor(folder: string, workbench: RunningWorkbench, browser: Browser) {
    this.#folder = folder;
    this.dataFolder = path.join(folder, 'data');
    this.#workbench = workbench;
    this.#browser = browser;
  }

  /** A window on a workspace folder of this name with these files in it. */
  async open(workspace: string, files: Record<string, string>, screen: BrowserContextOptions = {}): Promise<EditorWindow> {
    const folder = path.join(this.#folder, workspace);
    for (const [name, text] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
      await writeFile(path.join(folder, name), text);
    }
    const context = await this.#browser.newContext({ viewport: { width: 1280, height: 800 }, ...screen });
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    await page.goto(this.#workbench.url(folder));
    await page.locator('.monaco-workbench .part.statusbar').waitFor({ timeout: 60_000 });
    const window = new EditorWindow(page, path.join(this.#folder, 'bridges', workspace));
    this.#windows.push(window);
    return window;
  }

  /** Process id of the daemon that windows of this editor find; null while there is none. */
  daemonPid(): number | null {
    return readRecord(this.dataFolder)?.pid ?? null;
  }

  /** To be called after each test: pictures of all windows, if it failed. */
  async keepFailure({ task }: Pick<TestContext, 'task'>): Promise<void> {
    if (task.result?.state !== 'fail') return;
    const name = `failed-${task.file.name.replace(/.*\/|\.test\.ts$/g, '')}-${task.name.replace(/[^\w]+/g, '-').slice(0, 60)}`;
    for (const [index, window] of this.#windows.entries()) {
      if (!window.page.isClosed()) await window.screenshot(`${name}-${index + 1}`);
    }
  }

  /** Ends the server, the browser and the daemon, and removes what they wrote. */
  async stop(): Promise<void> {
    const pid = this.daemonPid();
    await this.#browser.close();
    await this.#workbench.stop();
    if (pid !== null) kill(pid);
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** Starts the server and the browser; windows are opened by the caller. */
export async function startEditor({ entry, chromium, own, consumer }: PreparedEditor, options: EditorOptions = {}): Promise<Editor> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'semcache-editor-'));
  for (const name of ['home', 'data', 'bridges', 'tmp']) await mkdir(path.join(folder, name), { mode: 0o700 });
  const workbench = await startWorkbench({
    entry,
    profile: path.join(folder, 'profile'),
    vsix: [own, consumer],
    settings: { 'editor.minimap.enabled': false, ...options.settings },
    env: {
      PATH: process.env.PATH,
      LANG: 'C.UTF-8',
      HOME: path.join(folder, 'home'),
      TMPDIR: path.join(folder, 'tmp'),
      SEMCACHE_DATA: path.join(folder, 'data'),
      SEMCACHE_TEST_BRIDGES: path.join(folder, 'bridges'),
      ...options.env,
    },
  });
  try {
    return new Editor(folder, workbench, await launchChromium(chromium));
  } catch (error) {
    await workbench.stop();
    throw error;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
