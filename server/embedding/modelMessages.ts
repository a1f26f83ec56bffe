// What the embedder and its worker thread say to each other.

import type { ErrorCode } from '../protocol/errors.ts';

/** `native`: onnxruntime's own library. `wasm`: its WebAssembly build, several times slower, runs everywhere. */
export type ModelRuntime = 'native' | 'wasm';

export interface ModelWorkerData {
  modelFolder: string;
  /** Of the pair verifier, which is loaded at its first use; null where there is none. */
  verifierFolder: string | null;
  /** `auto`: native, or WASM where the native library cannot be loaded. */
  runtime: ModelRuntime | 'auto';
  dimensions: number;
  /** The longest input of the model, with its two special tokens. */
  maxTokens: number;
  /** Of the ExitGate that the process shuts when it exits. */
  gate: SharedArrayBuffer;
}

export type ToModel =
  | { kind: 'embed'; id: number; text: string }
  /** Nobody waits for it any more. */
  | { kind: 'cancel'; id: number }
  | VerifyMessage
  | { kind: 'forget-verify'; id: number }
  /** Finish the window at hand, then exit. */
  | { kind: 'close' };

/** How likely an answer to the first text of a pair answers the second; ids are apart from those of embeddings. */
export interface VerifyMessage {
  kind: 'verify';
  id: number;
  pairs: [string, string][];
}

export type FromVerifier =
  | { kind: 'logits'; id: number; logits: number[] }
  | { kind: 'unverified'; id: number; message: string };

export type FromModel =
  | FromVerifier
  | { kind: 'ready'; runtime: ModelRuntime; notice: string | null }
  /** The model can never be loaded; the thread exits. */
  | { kind: 'unusable'; code: ErrorCode; message: string }
  | { kind: 'vector'; id: number; vector: Float32Array<ArrayBuffer> }
  | { kind: 'failed'; id: number; message: string };
