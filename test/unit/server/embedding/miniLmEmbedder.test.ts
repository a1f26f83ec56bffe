// The life of the worker thread: shared work, crashes, damaged files, exits.

import { execFile } from 'node:child_process';
import { appendFile, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test, vi } from 'vitest';
import { bundledModelFolder, openMiniLmEmbedder } from '../../../../server/embedding/miniLmEmbedder.ts';
import type { MiniLmEmbedder, MiniLmOptions } from '../../../../server/embedding/miniLmEmbedder.ts';
import type { ModelWorkerData, ToModel } from '../../../../server/embedding/modelMessages.ts';

// WASM reads a long text in seconds, and in many of them on a busy machine.
vi.setConfig({ testTimeout: 90_000 });

const workerFile = new URL('../../../../server/embedding/modelWorker.ts', import.meta.url);
const sentence = 'Every step of the pipeline can be retried on its own. ';
/** Three windows. */
const long = sentence.repeat(100);
/** More than any test waits for. */
const endless = sentence.repeat(1500);

async function open(options: Partial<MiniLmOptions> = {}): Promise<MiniLmEmbedder> {
  const embedder = await openMiniLmEmbedder({ modelFolder: bundledModelFolder, deadlineMs: 80_000, runtime: 'wasm', ...options });
  onTestFinished(() => embedder.close());
  return embedder;
}

/** The real worker, with the messages it was sent. */
function watchedWorkers(): { workers: Worker[]; sent: ToModel[]; startWorker: (data: ModelWorkerData) => Worker } {
  const workers: Worker[] = [];
  const sent: ToModel[] = [];
  return {
    workers,
    sent,
    startWorker(workerData) {
      const worker = new Worker(workerFile, { workerData });
      const post = worker.postMessage.bind(worker);
      worker.postMessage = (message: ToModel) => {
        sent.push(message);
        post(message);
      };
      workers.push(worker);
      return worker;
    },
  };
}

test('openMiniLmEmbedder() returns before the model is loaded, and embed() waits for it', async () => {
  const embedder = await open();
  expect(embedder.runtime).toBeNull();
  expect(await embedder.embed(['early'])).toHaveLength(1);
  expect(embedder.runtime).toBe('wasm');
});

test('embed() works once for callers who ask the same text at the same time', async () => {
  const { sent, startWorker } = watchedWorkers();
  const embedder = await open({ startWorker });
  await Promise.all([embedder.embed(['one', 'two', 'one']), embedder.embed(['two'])]);
  expect(sent.map(message => (message.kind === 'embed' ? message.text : message.kind))).toEqual(['one', 'two']);
});

test('embed() goes on for one caller when another who asked the same text is cancelled', async () => {
  const { sent, startWorker } = watchedWorkers();
  const embedder = await open({ startWorker });
  const caller = new AbortController();
  const leaves = embedder.embed([long], caller.signal);
  const stays = embedder.embed([long]);
  caller.abort();
  await expect(leaves).rejects.toMatchObject({ code: 'cancelled' });
  expect(await stays).toHaveLength(1);
  expect(sent.map(message => message.kind)).toEqual(['embed']);
});

test('embed() answers a short text while a long one is being read', async () => {
  const embedder = await open();
  await embedder.ready;
  const finished: string[] = [];
  const slow = embedder.embed([long]).then(() => finished.push('long'));
  await embedder.embed(['short']).then(() => finished.push('short'));
  await slow;
  expect(finished).toEqual(['short', 'long']);
});

test('embed() tells the thread to stop what nobody waits for', async () => {
  const { sent, startWorker } = watchedWorkers();
  const embedder = await open({ startWorker });
  await embedder.ready;
  embedder.setDeadlineMs(1);
  await expect(embedder.embed([endless])).rejects.toMatchObject({ code: 'embedding-timeout' });
  expect(sent.map(message => message.kind)).toEqual(['embed', 'cancel']);
});

test('a crashed thread fails the calls at hand and is replaced at the next', async () => {
  const { workers, startWorker } = watchedWorkers();
  const embedder = await open({ startWorker });
  const [before] = await embedder.embed(['turn on dark mode']);
  const call = embedder.embed([endless]);
  void workers[0]!.terminate();
  await expect(call).rejects.toMatchObject({ code: 'embedding-failed', message: expect.stringContaining('started again by itself') });
  expect((await embedder.embed(['turn on dark mode']))[0]).toEqual(before);
  expect(workers).toHaveLength(2);
});

