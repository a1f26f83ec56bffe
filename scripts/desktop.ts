// The VS Code that a person has installed, opened with a profile of its own.
// Does not know: Semcache.

import { execFile, spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { settingsText } from './workbench.ts';

const execute = promisify(execFile);
const shell = process.platform === 'win32'; // there, `code` is a batch file

/** The oldest VS Code that the extension says it runs in (package.json, engines). */
const oldest = [1, 106] as const;

/**
 * `code`, where it is on PATH and can open a window: recent enough, not the `code` of a remote or browser terminal
 * (which only speaks to its own window), and with a screen. Null otherwise.
 */
export async function findDesktopEditor(env: NodeJS.ProcessEnv): Promise<string | null> {
  if (process.platform === 'linux' && !env.DISPLAY && !env.WAYLAND_DISPLAY) return null;
  try {
    const { stdout } = await execute('code', ['--version'], { env: withoutOuterEditor(env), shell, timeout: 20_000 });
    const [major = 0, minor = 0] = stdout.split('.').map(Number);
    return major > oldest[0] || (major === oldest[0] && minor >= oldest[1]) ? 'code' : null;
  } catch {
    return null;
  }
}

export interface DesktopOptions {
  command: string;
  profile: string;
  vsix: string;
  settings: Record<string, unknown>;
  env: NodeJS.ProcessEnv;
  workspace: string;
}

/** Opens a window; `ended` is when the person has closed it. */
export async function openDesktopEditor({ command, profile, vsix, settings, env, workspace }: DesktopOptions) {
  const userData = path.join(profile, 'user-data');
  await mkdir(path.join(userData, 'User'), { recursive: true });
  await writeFile(path.join(userData, 'User', 'settings.json'), settingsText(settings));
  const base = ['--user-data-dir', userData, '--extensions-dir', path.join(profile, 'extensions')];
  const options = { env: withoutOuterEditor(env), shell };
  await execute(command, [...base, '--install-extension', vsix], options);
  const window = spawn(command, [...base, '--new-window', '--wait', workspace], { ...options, stdio: 'ignore' });
  const ended = new Promise<void>((resolve, reject) => {
    window.once('exit', () => resolve());
    window.once('error', reject);
  });
  return {
    url: null,
    ended,
    async stop() {
      const main = await mainProcess(userData);
      if (main !== null && window.exitCode === null) process.kill(main);
      window.kill();
    },
  };
}

/** The window belongs to VS Code's main process, which is not a child of `code`: it leaves its id in its profile. */
async function mainProcess(userData: string): Promise<number | null> {
  const text = await readFile(path.join(userData, 'code.lock'), 'utf8').catch(() => '');
  return Number.parseInt(text, 10) || null;
}

/** Inside VS Code's own terminal these would make `code` speak to that window. */
function withoutOuterEditor(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(VSCODE_|ELECTRON_)/.test(name)));
}
