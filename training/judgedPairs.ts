// Asks the variants of labelled families through a real cache and writes how every candidate was judged: the input of calibrate.py.
// usage: node training/judgedPairs.ts OUT.jsonl [--verify]     (37,000 questions; 10 minutes on 2 idle cores, 15 with --verify)
//
// --verify adds what the verifier says of the candidates of the families that it was not trained on.

import { createWriteStream, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { align } from '../server/matching/alignment.ts';
import { differenceKeys } from '../server/matching/differences.ts';
import { verifiedFeatures } from '../server/matching/pairFeatures.ts';
import type { CandidateExplanation } from '../server/protocol/explanation.ts';
import { defaultCacheSettings, type CacheSettings } from '../server/protocol/settings.ts';
import { readLines, requestOf, type Distractor, type Family } from '../test/quality/families.ts';
import { fillCache, type FilledCache } from '../test/quality/filledCache.ts';

/** The same families as in families.py. */
const heldOutPart = 'part-13.jsonl';
const heldOutEvery = 10;

/** Nothing is served by meaning, so every candidate that no guard refuses is judged. */
const settings: CacheSettings = { ...defaultCacheSettings, matching: 'verified', maxWrongHitRate: 0 };

const { values: { verify }, positionals: [outFile] } = parseArgs({ allowPositionals: true, options: { verify: { type: 'boolean', default: false } } });
if (outFile === undefined) throw new Error('usage: node training/judgedPairs.ts OUT.jsonl [--verify]');
const fixtures = fileURLToPath(new URL('../test/fixtures/quality/', import.meta.url));
const data = fileURLToPath(new URL('data/', import.meta.url));
const distractors = await readLines<Distractor>(`${fixtures}distractors.dev.jsonl`);
const out = createWriteStream(outFile);

await judge('development', await readLines<Family>(`${fixtures}editor-prompts.dev.jsonl`), verify);
await judge('another author', await readLines<Family>(data + heldOutPart), verify);
const known: Family[] = [];
const training: Family[] = [];
for (const part of readdirSync(data).filter(name => name !== heldOutPart)) {
  (await readLines<Family>(data + part)).forEach((family, i) => (i % heldOutEvery === 5 ? known : training).push(family));
}
await judge('known authors', known, verify);
await judge('training', training, false);
out.end();

async function judge(set: string, families: Family[], verified: boolean): Promise<void> {
  const cache = await fillCache({ families, distractors, runtime: 'auto', wordsOnly: true });
  try {
    for (const family of families) {
      for (const variant of family.variants) {
        const context = variant.context ?? family.seed.context ?? [];
        const { found } = await cache.ask(requestOf({ prompt: variant.prompt, language: family.language, context, system: family.seed.system }), settings);
        const judged = found.verdict?.explanation ?? [];
        if (verified) await addLogits(cache, variant.prompt, judged.filter(({ features }) => features !== undefined));
        const candidates = judged.map(({ instruction, outcome, trivial, features }) => {
          const own = instruction.trim() === family.seed.prompt.trim();
          return { own, outcome, trivial, features, ...(own ? { words: differenceKeys(align(variant.prompt, instruction)) } : {}) };
        });
        out.write(`${JSON.stringify({ set, embedder: cache.fingerprint, verified, family: family.id, label: variant.label, kind: variant.kind, asked: variant.prompt, candidates })}\n`);
      }
    }
  } finally {
    await cache.close();
  }
}

/** Puts the logits into the features; the margins among those that are asked about follow in calibrate.py. */
async function addLogits(cache: FilledCache, asked: string, judged: CandidateExplanation[]): Promise<void> {
  if (judged.length === 0) return;
  const pairs = judged.flatMap(({ instruction }): [string, string][] => {
    const alignment = align(asked, instruction);
    return [[alignment.asked, alignment.stored], [alignment.stored, alignment.asked]];
  });
  const logits = await cache.verify(pairs);
  judged.forEach((each, at) => {
    each.features = verifiedFeatures(each.features!, [logits[2 * at]!, logits[2 * at + 1]!], 0);
  });
}
