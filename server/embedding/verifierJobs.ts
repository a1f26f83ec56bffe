// The pair verifier as the model thread runs it: pairs of texts to logits, one pair an inference.
// Owns: loading the verifier at its first use, its input, whose turn it is among several requests.
// Does not know: deadlines, who waits, what a logit is used for.
// Always true: at most one pair between two calls of advance(), so that an embedding never waits for long.

import onnx from 'onnxruntime-common';
import type { InferenceSession } from 'onnxruntime-common';
import { messageOf } from '../protocol/errors.ts';
import type { FromModel, VerifyMessage } from './modelMessages.ts';
import { focused, pairInput } from './pairInput.ts';

interface Job {
  id: number;
  pairs: [string, string][];
  logits: number[];
}

export interface VerifierParts {
  /** Reads and loads the weights; called once, at the first request. */
  open(): Promise<InferenceSession>;
  /** Word pieces of a text with the special tokens around them. */
  tokenize(text: string): number[];
  /** Runs a step that the process must not exit in. */
  pass<T>(step: () => Promise<T>): Promise<T>;
  tell(message: FromModel): void;
}

export class VerifierJobs {
  readonly #jobs = new Map<number, Job>();
  #session: Promise<InferenceSession> | null = null;

  get busy(): boolean {
    return this.#jobs.size > 0;
  }

  add({ id, pairs }: VerifyMessage): void {
    this.#jobs.set(id, { id, pairs, logits: [] });
  }

  forget(id: number): void {
    this.#jobs.delete(id);
  }

  /** Scores the next pair of the oldest request. Never throws: a failing request is told so. */
  async advance(parts: VerifierParts): Promise<void> {
    const [job] = this.#jobs.values();
    if (!job) return;
    try {
      this.#session ??= parts.pass(parts.open);
      const session = await this.#session;
      const pair = job.pairs[job.logits.length];
      if (pair) job.logits.push(await parts.pass(() => logitOf(pair, session, parts.tokenize)));
      if (job.logits.length < job.pairs.length) return;
      if (this.#jobs.delete(job.id)) parts.tell({ kind: 'logits', id: job.id, logits: job.logits });
    } catch (error) {
      this.#session = null;
      this.#jobs.delete(job.id);
      parts.tell({ kind: 'unverified', id: job.id, message: messageOf(error) });
    }
  }
}

async function logitOf([a, b]: [string, string], session: InferenceSession, tokenize: (text: string) => number[]): Promise<number> {
  const [left, right] = focused(a, b).map(tokenize) as [number[], number[]];
  const special = { begin: left[0]!, end: left.at(-1)! };
  const { ids, types } = pairInput(left.slice(1, -1), right.slice(1, -1), special);
  const tensor = (values: number[]) => new onnx.Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);
  const output = await session.run({ input_ids: tensor(ids), attention_mask: tensor(ids.map(() => 1)), token_type_ids: tensor(types) });
  return (output['logits']!.data as Float32Array)[0]!;
}
