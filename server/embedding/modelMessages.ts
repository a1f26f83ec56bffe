// What the embedder and its worker thread say to each other.

import type { ErrorCode } from '../protocol/errors.ts';

/** `native`: onnxruntime's own library. `wasm`: its WebAssembly build, several times slower, runs everywhere. */
export type ModelRuntime = 'native' | 'wasm';

export interface ModelWorkerData {
  modelFolder: string;
  /** `auto`: native, or WASM where the native library cannot be loaded. */
  runtime: ModelRuntime | 'auto';
  dimensions: number;
  /** The longest input of the model, with its two special tokens. */
  maxTokens: number;
}

export type ToModel =
  | { kind: 'embed'; id: number; text: string }
  /** Nobody waits for it any more. */
  | { kind: 'cancel'; id: number }
  /** Finish the window at hand, then exit. */
  | { kind: 'close' };

export type FromModel =
  | { kind: 'ready'; runtime: ModelRuntime; notice: string | null }
  /** The model can never be loaded; the thread exits. */
  | { kind: 'unusable'; code: ErrorCode; message: string }
  | { kind: 'vector'; id: number; vector: Float32Array<ArrayBuffer> }
  | { kind: 'failed'; id: number; message: string };
