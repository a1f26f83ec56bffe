// Asks the variants of labelled families through a real cache and writes how every candidate was judged: the input of calibrate.py.
// usage: node training/judgedPairs.ts OUT.jsonl     (37,000 questions; 10 minutes on 2 idle cores)

import { createWriteStream, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { align } from '../server/matching/alignment.ts';
import { differenceKeys } from '../server/matching/differences.ts';
import { defaultCacheSettings, type CacheSettings } from '../server/protocol/settings.ts';
import { readLines, requestOf, type Distractor, type Family } from '../test/quality/families.ts';
import { fillCache } from '../test/quality/filledCache.ts';

/** The same families as in families.py. */
const heldOutPart = 'part-13.jsonl';
const heldOutEvery = 10;

/** Nothing is served by meaning, so every candidate that no guard refuses is judged. */
const settings: CacheSettings = { ...defaultCacheSettings, matching: 'verified', maxWrongHitRate: 0 };

const [outFile] = process.argv.slice(2);
if (outFile === undefined) throw new Error('usage: node training/judgedPairs.ts OUT.jsonl');
const fixtures = fileURLToPath(new URL('../test/fixtures/quality/', import.meta.url));
const data = fileURLToPath(new URL('data/', import.meta.url));
const distractors = await readLines<Distractor>(`${fixtures}distractors.dev.jsonl`);
const out = createWriteStream(outFile);

await judge('development', await readLines<Family>(`${fixtures}editor-prompts.dev.jsonl`));
await judge('another author', await readLines<Family>(data + heldOutPart));
const known: Family[] = [];
const training: Family[] = [];
for (const part of readdirSync(data).filter(name => name !== heldOutPart)) {
  (await readLines<Family>(data + part)).forEach((family, i) => (i % heldOutEvery === 5 ? known : training).push(family));
}
await judge('known authors', known);
await judge('training', training);
out.end();

async function judge(set: string, families: Family[]): Promise<void> {
  const cache = await fillCache({ families, distractors, runtime: 'auto' });
  try {
    for (const family of families) {
      for (const variant of family.variants) {
        const context = variant.context ?? family.seed.context ?? [];
        const { found } = await cache.ask(requestOf({ prompt: variant.prompt, language: family.language, context, system: family.seed.system }), settings);
        const candidates = (found.verdict?.explanation ?? []).map(({ instruction, outcome, trivial, features }) => {
          const own = instruction.trim() === family.seed.prompt.trim();
          return { own, outcome, trivial, features, ...(own ? { words: differenceKeys(align(variant.prompt, instruction)) } : {}) };
        });
        out.write(`${JSON.stringify({ set, embedder: cache.fingerprint, family: family.id, label: variant.label, kind: variant.kind, asked: variant.prompt, candidates })}\n`);
      }
    }
  } finally {
    await cache.close();
  }
}
