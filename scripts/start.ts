// `npm start`: VS Code with Semcache installed from its VSIX, on a copy of sample/. `--json` prints one line for programs.
// Owns: what a newcomer sees first. Does not know: how the VSIX is made or code-server is run.
// Always true: profile, data and sample are a temporary folder's, which is removed at the end; nothing of the person's own
// VS Code or Semcache is touched; Ctrl-C ends everything that was started, the daemon included.

import { spawn } from 'node:child_process';
import { cp, mkdtemp, realpath, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readRecord } from '../server/protocol/discovery.ts';
import { findDesktopEditor, openDesktopEditor } from './desktop.ts';
import { packOwnVsix } from './ownVsix.ts';
import { installWorkbench, startWorkbench } from './workbench.ts';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const json = process.argv.includes('--json');

/** An editor that was opened for the person. */
interface OpenEditor {
  /** Address of its page; null for the desktop. */
  url: string | null;
  ended: Promise<void>;
  stop(): Promise<void>;
}

let stopping = false;
const stopAsked = new Promise<void>(resolve => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      stopping = true;
      resolve();
    });
  }
});
// A unix socket's path has at most 103 characters, and VS Code puts one into its profile: macOS's own folder is too long.
const temporary = process.platform === 'darwin' ? '/tmp' : os.tmpdir();
const folder = await realpath(await mkdtemp(path.join(temporary, 'semcache-start-')));
const dataFolder = path.join(folder, 'data');
const workspace = path.join(folder, 'sample');
let editor: OpenEditor | undefined;
try {
  await cp(path.join(root, 'sample'), workspace, { recursive: true });
  editor = await openEditor();
  if (!stopping) announce(editor);
  await Promise.race([editor.ended, stopAsked]);
} catch (error) {
  // Ctrl-C also ends the programs that were just being waited for.
  if (!stopping) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
} finally {
  const daemon = readRecord(dataFolder);
  await editor?.stop();
  if (daemon) await end(daemon.pid);
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}
process.exit();

async function openEditor(): Promise<OpenEditor> {
  const vsix = await packOwnVsix(say);
  const settings = { 'workbench.startupEditor': 'readme' };
  const env = { ...process.env, SEMCACHE_DATA: dataFolder };
  const profile = path.join(folder, 'profile');
  const desktop = await findDesktopEditor(env);
  if (desktop) return openDesktopEditor({ command: desktop, profile, vsix, settings, env, workspace });
  const entry = await installWorkbench(say);
  const workbench = await startWorkbench({ entry, profile, vsix: [vsix], settings, env });
  return { url: workbench.url(workspace), ended: workbench.ended, stop: workbench.stop };
}

function announce({ url }: OpenEditor): void {
  if (json) {
    console.log(JSON.stringify({ event: 'ready', url, workspace, dataFolder }));
    return;
  }
  if (url) openInBrowser(url);
  const { OPENAI_API_KEY, ANTHROPIC_API_KEY } = process.env;
  console.log(`
Semcache is installed in ${url ? `VS Code in the browser:\n\n  ${url}` : 'the VS Code window that has opened.'}

What the cache cannot answer goes to ${
    OPENAI_API_KEY || ANTHROPIC_API_KEY
      ? 'the model of your API key.'
      : 'any model that this VS Code has, else to the built-in demo model (canned answers).\nSet OPENAI_API_KEY or ANTHROPIC_API_KEY before npm start to ask a real one.'
  }
Ctrl-C ends everything. Nothing of your own VS Code or Semcache is touched.

Ask Semcache twice: press F1, run "Semcache: Ask…" and type "How do I reverse a list in Python?", then again with "Python: reverse a list".`);
}

/** Where there is a screen. The address is printed in any case. */
function openInBrowser(url: string): void {
  const hasScreen = process.platform === 'darwin' || process.env.DISPLAY || process.env.WAYLAND_DISPLAY;
  if (!hasScreen) return;
  const opener = spawn(process.platform === 'darwin' ? 'open' : 'xdg-open', [url], { stdio: 'ignore', detached: true });
  opener.once('error', () => {});
  opener.unref();
}

function say(line: string): void {
  if (!json) console.log(line);
}

/** Resolves when the process is gone: by itself within 3 seconds, or killed. */
async function end(pid: number): Promise<void> {
  const giveUpAt = performance.now() + 3000;
  for (let signal: NodeJS.Signals | 0 = 'SIGTERM'; sent(pid, signal); signal = performance.now() < giveUpAt ? 0 : 'SIGKILL') {
    await sleep(50);
  }
}

/** False when there is no such process any more. Signal 0 only asks. */
function sent(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
