// What a VSIX ships, file by file.
// Always true: a file that is not named here is not shipped, and one that is named and missing stops the packaging.

import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { nativeRuntimeFiles } from '../esbuild.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** Targets with the native ONNX runtime. Everything else (Alpine, 32 bit) takes the universal VSIX. */
export const targets = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'win32-x64', 'win32-arm64'];

const everywhere = [
  'package.json',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
  'media/icon.png',
  'dist/THIRD-PARTY-NOTICES.txt',
  'dist/client/extension.cjs',
  'dist/client/languageServerProtocol.cjs',
  'dist/server/main.cjs',
  'dist/server/modelWorker.cjs',
  'dist/server/models/all-MiniLM-L6-v2/NOTICE.md',
  'dist/server/models/all-MiniLM-L6-v2/checksums.json',
  'dist/server/models/all-MiniLM-L6-v2/config.json',
  'dist/server/models/all-MiniLM-L6-v2/onnx/model_quantized.onnx',
  'dist/server/models/all-MiniLM-L6-v2/tokenizer.json',
  'dist/server/models/all-MiniLM-L6-v2/tokenizer_config.json',
  'dist/server/models/same-answer-verifier/NOTICE.md',
  'dist/server/models/same-answer-verifier/checksums.json',
  'dist/server/models/same-answer-verifier/config.json',
  'dist/server/models/same-answer-verifier/onnx/model_quantized.onnx',
  // In the target VSIXs too: there it takes over where the native library cannot be loaded.
  'dist/server/onnxruntime/ort-wasm-simd.wasm',
];

/**
 * The files of one VSIX: where each lies here (absolute) and where it goes (relative to the extension, forward slashes).
 *
 * @param {string | null} target null is the universal VSIX
 */
export function vsixFiles(target) {
  const files = [...everywhere, ...walkthrough()].map(name => ({
    from: path.join(root, name),
    to: name === 'dist/THIRD-PARTY-NOTICES.txt' ? 'THIRD-PARTY-NOTICES.txt' : name,
  }));
  if (target === null) return files;
  const [platform, arch] = target.split('-');
  const native = nativeRuntimeFiles(platform, arch);
  return [...files, ...native.map(from => ({ from, to: `dist/server/onnxruntime/${path.basename(from)}` }))];
}

function walkthrough() {
  return readdirSync(path.join(root, 'media/walkthrough')).filter(name => name.endsWith('.md')).map(name => `media/walkthrough/${name}`);
}
