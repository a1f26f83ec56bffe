// Requests to the verifier, which runs in the embedder's model thread (verifierJobs.ts): the side that waits.
// Owns: which answer belongs to which request, and the deadline. Does not know: the thread's life (miniLmEmbedder.ts).
// Always true: every request settles: by its answer, its deadline, its signal, or the end of the thread.

import { fileURLToPath } from 'node:url';
import { isBundled } from '../protocol/build.ts';
import { SemcacheError } from '../protocol/errors.ts';
import { withinDeadline } from './deadline.ts';
import type { FromVerifier, ToModel } from './modelMessages.ts';

/** One logit a pair, in order: log-odds that an answer to the first text answers the second. */
export type PairVerifier = (pairs: [string, string][], signal?: AbortSignal) => Promise<number[]>;

/** The weights that training/train.py makes, as they lie beside the code, in the bundle as in the sources. */
export const bundledVerifierFolder = fileURLToPath(
  new URL(isBundled ? './models/same-answer-verifier' : '../models/same-answer-verifier', import.meta.url),
);

export class VerifierRequests {
  readonly #tell: (message: ToModel) => void;
  readonly #waiting = new Map<number, PromiseWithResolvers<number[]>>();
  #lastId = 0;

  constructor(tell: (message: ToModel) => void) {
    this.#tell = tell;
  }

  /** @throws embedding-timeout after the deadline; cancelled; embedding-failed */
  async ask(pairs: [string, string][], deadlineMs: number, signal?: AbortSignal): Promise<number[]> {
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<number[]>();
    this.#waiting.set(id, answer);
    this.#tell({ kind: 'verify', id, pairs });
    try {
      return await withinDeadline(answer.promise, {
        deadlineMs,
        signal,
        timeoutText: `The local verifier did not answer within ${deadlineMs} ms, so nothing is served on its word.`,
      });
    } finally {
      if (this.#waiting.delete(id)) this.#tell({ kind: 'forget-verify', id });
    }
  }

  hear(message: FromVerifier): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.kind === 'logits') waiting?.resolve(message.logits);
    else waiting?.reject(new SemcacheError('embedding-failed', `The local verifier failed (${message.message}). Nothing is served on its word.`));
  }

  /** The thread has gone. */
  rejectAll(error: SemcacheError): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}
