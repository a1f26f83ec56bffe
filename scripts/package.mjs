// Packs the VSIX. Run it: node scripts/package.mjs [--target linux-x64] [--json]. Use it: packVsix().
//
// Universal (no target): embeddings run on WebAssembly, everywhere. With a target: on the native ONNX runtime of that platform, with
// WebAssembly beside it for machines that cannot load it.

import { createVSIX } from '@vscode/vsce';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildBundles } from '../esbuild.mjs';
import { targets, vsixFiles } from './vsixFiles.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const largestBytes = { clientBundle: 500_000, universalVsix: 55_000_000 };

/**
 * Packs what is in dist/ now. Resolves to the path of the VSIX. @throws when a file is missing or too large
 *
 * @param {string | null} target one of `targets`; null is the universal VSIX
 */
export async function packVsix(target = null, folder = path.join(root, 'build')) {
  const files = vsixFiles(target);
  requireAll(files, target);
  const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  await mkdir(folder, { recursive: true });
  const stage = await mkdtemp(path.join(folder, 'stage-'));
  try {
    await copyAll(files, stage);
    await copyFile(path.join(root, '.vscodeignore'), path.join(stage, '.vscodeignore'));
    const packagePath = path.join(folder, `semcache-${target === null ? '' : `${target}-`}${version}.vsix`);
    await createVSIX({
      cwd: stage,
      packagePath,
      dependencies: false,
      allowMissingRepository: true,
      rewriteRelativeLinks: false,
      ...(target === null ? {} : { target }),
    });
    await requireSmall(path.join(stage, 'dist/client/extension.cjs'), largestBytes.clientBundle);
    if (target === null) await requireSmall(packagePath, largestBytes.universalVsix);
    return packagePath;
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

/**
 * @throws Error with the list of all files that are named and not there
 *
 * @param {{ from: string; to: string }[]} files
 * @param {string | null} target
 */
export function requireAll(files, target) {
  const missing = files.filter(({ from }) => !existsSync(from)).map(({ from }) => `  ${path.relative(root, from)}`);
  const native = files.filter(({ to }) => to.startsWith('dist/server/onnxruntime/')).length - 1;
  if (target !== null && native < 2) missing.push(`  the native ONNX runtime for ${target}`);
  if (missing.length === 0) return;
  throw new Error(`The VSIX was not packed, since these files are missing:\n${missing.join('\n')}\nRun "npm install" and "npm run build".`);
}

async function copyAll(files, stage) {
  for (const { from, to } of files) {
    const file = path.join(stage, to);
    await mkdir(path.dirname(file), { recursive: true });
    if (to === 'package.json') await writeFile(file, shippedManifest(await readFile(from, 'utf8')));
    else if (to === 'README.md') await writeFile(file, withoutPictures(await readFile(from, 'utf8')));
    else await copyFile(from, file);
  }
}

/** What only the repository needs is left out. */
function shippedManifest(text) {
  const { scripts, devDependencies, overrides, bin, ...shipped } = JSON.parse(text);
  return `${JSON.stringify(shipped, null, 2)}\n`;
}

/** The pictures lie in the repository; the editor cannot show them from a relative path. */
function withoutPictures(markdown) {
  return markdown.replace(/^!\[[^\]]*\]\(docs\/[^)]*\)\n/gm, '');
}

async function requireSmall(file, bytes) {
  const { size } = await stat(file);
  if (size > bytes) throw new Error(`${path.basename(file)} has ${size} bytes, more than the ${bytes} that it may have.`);
}

async function main() {
  const { values } = parseArgs({ options: { target: { type: 'string' }, json: { type: 'boolean', default: false } } });
  const target = values.target === undefined || values.target === 'universal' ? null : values.target;
  if (target !== null && !targets.includes(target)) {
    throw new Error(`There is no target "${target}". Targets: ${targets.join(', ')}; without one the universal VSIX is packed.`);
  }
  if (values.json) console.log = console.info = (...words) => console.error(...words);
  await buildBundles();
  const file = await packVsix(target);
  const { size } = await stat(file);
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ file, target, sizeBytes: size })}\n`
      : `${path.relative(process.cwd(), file)} (${(size / 1e6).toFixed(1)} MB)\n`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch(error => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
