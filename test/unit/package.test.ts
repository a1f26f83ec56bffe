// The packed VSIXs: what is in them, how large they are, and that what is in them runs.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { inflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildBundles, distFolder } from '../../esbuild.mjs';
import { packVsix, requireAll } from '../../scripts/package.mjs';
import { targets, vsixFiles } from '../../scripts/vsixFiles.mjs';

const execute = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

const everywhere = [
  '[Content_Types].xml',
  'extension.vsixmanifest',
  'extension/LICENSE.txt',
  'extension/THIRD-PARTY-NOTICES.txt',
  'extension/changelog.md',
  'extension/dist/client/extension.cjs',
  'extension/dist/client/languageServerProtocol.cjs',
  'extension/dist/server/main.cjs',
  'extension/dist/server/modelWorker.cjs',
  'extension/dist/server/models/all-MiniLM-L6-v2/NOTICE.md',
  'extension/dist/server/models/all-MiniLM-L6-v2/checksums.json',
  'extension/dist/server/models/all-MiniLM-L6-v2/config.json',
  'extension/dist/server/models/all-MiniLM-L6-v2/onnx/model_quantized.onnx',
  'extension/dist/server/models/all-MiniLM-L6-v2/tokenizer.json',
  'extension/dist/server/models/all-MiniLM-L6-v2/tokenizer_config.json',
  'extension/dist/server/models/same-answer-verifier/NOTICE.md',
  'extension/dist/server/models/same-answer-verifier/checksums.json',
  'extension/dist/server/models/same-answer-verifier/config.json',
  'extension/dist/server/models/same-answer-verifier/onnx/model_quantized.onnx',
  'extension/dist/server/onnxruntime/ort-wasm-simd.wasm',
  'extension/media/icon.png',
  'extension/media/walkthrough/again.md',
  'extension/media/walkthrough/ask.md',
  'extension/media/walkthrough/chat.md',
  'extension/media/walkthrough/model.md',
  'extension/package.json',
  'extension/readme.md',
];

const native: Record<string, string[]> = {
  'linux-x64': ['libonnxruntime.so.1.14.0', 'onnxruntime_binding.node'],
  'linux-arm64': ['libonnxruntime.so.1.14.0', 'onnxruntime_binding.node'],
  'darwin-x64': ['libonnxruntime.1.14.0.dylib', 'onnxruntime_binding.node'],
  'darwin-arm64': ['libonnxruntime.1.14.0.dylib', 'onnxruntime_binding.node'],
  'win32-x64': ['onnxruntime.dll', 'onnxruntime_binding.node'],
  'win32-arm64': ['onnxruntime.dll', 'onnxruntime_binding.node'],
};

const withNative = (names: string[]): string[] => [...everywhere, ...names.map(name => `extension/dist/server/onnxruntime/${name}`)].sort();

