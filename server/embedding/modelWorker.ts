// The worker thread in which the embedding model runs. Acts on load.
// Owns: tokens, windows, inference, pooling. Does not know: deadlines, who waits, what a vector is used for.
// Always true: one text an inference. The model's quantisation takes its scale from the whole input, so in a batch the vector of a
// text would depend on its neighbours (measured: distance up to 0.009); nor is a batch faster per text than 2x on 2 cores.

import { setImmediate } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import onnx from 'onnxruntime-common';
import type { InferenceSession } from 'onnxruntime-common';
import { isBundled } from '../protocol/build.ts';
import { messageOf, SemcacheError } from '../protocol/errors.ts';
import { ExitGate } from './exitGate.ts';
import { useLeanImports } from './leanImports.ts';
import { readChecked, readJson, TOKENIZER_CONFIG_FILE, TOKENIZER_FILE, WEIGHTS_FILE } from './modelFiles.ts';
import type { FromModel, ModelWorkerData, ToModel } from './modelMessages.ts';
import { openSession } from './onnxSession.ts';
import type { OpenedSession } from './onnxSession.ts';
import { windowsOf } from './tokenWindows.ts';
import { VerifierJobs } from './verifierJobs.ts';

interface Job {
  id: number;
  /** Windows still to be read, as token ids with the special tokens. */
  windows: number[][];
  /** Sum of the hidden states read so far: its direction is that of their mean. */
  sum: Float64Array;
}

interface Model extends OpenedSession {
  tokenize: (text: string) => number[];
}

const { modelFolder, verifierFolder, runtime, dimensions, maxTokens, gate: sharedGate } = workerData as ModelWorkerData;
const gate = new ExitGate(sharedGate);
const waiting: { id: number; text: string }[] = [];
const jobs = new Map<number, Job>();
const verifierJobs = new VerifierJobs();
let model: Model | null = null;
let working = false;
let closing = false;

parentPort!.on('message', (message: ToModel) => {
  if (message.kind === 'embed') waiting.push(message);
  if (message.kind === 'cancel') forget(message.id);
  if (message.kind === 'verify') verifierJobs.add(message);
  if (message.kind === 'forget-verify') verifierJobs.forget(message.id);
  if (message.kind === 'close') closing = true;
  void work();
});

void openModel().then(
  opened => {
    model = opened;
    tell({ kind: 'ready', runtime: opened.runtime, notice: opened.notice });
    return work();
  },
  (error: unknown) => {
    const code = error instanceof SemcacheError ? error.code : 'embedding-failed';
    tell({ kind: 'unusable', code, message: messageOf(error) });
    parentPort!.close();
  },
);

async function openModel(): Promise<Model> {
  const [weights, tokenizer, tokenizerConfig] = await Promise.all([
    readChecked(modelFolder, WEIGHTS_FILE),
    readChecked(modelFolder, TOKENIZER_FILE),
    readJson(modelFolder, TOKENIZER_CONFIG_FILE),
  ]);
  const opened = await gate.pass(() => openSession(weights, runtime));
  if (!isBundled) useLeanImports();
  // After openSession(): it brings onnxruntime-web, and the runtime that is imported first keeps the name 'cpu'.
  const { BertTokenizer, env } = await import('@xenova/transformers');
  env.allowRemoteModels = false;
  // The truncation and padding that tokenizer.json asks for are left aside by encode().
  const bert = new BertTokenizer(JSON.parse(tokenizer.toString('utf8')), tokenizerConfig);
  return { ...opened, tokenize: text => bert.encode(text) };
}

/** Window by window, the job with the fewest first, and between two windows an ear for messages. */
async function work(): Promise<void> {
  if (working || model === null) return;
  working = true;
  while (!closing && (waiting.length > 0 || jobs.size > 0 || verifierJobs.busy)) {
    for (const { id, text } of waiting.splice(0)) attempt(id, () => begin(model!, id, text));
    const job = shortest();
    if (job) await attempt(job.id, () => advance(model!, job));
    await verifierJobs.advance({ tokenize: model.tokenize, open: openVerifier, pass: step => gate.pass(step), tell });
    await setImmediate();
  }
  working = false;
  if (closing) parentPort!.close();
}

async function attempt(id: number, step: () => void | Promise<void>): Promise<void> {
  try {
    await step();
  } catch (error) {
    forget(id);
    tell({ kind: 'failed', id, message: messageOf(error) });
  }
}

function begin({ tokenize }: Model, id: number, text: string): void {
  const tokens = tokenize(text);
  const first = tokens[0]!;
  const last = tokens.at(-1)!;
  const windows = windowsOf(tokens.slice(1, -1), maxTokens - 2).map(window => [first, ...window, last]);
  jobs.set(id, { id, windows, sum: new Float64Array(dimensions) });
}

async function advance({ session }: Model, job: Job): Promise<void> {
  const window = job.windows.shift()!;
  const shape = [1, window.length];
  const input = {
    input_ids: new onnx.Tensor('int64', BigInt64Array.from(window, BigInt), shape),
    attention_mask: new onnx.Tensor('int64', new BigInt64Array(window.length).fill(1n), shape),
    token_type_ids: new onnx.Tensor('int64', new BigInt64Array(window.length), shape),
  };
  const output = await gate.pass(() => session.run(input));
  const states = output['last_hidden_state']!.data as Float32Array;
  for (let i = 0; i < states.length; i++) job.sum[i % dimensions]! += states[i]!;
  if (job.windows.length === 0 && jobs.delete(job.id)) {
    tell({ kind: 'vector', id: job.id, vector: unitLength(job.sum) });
  }
}

/** In the runtime that the embedding model has; only the notice of the slower one is not repeated. */
async function openVerifier(): Promise<InferenceSession> {
  if (verifierFolder === null) throw new Error('this build has no verifier');
  return (await openSession(await readChecked(verifierFolder, WEIGHTS_FILE), model!.runtime)).session;
}

function unitLength(sum: Float64Array): Float32Array<ArrayBuffer> {
  const norm = Math.hypot(...sum);
  return Float32Array.from(sum, value => value / norm);
}

function shortest(): Job | undefined {
  let found: Job | undefined;
  for (const job of jobs.values()) if (!found || job.windows.length < found.windows.length) found = job;
  return found;
}

function forget(id: number): void {
  jobs.delete(id);
  const index = waiting.findIndex(each => each.id === id);
  if (index >= 0) waiting.splice(index, 1);
}

function tell(message: FromModel): void {
  parentPort!.postMessage(message, message.kind === 'vector' ? [message.vector.buffer] : []);
}
