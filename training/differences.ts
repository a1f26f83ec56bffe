// Writes, for every pair of the training families, the words in which the texts differ: the input of differences.py.
// usage: node training/differences.ts > FILE     (one JSON array a line: [family, 1 same | 0 different, ...keys])

import { createReadStream, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { align } from '../server/matching/alignment.ts';
import { differenceKeys } from '../server/matching/differences.ts';

const folder = new URL('data/', import.meta.url);
/** The same families as in families.py. */
const heldOutPart = 'part-13';
const heldOutEvery = 10;

for (const part of readdirSync(folder)) {
  if (part === `${heldOutPart}.jsonl`) continue;
  let place = 0;
  for await (const line of createInterface({ input: createReadStream(new URL(part, folder)) })) {
    if (place++ % heldOutEvery === 5) continue;
    const family = JSON.parse(line);
    for (const variant of family.variants) {
      const keys = differenceKeys(align(variant.prompt, family.seed.prompt));
      console.log(JSON.stringify([family.id, variant.label === 'same' ? 1 : 0, ...keys]));
    }
  }
}
