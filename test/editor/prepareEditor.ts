// What the editor tests need once: the workbench, a browser, and the extensions as VSIX files.

import { createVSIX } from '@vscode/vsce';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findChromium } from '../../scripts/chromium.ts';
import { packOwnVsix } from '../../scripts/ownVsix.ts';
import { installWorkbench } from '../../scripts/workbench.ts';
import type { PreparedEditor } from './harness.ts';

/** Quick where tools are installed already; the VSIX is always made from the sources as they are now. */
export async function prepareEditor(say: (line: string) => void): Promise<PreparedEditor> {
  const entry = await installWorkbench(say);
  const chromium = await findChromium(say);
  return { entry, chromium, own: await packOwnVsix(say), consumer: await packConsumer() };
}

async function packConsumer(): Promise<string> {
  const file = fileURLToPath(new URL('../../build/consumer.vsix', import.meta.url));
  const cwd = fileURLToPath(new URL('consumer/', import.meta.url));
  await mkdir(path.dirname(file), { recursive: true });
  await createVSIX({ cwd, packagePath: file, dependencies: false, allowMissingRepository: true, skipLicense: true });
  return file;
}
