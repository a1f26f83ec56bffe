// Does the local model do on this machine what it did when its vectors were measured?

import { bundledModelFolder, openMiniLmEmbedder } from '../embedding/miniLmEmbedder.ts';
import { SemcacheError } from '../protocol/errors.ts';

const sentence = 'how do I reverse a list in python';
/** First components of its vector, by the committed weights; equal on the native and the WASM runtime (Linux x64). */
const reference = [-0.0006, 0.0765, 0.072, 0.0095, -0.0426, -0.0712, 0.0317, -0.0229];
/** Runtimes round differently. */
const tolerance = 2e-3;

/** One line for people. @throws SemcacheError embedding-failed, model-file-damaged, embedding-timeout */
export async function checkModel(deadlineMs: number): Promise<string> {
  const notices: string[] = [];
  const embedder = await openMiniLmEmbedder({ modelFolder: bundledModelFolder, deadlineMs, onNotice: notice => notices.push(notice) });
  try {
    const startedAt = performance.now();
    const [vector] = await embedder.embed([sentence]);
    const farthest = Math.max(...reference.map((wanted, at) => Math.abs(wanted - (vector?.[at] ?? NaN))));
    if (!(farthest <= tolerance)) {
      throw new SemcacheError(
        'embedding-failed',
        `The model gives another vector than it should (off by ${farthest.toPrecision(2)}, at most ${tolerance} is rounding). ` +
          'Its answers would be compared wrongly: reinstall Semcache.',
      );
    }
    const took = Math.round(performance.now() - startedAt);
    return [`${embedder.fingerprint} on the ${embedder.runtime} runtime, loaded in ${took} ms, reference vector met`, ...notices].join('. ');
  } finally {
    await embedder.close();
  }
}
