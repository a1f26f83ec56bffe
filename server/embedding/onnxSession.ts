// A loaded model, in the native ONNX runtime or in its WebAssembly build.
// Does not know: tokens, texts, vectors.
// Always true: both runtimes give the same vectors, but for the rounding of the model's quantisation (distance 0.012 at most over
// 253 instructions, 0 at the median; test/unit/server/embedding/miniLmVectors.test.ts).

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import onnx from 'onnxruntime-common';
import type { InferenceSession } from 'onnxruntime-common';
import { messageOf } from '../protocol/errors.ts';
import { isBundled } from '../protocol/build.ts';
import type { ModelRuntime } from './modelMessages.ts';

export interface OpenedSession {
  session: InferenceSession;
  runtime: ModelRuntime;
  /** For people: why the slower runtime is in use. */
  notice: string | null;
}

/** Loads a model. @throws whatever the runtime says when the wanted one does not work */
export async function openSession(weights: Uint8Array, runtime: ModelRuntime | 'auto'): Promise<OpenedSession> {
  if (runtime === 'wasm' || (runtime === 'auto' && !shipsNative())) {
    return { session: await openWasm(weights), runtime: 'wasm', notice: null };
  }
  try {
    return { session: await openNative(weights), runtime: 'native', notice: null };
  } catch (error) {
    if (runtime === 'native') throw error;
    const notice =
      `The native ONNX runtime cannot be loaded on this machine (${messageOf(error).split('\n')[0]}). ` +
      'Embeddings are computed with WebAssembly: the same results, about 5 times slower.';
    return { session: await openWasm(weights), runtime: 'wasm', notice };
  }
}

/** The universal package comes without it on purpose: nothing is wrong there that a person could mend. */
function shipsNative(): boolean {
  return !isBundled || existsSync(path.join(wasmFolder(), 'onnxruntime_binding.node'));
}

async function openNative(weights: Uint8Array): Promise<InferenceSession> {
  await import('onnxruntime-node');
  return onnx.InferenceSession.create(weights, {
    executionProviders: ['cpu'],
    // Half of the cores: short texts gain nothing from more, and an editor is at work beside us.
    intraOpNumThreads: Math.min(4, Math.max(1, Math.floor(availableParallelism() / 2))),
    interOpNumThreads: 1,
    enableCpuMemArena: false,
  });
}

async function openWasm(weights: Uint8Array): Promise<InferenceSession> {
  await import('onnxruntime-web');
  onnx.env.wasm.wasmPaths = wasmFolder() + path.sep;
  // The threaded build starts scripts from URLs, which Node's workers cannot.
  onnx.env.wasm.numThreads = 1;
  return onnx.InferenceSession.create(weights, {
    executionProviders: ['wasm'],
    // Beyond 'basic' the WASM build approximates an operator: vectors then differ by up to 0.009 from the native ones.
    graphOptimizationLevel: 'basic',
  });
}

function wasmFolder(): string {
  return isBundled
    ? path.join(path.dirname(fileURLToPath(import.meta.url)), 'onnxruntime')
    : path.dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
}
