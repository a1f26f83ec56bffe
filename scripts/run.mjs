// Runs one of our scripts from a fresh clone: `node scripts/run.mjs scripts/start.ts [arguments]`.
// Owns: installing the dependencies where they are missing or old, and handing over to the Node that comes with them.
// Always true: needs nothing but the built-ins of Node 20; the script itself runs on Node 24.

import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const node24 = path.join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

const [script, ...scriptArguments] = process.argv.slice(2);
if (!dependenciesAreThere()) await installDependencies();
process.exitCode = await run(node24, [path.join(root, script), ...scriptArguments]);

/** Whether every package of the lock file that this platform needs is installed in that version. */
function dependenciesAreThere() {
  const installedFile = path.join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installedFile) || !existsSync(node24)) return false;
  const wanted = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(readFileSync(installedFile, 'utf8')).packages;
  return Object.entries(wanted).every(
    ([place, { version, optional }]) => place === '' || optional || installed[place]?.version === version,
  );
}

async function installDependencies() {
  console.log('Installing the dependencies (npm, about half a minute) …');
  // `npm ci` begins by deleting node_modules; where there is one already, only what differs is changed.
  const verb = existsSync(path.join(root, 'node_modules')) ? 'install' : 'ci';
  const npm = process.env.npm_execpath;
  const options = [verb, '--no-audit', '--no-fund', '--loglevel=error'];
  const code = npm ? await run(process.execPath, [npm, ...options]) : await run('npm', options, process.platform === 'win32');
  if (code !== 0 || !existsSync(node24)) {
    console.error(
      `The dependencies could not be installed: npm ${verb} ended with code ${code}. Nothing else was changed. ` +
        'See its messages above; install scripts must be allowed (ignore-scripts=false), since Node 24 comes by one.',
    );
    process.exit(1);
  }
}

/** Runs to the end. Ctrl-C reaches the child by itself, which decides when all is stopped; other ends are passed on. */
function run(command, commandArguments, shell = false) {
  const child = spawn(command, commandArguments, { cwd: root, stdio: 'inherit', shell });
  const stay = () => {};
  const passOn = signal => child.kill(signal);
  process.on('SIGINT', stay);
  process.on('SIGTERM', passOn);
  process.on('SIGHUP', passOn);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', code => resolve(code ?? 1));
  }).finally(() => {
    process.off('SIGINT', stay);
    process.off('SIGTERM', passOn);
    process.off('SIGHUP', passOn);
  });
}
