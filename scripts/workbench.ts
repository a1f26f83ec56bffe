// VS Code in the browser: code-server, installed once for each user and version, and started with a profile of its own.
// Owns: which version, how it is installed from npm, how one is started and stopped.
// Does not know: Semcache; who drives the page.
// Always true: listens on 127.0.0.1 only; asks no extension gallery; reads and writes nothing of the person's own VS Code.

import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { installedTool } from './testTools.ts';

/** Pinned: the tests read the workbench's DOM, which changes with every version. */
export const codeServerVersion = '4.139.1';

const execute = promisify(execFile);
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';

/**
 * The entry file of code-server, installed if it is not there yet (about a minute, 800 MB).
 *
 * Errors: says what failed; on Windows, which code-server does not run on, that VS Code itself is needed.
 */
export async function installWorkbench(say: (line: string) => void): Promise<string> {
  if (process.platform === 'win32') {
    throw new Error(
      'VS Code in the browser does not run on Windows. Install VS Code, let its setup add "code" to PATH, and try again.',
    );
  }
  const nodeMajor = process.versions.node.split('.')[0];
  const name = `code-server-${codeServerVersion}-node${nodeMajor}-${process.platform}-${process.arch}`;
  const folder = await installedTool(name, empty => installInto(empty, say));
  return path.join(folder, 'node_modules', 'code-server', 'out', 'node', 'entry.js');
}

async function installInto(folder: string, say: (line: string) => void): Promise<void> {
  const vscode = path.join(folder, 'node_modules', 'code-server', 'lib', 'vscode');
  const install = ['install', '--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts'];
  await writeFile(path.join(folder, 'package.json'), '{"name":"semcache-workbench","private":true}\n');
  say(`Installing VS Code in the browser (code-server ${codeServerVersion}, once for this user) …`);
  await runNpm(folder, [...install, '--no-save', '--no-package-lock', `code-server@${codeServerVersion}`]);
  say("… the editor's own packages …");
  await runNpm(vscode, [...install, '--omit=dev']);
  await runNpm(path.join(vscode, 'extensions'), [...install, '--omit=dev']);
  say('… its log writer …');
  await buildLogWriter(vscode, say);
}

/** Everything else native comes ready-made. Without a compiler all works, but output channels stay empty. */
async function buildLogWriter(vscode: string, say: (line: string) => void): Promise<void> {
  const headers = path.resolve(
    path.dirname(process.execPath), '..', 'node_modules', `node-${process.platform}-${process.arch}`,
  );
  const nodedir = existsSync(path.join(headers, 'include')) ? [`--nodedir=${headers}`] : [];
  try {
    await runNpm(vscode, ['rebuild', '--loglevel=error', ...nodedir, '@vscode/spdlog', '@vscode/native-watchdog']);
  } catch {
    say("… no C++ compiler: the workbench's output channels and log files will stay empty.");
  }
}

async function runNpm(cwd: string, options: string[]): Promise<void> {
  const env = { ...process.env, PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env.PATH}` };
  try {
    await execute(npm, options, { cwd, env, maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    throw new Error(`npm ${options[0]} in ${cwd} failed: ${stderr.trim().slice(-2000) || String(error)}`, { cause: error });
  }
}

export interface WorkbenchOptions {
  /** What `installWorkbench` resolved to. */
  entry: string;
  /** Settings, extensions and logs live here; made if it is not there. */
  profile: string;
  /** Extensions to install, as VSIX files. */
  vsix: string[];
  /** User settings beside the quiet ones that every profile begins with. */
  settings?: Record<string, unknown>;
  /** The whole environment of the server, its extension hosts and terminals. */
  env: Record<string, string | undefined>;
}

export interface RunningWorkbench {
  port: number;
  /** The page with this folder opened. */
  url(folder: string): string;
  /** Resolves when the server has ended, however it came to it. */
  ended: Promise<void>;
  stop(): Promise<void>;
}

/** Starts code-server with the extensions installed. @throws when it does not come up, naming its log. */
export async function startWorkbench(options: WorkbenchOptions): Promise<RunningWorkbench> {
  const { entry, profile, vsix } = options;
  const userData = path.join(profile, 'user-data');
  const env = environmentOf(options);
  // A browser's window is a remote one: settings of the scope "machine" count only where they are the server's own.
  for (const place of ['User', 'Machine']) {
    await mkdir(path.join(userData, place), { recursive: true });
    await writeFile(path.join(userData, place, 'settings.json'), settingsText(options.settings));
  }
  const base = [
    entry, '--config', path.join(profile, 'code-server.yaml'),
    '--user-data-dir', userData, '--extensions-dir', path.join(profile, 'extensions'),
  ];
  await execute(process.execPath, [...base, ...vsix.flatMap(file => ['--install-extension', file])], { env });

  const port = await freePort();
  const logFile = path.join(profile, 'code-server.log');
  const log = await open(logFile, 'a');
  const server = spawn(
    process.execPath,
    [
      ...base, '--bind-addr', `127.0.0.1:${port}`, '--auth', 'none', '--disable-telemetry', '--disable-update-check',
      '--disable-workspace-trust', '--disable-getting-started-override', '--disable-proxy',
    ],
    { env, stdio: ['ignore', log.fd, log.fd], detached: true },
  );
  await log.close();
  const ended = new Promise<void>(resolve => server.once('exit', () => resolve()));
  const stop = async () => {
    server.kill('SIGTERM');
    await Promise.race([ended, sleep(5000, undefined, { ref: false })]);
    killGroup(server.pid!);
  };

  const giveUpAt = performance.now() + 60_000;
  while (!(await isHealthy(port))) {
    if (server.exitCode !== null || performance.now() > giveUpAt) {
      await stop();
      throw new Error(`VS Code in the browser did not start; its log is ${logFile}.`);
    }
    await sleep(50);
  }
  return { port, url: folder => `http://127.0.0.1:${port}/?folder=${encodeURIComponent(folder)}`, ended, stop };
}

/** What a profile of VS Code begins with: no greetings, no network, no questions. */
export function settingsText(settings: Record<string, unknown> = {}): string {
  const quiet = {
    'workbench.startupEditor': 'none',
    'workbench.tips.enabled': false,
    'workbench.enableExperiments': false,
    'workbench.secondarySideBar.defaultVisibility': 'hidden',
    'security.workspace.trust.enabled': false,
    'telemetry.telemetryLevel': 'off',
    'update.mode': 'none',
    'extensions.autoCheckUpdates': false,
    'extensions.autoUpdate': false,
    'extensions.ignoreRecommendations': true,
    'npm.fetchOnlinePackageInfo': false,
    'typescript.disableAutomaticTypeAcquisition': true,
    'json.schemaDownload.enable': false,
  };
  return JSON.stringify({ ...quiet, ...settings }, null, 2);
}

/** Without what an outer VS Code or code-server left in it: they would make this one join the outer one. */
function environmentOf({ env, profile }: WorkbenchOptions): NodeJS.ProcessEnv {
  const own = Object.entries(env).filter(
    ([name]) => !/^(VSCODE_|CODE_SERVER_|ELECTRON_|PORT$|PASSWORD$|HASHED_PASSWORD$)/.test(name),
  );
  return { ...Object.fromEntries(own), EXTENSIONS_GALLERY: '{}', XDG_DATA_HOME: path.join(profile, 'share') };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

async function isHealthy(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/healthz`)).ok;
  } catch {
    return false;
  }
}

/** The server's children outlive it for a moment; they are of its process group. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
