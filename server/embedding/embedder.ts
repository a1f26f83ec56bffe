// Instruction to vector. Vectors of two fingerprints are never compared.

import type { PairVerifier } from './pairVerifier.ts';

export interface Embedder {
  /** Model, weights hash, pooling and dimensions in one short string; part of every index. */
  readonly fingerprint: string;
  readonly dimensions: number;
  /**
   * Shapes: one L2-normalised vector of `dimensions` floats a text, in order.
   * Errors: embedding-failed; embedding-timeout after the embedder's deadline; cancelled.
   */
  embed(texts: string[], signal?: AbortSignal): Promise<Float32Array[]>;
  /** How likely an answer to the one text answers the other; only an embedder that comes with a verifier has it. */
  readonly verify?: PairVerifier | undefined;
  /** Stored questions that verify() can judge, in both orders, before a person would notice (60 ms). */
  readonly verifiable?: number | undefined;
  close(): Promise<void>;
}

/** What opening one gives: an embedder that may still be loading. */
export interface OpenedEmbedder extends Embedder {
  /** Settles when it has been loaded, or never can be. embed() need not wait for it. */
  readonly ready: Promise<void>;
  /** Longest wait of later embed() calls. */
  setDeadlineMs(deadlineMs: number): void;
}
