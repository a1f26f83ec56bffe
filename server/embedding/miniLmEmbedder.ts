// The local embedding model, in a worker thread: instructions to vectors with nothing leaving the machine.
// Owns: the thread's life, deadlines, sharing of equal texts. Does not know: tokens or the runtime's API (modelWorker.ts).
// Always true: an abandoned call stops its work within one window; a dead thread fails the calls at hand and is replaced; the native runtime is loaded once in a process, since a second load of onnxruntime-node 1.14 corrupts memory
// (measured: 10 threads one after the other crash the process in 2 of 3 runs; so does terminating one while it computes).

import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { isBundled } from '../protocol/build.ts';
import { messageOf, SemcacheError } from '../protocol/errors.ts';
import type { OpenedEmbedder } from './embedder.ts';
import { withinDeadline } from './deadline.ts';
import { ExitGate } from './exitGate.ts';
import { readModelFacts } from './modelFiles.ts';
import type { ModelFacts } from './modelFiles.ts';
import type { FromModel, ModelRuntime, ModelWorkerData, ToModel } from './modelMessages.ts';
import { VerifierRequests } from './pairVerifier.ts';
import type { PairVerifier } from './pairVerifier.ts';
import { WINDOWS_VERSION } from './tokenWindows.ts';

export interface MiniLmOptions {
  modelFolder: string;
  /** Of the pair verifier; without it verify() fails. */
  verifierFolder?: string;
  /** Longest wait of one embed() call, loading included. */
  deadlineMs: number;
  /** `auto` (default): native where it can be loaded, else WASM. */
  runtime?: ModelRuntime | 'auto';
  /** Told, in a person's words, when the slower runtime takes over. */
  onNotice?: (notice: string) => void;
  startWorker?: (data: ModelWorkerData) => Worker;
}

export interface MiniLmEmbedder extends OpenedEmbedder {
  /** Null until the model is loaded. */
  readonly runtime: ModelRuntime | null;
  /** Within the embedder's deadline. @throws embedding-timeout, cancelled, embedding-failed */
  readonly verify: PairVerifier;
}

/** all-MiniLM-L6-v2 as it lies beside the code, in the bundle as in the sources. */
export const bundledModelFolder = fileURLToPath(
  new URL(isBundled ? './models/all-MiniLM-L6-v2' : '../models/all-MiniLM-L6-v2', import.meta.url),
);

/**
 * Starts the worker thread and returns before the model is loaded.
 *
 * Errors: model-file-damaged when the folder does not say what it holds. Damage to the weights or the tokenizer shows in `ready`
 * and in every embed().
 */
export async function openMiniLmEmbedder(options: MiniLmOptions): Promise<MiniLmEmbedder> {
  return new WorkerEmbedder(options, await readModelFacts(options.modelFolder));
}

interface Job {
  id: number;
  text: string;
  /** Calls that wait for it. */
  users: number;
  vector: Promise<Float32Array>;
  resolve: (vector: Float32Array) => void;
  reject: (error: unknown) => void;
}

/** A thread that dies this often in a row before it has loaded the model is not started again. */
const MAX_FAILED_STARTS = 3;

/** What loading the model or one window takes at the very most. */
const LONGEST_STEP_MS = 3000;

/** A pair of usual length takes about 7 ms natively and 25 ms in WASM (2 cores, idle). */
const verifiableIn: Record<ModelRuntime, number> = { native: 3, wasm: 1 };

let nativeTaken = false;

