// Long instructions in pieces that the model can read.

/** Raised when the pieces change, since vectors of long instructions change with them; part of the fingerprint. */
export const WINDOWS_VERSION = 1;

/** Tokens that two neighbouring windows share, so that a sentence at the seam is read whole by one of them. */
const OVERLAP = 64;

/**
 * All tokens in order in windows of at most `size`; every window but the first begins with the last 64 tokens of the one before.
 * One window when they fit; one empty window for no tokens.
 */
export function windowsOf(tokens: readonly number[], size: number): number[][] {
  const windows: number[][] = [];
  for (let start = 0; ; start += size - OVERLAP) {
    windows.push(tokens.slice(start, start + size));
    if (start + size >= tokens.length) return windows;
  }
}
