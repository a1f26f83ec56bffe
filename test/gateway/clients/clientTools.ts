// Other people's clients that no test can import: Python SDKs in a virtual environment, command lines in a folder of
// their own. Installed once, into node_modules/.cache, from the registries that pip and npm are set to.

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execute = promisify(execFile);
/** For one tool's packages. */
const installMs = 400_000;
const cache = fileURLToPath(new URL('../../../node_modules/.cache/semcache-clients', import.meta.url));

/** Tested at these versions; the README's table says so. */
export const pythonVersions = { 'openai': '3.54.0', 'anthropic': '2.12.0', 'langchain-openai': '1.7.3', 'llm': '0.36' } as const;
export const continueVersion = '1.5.47';
export const agentVersions = {
  claude: '2.1.330', codex: '0.169.0', opencode: '1.18.33', qwen: '0.24.4', pi: '0.73.1', cline: '3.0.65', copilot: '1.0.102', aider: '0.86.2',
} as const;

/** Of a package that this project itself depends on. */
export function ownVersion(name: string): string {
  return (JSON.parse(readFileSync(new URL(`../../../node_modules/${name}/package.json`, import.meta.url), 'utf8')) as { version: string }).version;
}

/** The folder with python and llm. */
export function pythonClients(): Promise<string> {
  return pythonClient(...Object.entries(pythonVersions).map(([name, version]) => `${name}==${version}`));
}

/** The folder with the commands of these packages, and a python that has them. */
export async function pythonClient(...versioned: string[]): Promise<string> {
  const folder = await installed('python', versioned.join(' '), async into => {
    await run('python3', ['-m', 'venv', into]);
    await run(path.join(into, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', ...versioned]);
  });
  return path.join(folder, 'bin');
}

/** The script that is `cn`. */
export async function continueClient(): Promise<string> {
  return path.join(await npmClient(`@continuedev/cli@${continueVersion}`), 'cn');
}

/** The folder with the commands of this package. */
export async function npmClient(versioned: string): Promise<string> {
  const folder = await installed('npm', versioned, async into => {
    await run('npm', ['install', '--prefix', into, '--no-audit', '--no-fund', '--loglevel=error', versioned]);
  });
  return path.join(folder, 'node_modules/.bin');
}

/** Installed anew when `versions` is another one, or the last try was not finished. */
async function installed(name: string, versions: string, install: (into: string) => Promise<void>): Promise<string> {
  const folder = path.join(cache, `${name}-${versions.replace(/[^\w.-]+/g, '_')}`);
  const stamp = path.join(folder, 'complete');
  if (existsSync(stamp)) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await install(folder).catch((error: unknown) => {
    throw new Error(`${versions} could not be installed: ${reasonOf(error)}`, { cause: error });
  });
  writeFileSync(stamp, versions);
  return folder;
}

function run(file: string, args: string[]): Promise<unknown> {
  return execute(file, args, { timeout: installMs, killSignal: 'SIGKILL' });
}

/** The last of what the installer said. */
function reasonOf(error: unknown): string {
  const { killed, stderr, stdout, message } = error as Error & { killed?: boolean; stderr?: string; stdout?: string };
  if (killed === true) return `it took longer than ${installMs / 1000} s`;
  const said = (stderr?.trim() || stdout?.trim() || message).split('\n').filter(line => line.trim() !== '' && !line.includes('complete log'));
  return said.slice(-4).join(' ');
}
