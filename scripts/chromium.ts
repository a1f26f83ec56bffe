// The browser that tests and screenshots drive.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { chromium, type Browser } from 'playwright-core';

const execute = promisify(execFile);

/**
 * Path of a Chromium: $CHROMIUM, or one on PATH, or Chrome where macOS keeps it. On a Debian where we are root it is
 * installed if it is missing. @throws what to install otherwise.
 */
export async function findChromium(say: (line: string) => void): Promise<string> {
  const found = whereChromiumIs();
  if (found) return found;
  if (process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    say('Installing Chromium for the tests (apt-get) …');
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const options = { env, maxBuffer: 64 * 1024 * 1024 };
    await execute('apt-get', ['update', '-qq'], options);
    await execute('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium', 'fonts-dejavu-core'], options);
    const installed = whereChromiumIs();
    if (installed) return installed;
  }
  throw new Error(
    'No Chromium found, so the editor cannot be driven. Install Chromium or Chrome, or set CHROMIUM to its path.',
  );
}

function whereChromiumIs(): string | undefined {
  const onPath = (process.env.PATH ?? '')
    .split(path.delimiter)
    .flatMap(folder => ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'].map(name => path.join(folder, name)));
  return [process.env.CHROMIUM ?? '', ...onPath, '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'].find(
    file => file !== '' && existsSync(file),
  );
}

/** Headless, with no name but 127.0.0.1 resolved: a page that asks the network for anything is refused. */
export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
    ],
  });
}
