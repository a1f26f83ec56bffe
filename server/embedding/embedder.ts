// Instruction to vector. Vectors of two fingerprints are never compared.

export interface Embedder {
  /** Model, weights hash, pooling and dimensions in one short string; part of every index. */
  readonly fingerprint: string;
  readonly dimensions: number;
  /**
   * Shapes: one L2-normalised vector of `dimensions` floats a text, in order.
   * Errors: embedding-failed; embedding-timeout after the embedder's deadline; cancelled.
   */
  embed(texts: string[], signal?: AbortSignal): Promise<Float32Array[]>;
  close(): Promise<void>;
}
