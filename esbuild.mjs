// Bundles the extension and the daemon into dist/, with the model and the ONNX runtime beside them.
// Run it: node esbuild.mjs [--watch]. Use it: buildBundles().
//
// dist/client/extension.cjs       VS Code loads it
// dist/client/languageServerProtocol.cjs  what it loads after activation, when it connects to the daemon
// dist/server/main.cjs            the daemon and the command line
// dist/server/modelWorker.cjs     the worker thread that runs the model
// dist/langchain/redisSemanticCache.mjs  the cache class for LangChain.js (package export "./langchain"); not in the VSIX
// dist/server/models/…            weights, tokenizer, checksums, notice
// dist/THIRD-PARTY-NOTICES.txt    names and licences of what is bundled
// dist/server/onnxruntime/…       ort-wasm-simd.wasm, and the native runtime of this machine where there is one

import { context } from 'esbuild';
import { cp, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { thirdPartyNotices } from './scripts/thirdPartyNotices.mjs';

const root = path.dirname(fileURLToPath(import.meta.url));
export const distFolder = path.join(root, 'dist');
const modules = path.join(root, 'node_modules');

const bundles = [
  { entry: 'client/extension.ts', outfile: 'dist/client/extension.cjs', plugins: [protocolBeside()] },
  { entry: 'vscode-languageserver-protocol/node', outfile: 'dist/client/languageServerProtocol.cjs' },
  { entry: 'server/main.ts', outfile: 'dist/server/main.cjs' },
  { entry: 'server/embedding/modelWorker.ts', outfile: 'dist/server/modelWorker.cjs' },
  { entry: 'server/langchain/redisSemanticCache.ts', outfile: 'dist/langchain/redisSemanticCache.mjs' },
];

/** Builds everything; with `watch`, keeps building until the returned function is called. */
export async function buildBundles({ watch = false } = {}) {
  const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  const builtAt = Date.now();
  const contexts = await Promise.all(
    bundles.map(bundle => context(optionsOf(bundle, { version, builtAt }))),
  );
  const stop = () => Promise.all(contexts.map(each => each.dispose()));
  try {
    const results = await Promise.all(contexts.map(each => each.rebuild()));
    await writeNotices(results);
    await copyModels();
    await copyRuntime();
    if (watch) await Promise.all(contexts.map(each => each.watch()));
  } catch (error) {
    await stop(); // A context that is left open keeps the process alive.
    throw error;
  }
  if (!watch) await stop();
  return stop;
}

/** Files of the native ONNX runtime for one platform, as absolute paths; empty where there is none. */
export function nativeRuntimeFiles(platform, arch) {
  const folder = path.join(modules, 'onnxruntime-node/bin/napi-v3', platform, arch);
  const names = {
    linux: ['onnxruntime_binding.node', 'libonnxruntime.so.1.14.0'],
    darwin: ['onnxruntime_binding.node', 'libonnxruntime.1.14.0.dylib'],
    win32: ['onnxruntime_binding.node', 'onnxruntime.dll'],
  }[platform];
  return (names ?? []).map(name => path.join(folder, name)).filter(existsSync);
}

function optionsOf({ entry, outfile, plugins = [] }, { version, builtAt }) {
  return {
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node22',
    external: ['vscode', '*.node', '@langchain/core/*'],
    ...(outfile.endsWith('.mjs') ? asModule : asCommonJs),
    define: {
      ...(outfile.endsWith('.mjs') ? {} : { 'import.meta.url': 'importMetaUrl' }),
      __SEMCACHE_VERSION__: JSON.stringify(version),
      __SEMCACHE_BUILT_AT__: String(builtAt),
    },
    plugins: [...plugins, leanTransformers, nativeRuntimeBeside, writeWhole],
    metafile: true,
    write: false,
    logLevel: 'warning',
    legalComments: 'none',
  };
}

const asCommonJs = {
  format: 'cjs',
  banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
};

/** What is bundled may call require(). */
const asModule = {
  format: 'esm',
  banner: { js: "import { createRequire as newRequire } from 'node:module'; const require = newRequire(import.meta.url);" },
};

/**
 * transformers.js imports sharp, for pictures, and the native runtime, which may be loaded only by onnxSession.ts. The tokenizer uses
 * neither.
 */
const leanTransformers = {
  name: 'lean-transformers',
  setup(build) {
    build.onResolve({ filter: /^(sharp|onnxruntime-node)$/ }, ({ importer, resolveDir }) =>
      /[\\/]@xenova[\\/]transformers[\\/]/.test(importer)
        ? build.resolve('onnxruntime-common', { kind: 'import-statement', resolveDir })
        : undefined,
    );
  },
};

/** In the bundle the native runtime lies in a folder of its own. */
const nativeRuntimeBeside = {
  name: 'native-runtime-beside',
  setup(build) {
    build.onLoad({ filter: /onnxruntime-node[\\/]dist[\\/]binding\.js$/ }, () => ({
      contents: "exports.binding = require('./onnxruntime/onnxruntime_binding.node');",
      loader: 'js',
    }));
  },
};

/**
 * The protocol library in a file of its own: to read its code takes as long as all of the extension's, and activation needs none of
 * it (14.5 ms for one file, 7.5 ms for two; a busy 2-core machine, VS Code's modules loaded).
 */
function protocolBeside() {
  return {
    name: 'protocol-beside',
    setup(build) {
      build.onResolve({ filter: /^vscode-languageserver-protocol(\/node)?$/ }, () => ({ path: './languageServerProtocol.cjs', external: true }));
    },
  };
}

/** By renaming, so that whoever reads a bundle meanwhile reads the old one or the new one. */
const writeWhole = {
  name: 'write-whole',
  setup(build) {
    build.onEnd(async ({ outputFiles }) => {
      for (const { path: file, contents } of outputFiles ?? []) {
        await mkdir(path.dirname(file), { recursive: true });
        await writeFile(`${file}.new`, contents);
        await rename(`${file}.new`, file);
      }
    });
  },
};

async function writeNotices(results) {
  const inputs = results.flatMap(({ metafile }) => Object.keys(metafile.inputs));
  const notices = await thirdPartyNotices(root, inputs, ['onnxruntime-node', 'onnxruntime-web']);
  await writeFile(path.join(distFolder, 'THIRD-PARTY-NOTICES.txt'), notices);
}

async function copyModels() {
  await cp(path.join(root, 'server/models'), path.join(distFolder, 'server/models'), {
    recursive: true,
    filter: async (from, to) => (await stat(from)).isDirectory() || isOlder(to, from),
  });
}

async function copyRuntime() {
  const to = path.join(distFolder, 'server/onnxruntime');
  await mkdir(to, { recursive: true });
  const files = [
    path.join(modules, 'onnxruntime-web/dist/ort-wasm-simd.wasm'),
    ...nativeRuntimeFiles(process.platform, process.arch),
  ];
  await Promise.all(files.map(file => copyIfNewer(file, path.join(to, path.basename(file)))));
}

/** Removes first: writing over a library that a running daemon has loaded would crash it. */
async function copyIfNewer(from, to) {
  if (!(await isOlder(to, from))) return;
  await rm(to, { force: true });
  await cp(from, to);
}

async function isOlder(to, from) {
  const [there, here] = await Promise.all([stat(to).catch(() => null), stat(from)]);
  return there === null || there.size !== here.size || there.mtimeMs < here.mtimeMs;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await buildBundles({ watch: process.argv.includes('--watch') });
}