let folder: string;
beforeAll(async () => {
  if (!existsSync(path.join(distFolder, 'server/main.cjs'))) await buildBundles();
  folder = await mkdtemp(path.join(tmpdir(), 'semcache-vsix-'));
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

test('loading the extension reads its own file only: the protocol library waits until the daemon is looked for', async () => {
  const entry = path.join(distFolder, 'client/extension.cjs');
  const { stdout } = await execute(process.execPath, ['-e', loadWithoutEditor, entry]);
  expect(JSON.parse(stdout)).toEqual([entry]);
});

/** Prints the files that were read; the editor is a stand-in of which everything can be called. */
const loadWithoutEditor = `
  const Module = require('node:module');
  const load = Module._load;
  const anything = new Proxy(function () {}, { get: () => anything, apply: () => anything, construct: () => anything });
  Module._load = (name, ...others) => (name === 'vscode' ? anything : load(name, ...others));
  require(process.argv[1]);
  console.log(JSON.stringify(Object.keys(require.cache)));
`;

describe.each([
  { name: 'universal', target: null, names: everywhere, largest: 55_000_000 },
  { name: 'linux-x64', target: 'linux-x64', names: withNative(native['linux-x64']!), largest: 60_000_000 },
])('the $name VSIX', ({ target, names, largest }) => {
  let vsix: string;
  let entries: Map<string, Buffer>;
  beforeAll(async () => {
    vsix = await packVsix(target, folder);
    entries = unzipped(await readFile(vsix));
  }, 120_000);

  test('holds exactly these files', () => {
    expect([...entries.keys()].sort()).toEqual(names);
  });

  test('is small enough, and so is the extension that VS Code loads at start', async () => {
    expect((await stat(vsix)).size).toBeLessThan(largest);
    const client = ['extension.cjs', 'languageServerProtocol.cjs'].map(name => entries.get(`extension/dist/client/${name}`)!.length);
    expect(client[0]! + client[1]!).toBeLessThan(500_000);
  });

  test('is for its platform, names its entry point and carries nothing that only the repository needs', () => {
    const manifest = JSON.parse(entries.get('extension/package.json')!.toString('utf8'));
    expect(entries.has(`extension/${path.posix.normalize(manifest.main)}`)).toBe(true);
    expect(entries.has(`extension/${manifest.icon}`)).toBe(true);
    expect(manifest).not.toHaveProperty('devDependencies');
    expect(manifest).not.toHaveProperty('scripts');
    const platform = /TargetPlatform="([^"]+)"/.exec(entries.get('extension.vsixmanifest')!.toString('utf8'))?.[1] ?? null;
    expect(platform).toBe(target);
  });

  test.skipIf(target !== null && target !== `${process.platform}-${process.arch}`)(
    'runs where it is unpacked, far from any node_modules: update, then a hit by meaning',
    { timeout: 60_000 },
    async () => {
      const place = path.join(folder, target ?? 'universal');
      for (const [name, bytes] of entries) {
        await mkdir(path.dirname(path.join(place, name)), { recursive: true });
        await writeFile(path.join(place, name), bytes);
      }
      const run = async (...words: string[]): Promise<string> => {
        const main = path.join(place, 'extension/dist/server/main.cjs');
        const { stdout } = await execute(process.execPath, [main, ...words, '--llm-string', 'm', '--json', '--data', path.join(place, 'data')]);
        return stdout;
      };
      await run('update', '--prompt', 'how do I reverse a list in python', '--answer', 'X');
      const found = JSON.parse(await run('lookup', '--prompt', 'python: reverse a list'));
      expect(found).toMatchObject({ status: 'hit', distance: expect.closeTo(0.028, 2), generations: [{ text: 'X' }] });
    },
  );
});

test.each(targets)('vsixFiles() ships to %s its own native runtime and no other', target => {
  const shipped = vsixFiles(target).filter(({ to }) => !vsixFiles(null).some(each => each.to === to));
  expect(shipped.map(({ to }) => path.posix.basename(to)).sort()).toEqual(native[target]);
  const [platform, arch] = target.split('-') as [string, string];
  for (const { from } of shipped) expect(from.split(path.sep)).toEqual(expect.arrayContaining([platform, arch]));
  expect(() => requireAll(vsixFiles(target), target)).not.toThrow();
});

test('requireAll() names every file that is missing', () => {
  const files = [...vsixFiles(null), ...['a.js', 'media/b.png'].map(name => ({ from: path.join(root, name), to: name }))];
  expect(() => requireAll(files, null)).toThrow(/missing:\n {2}a\.js\n {2}media\/b\.png\n/);
  expect(() => requireAll(vsixFiles(null), 'linux-x64')).toThrow('the native ONNX runtime for linux-x64');
});

test('package.mjs refuses a target that it does not know', async () => {
  const script = path.join(root, 'scripts/package.mjs');
  const refusal = { code: 1, stderr: expect.stringContaining('There is no target "solaris-sparc". Targets: linux-x64') };
  await expect(execute(process.execPath, [script, '--target', 'solaris-sparc'])).rejects.toMatchObject(refusal);
});

/** Files of a zip by name, from its central directory. */
function unzipped(zip: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  let at = zip.readUInt32LE(end + 16);
  for (let count = zip.readUInt16LE(end + 10); count > 0; count--) {
    const [method, size, nameLength, extraLength, commentLength, local] = [
      zip.readUInt16LE(at + 10), zip.readUInt32LE(at + 20), zip.readUInt16LE(at + 28),
      zip.readUInt16LE(at + 30), zip.readUInt16LE(at + 32), zip.readUInt32LE(at + 42),
    ] as [number, number, number, number, number, number];
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const packed = zip.subarray(start, start + size);
    files.set(zip.toString('utf8', at + 46, at + 46 + nameLength), method === 0 ? packed : inflateRawSync(packed));
    at += 46 + nameLength + extraLength + commentLength;
  }
  return files;
}