test('a thread that dies three times while it loads is not started a fourth time', async () => {
  const starts: ModelWorkerData[] = [];
  const embedder = await open({
    startWorker(workerData) {
      starts.push(workerData);
      return new Worker('process.exit(3)', { eval: true });
    },
  });
  await expect(embedder.ready).rejects.toMatchObject({ code: 'embedding-failed' });
  await expect(embedder.embed(['x'])).rejects.toMatchObject({ code: 'embedding-failed' });
  expect(starts).toHaveLength(3);
});

test('in one process the native runtime is loaded once; a later thread runs on WASM and says so', async () => {
  const notices: string[] = [];
  const first = await open({ runtime: 'auto', onNotice: notice => notices.push(notice) });
  const [native] = await first.embed(['turn on dark mode']);
  expect([first.runtime, notices]).toEqual(['native', []]);
  await first.close();
  const second = await open({ runtime: 'auto', onNotice: notice => notices.push(notice) });
  const [wasm] = await second.embed(['turn on dark mode']);
  expect([second.runtime, notices]).toEqual(['wasm', [expect.stringContaining('Restart the daemon')]]);
  expect(native!.every((value, i) => Math.abs(value - wasm![i]!) < 1e-3)).toBe(true);
});

async function damagedCopy(damage: (folder: string) => Promise<void>): Promise<string> {
  const parent = await mkdtemp(path.join(tmpdir(), 'semcache-model-'));
  onTestFinished(() => rm(parent, { recursive: true }));
  const folder = path.join(parent, 'all-MiniLM-L6-v2');
  await cp(bundledModelFolder, folder, { recursive: true });
  await damage(folder);
  return folder;
}

test.each([
  { what: 'the weights have one byte too many', file: 'onnx/model_quantized.onnx', damage: (file: string) => appendFile(file, 'x') },
  { what: 'the tokenizer is another', file: 'tokenizer.json', damage: (file: string) => writeFile(file, '{}') },
  { what: 'the weights are missing', file: 'onnx/model_quantized.onnx', damage: (file: string) => rm(file) },
  { what: 'the tokenizer settings are not JSON', file: 'tokenizer_config.json', damage: (file: string) => writeFile(file, '{') },
])('embed() and ready say that the model is damaged when $what', async ({ file, damage }) => {
  const modelFolder = await damagedCopy(folder => damage(path.join(folder, file)));
  const embedder = await open({ modelFolder });
  const wanted = { code: 'model-file-damaged', message: expect.stringMatching(new RegExp(`${file}.*Install Semcache again`)) };
  await expect(embedder.embed(['x'])).rejects.toMatchObject(wanted);
  await expect(embedder.ready).rejects.toMatchObject(wanted);
  await expect(embedder.embed(['y'])).rejects.toMatchObject(wanted);
});

test.each([
  { what: 'is empty', damage: (folder: string) => rm(folder, { recursive: true }) },
  { what: 'has no checksum of the weights', damage: (folder: string) => writeFile(path.join(folder, 'checksums.json'), '{}') },
  { what: 'does not say its dimensions', damage: (folder: string) => writeFile(path.join(folder, 'config.json'), '{}') },
])('openMiniLmEmbedder() says that the model is damaged when its folder $what', async ({ damage }) => {
  const modelFolder = await damagedCopy(damage);
  await expect(open({ modelFolder })).rejects.toMatchObject({ code: 'model-file-damaged' });
});

test.each(['process.exit(0)', 'await embedder.close(); process.exit(0)', 'await embedder.close()', 'setTimeout(() => process.exit(0), 40)'])(
  'a process in the midst of native inference ends cleanly with %s',
  async ending => {
    const folder = await mkdtemp(path.join(tmpdir(), 'semcache-exit-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const script = path.join(folder, 'exit.mjs');
    await writeFile(
      script,
      `const { openMiniLmEmbedder, bundledModelFolder } = await import(${JSON.stringify(embedderFile)});
      const embedder = await openMiniLmEmbedder({ modelFolder: bundledModelFolder, deadlineMs: 20000, runtime: 'native' });
      embedder.embed([${JSON.stringify(endless)}]).catch(() => {});
      await embedder.embed(['begun']);
      ${ending}`,
    );
    for (let run = 0; run < 3; run++) expect(await exitOf(script)).toEqual({ code: 0, signal: null });
  },
);

const embedderFile = new URL('../../../../server/embedding/miniLmEmbedder.ts', import.meta.url).href;

function exitOf(script: string): Promise<{ code: number | null; signal: string | null }> {
  return new Promise(resolve => {
    execFile(process.execPath, [script]).once('exit', (code, signal) => resolve({ code, signal }));
  });
}
