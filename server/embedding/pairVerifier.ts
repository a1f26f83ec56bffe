// Requests to the verifier, which runs in the embedder's model thread (verifierJobs.ts): the side that waits.
// Owns: which answer belongs to which request, and the deadline. Does not know: the thread's life (miniLmEmbedder.ts).
// Always true: every request settles: by its answer, its deadline, its signal, or the end of the thread. Equal requests at once are
// one request to the thread.

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

interface Waiting {
  id: number;
  answer: PromiseWithResolvers<number[]>;
  /** Calls that wait for it. */
  users: number;
}

export class VerifierRequests {
  readonly #tell: (message: ToModel) => void;
  /** By the pairs that were asked about. */
  readonly #waiting = new Map<string, Waiting>();
  #lastId = 0;

  constructor(tell: (message: ToModel) => void) {
    this.#tell = tell;
  }

  /** @throws embedding-timeout after the deadline; cancelled; embedding-failed */
  async ask(pairs: [string, string][], deadlineMs: number, signal?: AbortSignal): Promise<number[]> {
    const key = JSON.stringify(pairs);
    const waiting = this.#waiting.get(key) ?? this.#begin(key, pairs);
    waiting.users += 1;
    try {
      return await withinDeadline(waiting.answer.promise, {
        deadlineMs,
        signal,
        timeoutText: `The local verifier did not answer within ${deadlineMs} ms, so nothing is served on its word.`,
      });
    } finally {
      waiting.users -= 1;
      if (waiting.users === 0 && this.#waiting.get(key) === waiting) {
        this.#waiting.delete(key);
        this.#tell({ kind: 'forget-verify', id: waiting.id });
      }
    }
  }

  hear(message: FromVerifier): void {
    for (const [key, { id, answer }] of this.#waiting) {
      if (id !== message.id) continue;
      this.#waiting.delete(key);
      if (message.kind === 'logits') answer.resolve(message.logits);
      else answer.reject(new SemcacheError('embedding-failed', `The local verifier failed (${message.message}). Nothing is served on its word.`));
    }
  }

  /** The thread has gone. */
  rejectAll(error: SemcacheError): void {
    for (const { answer } of this.#waiting.values()) answer.reject(error);
    this.#waiting.clear();
  }

  #begin(key: string, pairs: [string, string][]): Waiting {
    const waiting: Waiting = { id: ++this.#lastId, answer: Promise.withResolvers(), users: 0 };
    waiting.answer.promise.catch(() => undefined); // Whoever still waits hears of it.
    this.#waiting.set(key, waiting);
    this.#tell({ kind: 'verify', id: waiting.id, pairs });
    return waiting;
  }
}
