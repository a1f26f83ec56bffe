// One instruction to its vector, as a lookup waits for it: one at a time, in the worker thread.

import { bundledModelFolder, openMiniLmEmbedder } from '../server/embedding/miniLmEmbedder.ts';
import { milliseconds, type Row } from './row.ts';

export async function benchEmbedding(): Promise<Row[]> {
  const embedder = await openMiniLmEmbedder({ modelFolder: bundledModelFolder, deadlineMs: 60_000 });
  try {
    await embedder.embed(['the first one loads the model']);
    const times: number[] = [];
    for (let index = 0; index < 200; index++) {
      const begun = performance.now();
      await embedder.embed([`How do I sort list number ${index} of dictionaries by the value of one key in Python?`]);
      times.push(performance.now() - begun);
    }
    return milliseconds(`embedding (${embedder.runtime})`, times, '200 different questions of 20 or so tokens, one after the other, the model loaded');
  } finally {
    await embedder.close();
  }
}