class WorkerEmbedder implements MiniLmEmbedder {
  readonly fingerprint: string;
  readonly dimensions: number;
  readonly ready: Promise<void>;
  runtime: ModelRuntime | null = null;
  readonly #options: MiniLmOptions;
  readonly #facts: ModelFacts;
  readonly #jobs = new Map<string, Job>();
  readonly #verifierRequests = new VerifierRequests(message => this.#tell(message));
  #deadlineMs: number;
  readonly verify: PairVerifier = async (pairs, signal) => {
    if (this.#unusable) throw this.#unusable;
    if (this.#worker === null) this.#start();
    return this.#verifierRequests.ask(pairs, this.#deadlineMs, signal);
  };
  get verifiable(): number {
    return verifiableIn[this.runtime ?? 'wasm'];
  }
  #lastId = 0;
  #worker: Worker | null = null;
  #exited: Promise<void> = Promise.resolve();
  #failedStarts = 0;
  #unusable: SemcacheError | null = null;
  #settleReady: { resolve: () => void; reject: (error: unknown) => void };

  constructor(options: MiniLmOptions, facts: ModelFacts) {
    this.#options = options;
    this.#facts = facts;
    this.#deadlineMs = options.deadlineMs;
    this.dimensions = facts.dimensions;
    this.fingerprint =
      `${facts.name}@${facts.weightsSha256.slice(0, 12)}/mean/${facts.dimensions}/w${WINDOWS_VERSION}`;
    const ready = Promise.withResolvers<void>();
    ready.promise.catch(() => {});
    this.ready = ready.promise;
    this.#settleReady = ready;
    this.#start();
  }

  setDeadlineMs(deadlineMs: number): void {
    this.#deadlineMs = deadlineMs;
  }

  async embed(texts: string[], signal?: AbortSignal): Promise<Float32Array[]> {
    if (this.#unusable) throw this.#unusable;
    const jobs = texts.map(text => this.#join(text));
    try {
      const vectors = await withinDeadline(Promise.all(jobs.map(job => job.vector)), {
        deadlineMs: this.#deadlineMs,
        signal,
        timeoutText:
          `The local embedding model did not answer within ${this.#deadlineMs} ms, so the prompt goes to the model as if nothing ` +
          'were stored. If it happens often, raise semcache.embedding.deadlineMs.',
      });
      return vectors.map(vector => vector.slice());
    } finally {
      for (const job of jobs) this.#leave(job);
    }
  }

  async close(): Promise<void> {
    this.#fail(new SemcacheError('embedding-failed', 'The embedding model is closed; Semcache is shutting down.'));
    this.#tell({ kind: 'close' });
    await this.#exited;
  }

  /** The job of this text, new or already under way. */
  #join(text: string): Job {
    if (this.#worker === null) this.#start();
    let job = this.#jobs.get(text);
    if (!job) {
      const { promise, resolve, reject } = Promise.withResolvers<Float32Array>();
      promise.catch(() => {});
      job = { id: ++this.#lastId, text, users: 0, vector: promise, resolve, reject };
      this.#jobs.set(text, job);
      this.#tell({ kind: 'embed', id: job.id, text });
    }
    job.users++;
    return job;
  }

  #leave(job: Job): void {
    if (--job.users > 0 || this.#jobs.get(job.text) !== job) return;
    this.#jobs.delete(job.text);
    this.#tell({ kind: 'cancel', id: job.id });
  }

  #start(): void {
    const gate = new ExitGate();
    const shutGate = (): void => gate.shut(LONGEST_STEP_MS);
    process.once('exit', shutGate);
    const worker = (this.#options.startWorker ?? startWorker)({
      modelFolder: this.#options.modelFolder,
      verifierFolder: this.#options.verifierFolder ?? null,
      runtime: this.#allowedRuntime(),
      dimensions: this.#facts.dimensions,
      maxTokens: this.#facts.maxTokens,
      gate: gate.shared,
    });
    this.#worker = worker;
    let reason: unknown = null;
    worker.on('message', (message: FromModel) => this.#hear(message));
    worker.on('error', error => (reason = error));
    this.#exited = new Promise(resolve =>
      worker.once('exit', code => {
        process.off('exit', shutGate);
        this.#lost(reason ?? `exit code ${code}`);
        resolve();
      }),
    );
  }

  #allowedRuntime(): ModelRuntime | 'auto' {
    const wanted = this.#options.runtime ?? 'auto';
    if (wanted === 'wasm') return wanted;
    if (!nativeTaken) {
      nativeTaken = true;
      return wanted;
    }
    this.#options.onNotice?.(
      'The embedding model was started again in the same process and now runs on WebAssembly: the same results, about 5 times ' +
        'slower. Restart the daemon to have the native runtime back.',
    );
    return 'wasm';
  }

  #hear(message: FromModel): void {
    if (message.kind === 'ready') {
      this.#failedStarts = 0;
      this.runtime = message.runtime;
      if (message.notice !== null) this.#options.onNotice?.(message.notice);
      this.#settleReady.resolve();
    } else if (message.kind === 'unusable') {
      this.#fail(new SemcacheError(message.code, message.message));
    } else if (message.kind === 'logits' || message.kind === 'unverified') {
      this.#verifierRequests.hear(message);
    } else if (message.kind === 'vector') {
      this.#take(message.id)?.resolve(message.vector);
    } else {
      this.#take(message.id)?.reject(failed(message.message));
    }
  }

  #take(id: number): Job | undefined {
    for (const job of this.#jobs.values()) {
      if (job.id !== id) continue;
      this.#jobs.delete(job.text);
      return job;
    }
    return undefined;
  }

  /** The thread has gone: on request, or by a crash. */
  #lost(reason: unknown): void {
    const loaded = this.runtime !== null;
    this.#worker = null;
    this.runtime = null;
    if (this.#unusable) return;
    const error = failed(messageOf(reason), reason);
    this.#failedStarts = loaded ? 0 : this.#failedStarts + 1;
    if (this.#failedStarts >= MAX_FAILED_STARTS) return this.#fail(error);
    this.#rejectJobs(error);
    if (!loaded) this.#start();
  }

  /** From now on every call ends with this error. */
  #fail(error: SemcacheError): void {
    this.#unusable ??= error;
    this.#settleReady.reject(error);
    this.#rejectJobs(error);
  }

  #rejectJobs(error: SemcacheError): void {
    this.#verifierRequests.rejectAll(error);
    for (const job of this.#jobs.values()) job.reject(error);
    this.#jobs.clear();
  }

  #tell(message: ToModel): void {
    this.#worker?.postMessage(message);
  }
}

function startWorker(workerData: ModelWorkerData): Worker {
  const file = isBundled ? './modelWorker.cjs' : './modelWorker.ts';
  return new Worker(new URL(file, import.meta.url), { workerData, name: 'semcache-model', execArgv: [] });
}

function failed(reason: string, cause?: unknown): SemcacheError {
  return new SemcacheError(
    'embedding-failed',
    `The local embedding model failed (${reason}). Prompts go to the model as if nothing were stored until it is back; it is ` +
      'started again by itself.',
    cause,
  );
}
