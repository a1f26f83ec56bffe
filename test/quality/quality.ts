// How often is an answer served, and how often is it the wrong one? Seeds and distractors go into a real cache, every variant
// is asked through the product's own lookup, at the settings that ship and at LangChain's rule. The last line is one JSON object.
//
// usage: npm run quality -- [--families FILE] [--distractors FILE] [--json] [--wasm] [--max-wrong-hit-rate 0.01] [--wrong]

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { defaultCacheSettings, type CacheSettings } from '../../server/protocol/settings.ts';
import { readLines, requestOf, type Distractor, type Family } from './families.ts';
import { figuresOf, type Outcome } from './figures.ts';
import { fillCache, type FilledCache } from './filledCache.ts';

const fixtures = fileURLToPath(new URL('../fixtures/quality/', import.meta.url));
const { values: options } = parseArgs({
  options: {
    families: { type: 'string', default: path.join(fixtures, 'editor-prompts.dev.jsonl') },
    distractors: { type: 'string', default: path.join(fixtures, 'distractors.dev.jsonl') },
    json: { type: 'boolean', default: false },
    wasm: { type: 'boolean', default: false },
    wrong: { type: 'boolean', default: false },
    'max-wrong-hit-rate': { type: 'string', default: String(defaultCacheSettings.maxWrongHitRate) },
  },
});

const say = (text: string): void => (options.json ? undefined : console.log(text));
const families = await readLines<Family>(options.families);
const distractors = await readLines<Distractor>(options.distractors);
say(`${families.length} families, ${distractors.length} distractors.`);
const cache = await fillCache({ families, distractors, runtime: options.wasm ? 'wasm' : 'auto' });
try {
  const verified: CacheSettings = { ...defaultCacheSettings, matching: 'verified', maxWrongHitRate: Number(options['max-wrong-hit-rate']) };
  const seedRule: CacheSettings = { ...defaultCacheSettings, matching: 'distance', scoreThreshold: 0.2 };
  await askAll(cache, families.slice(0, 5), verified); // loads what is loaded at first use
  const ours = await askAll(cache, families, verified);
  const theirs = await askAll(cache, families, seedRule);
  const result = {
    ...figuresOf(ours.outcomes),
    exactRepeats: await exactRepeats(cache, verified),
    lookupMs: { p50: percentile(ours.ms, 0.5), p95: percentile(ours.ms, 0.95) },
    distanceRule: figuresOf(theirs.outcomes),
  };
  if (options.wrong) sayWrong(ours.outcomes);
  if (!options.json) sayTable(result);
  console.log(JSON.stringify(result));
} finally {
  await cache.close();
}

async function askAll(filled: FilledCache, asked: Family[], settings: CacheSettings): Promise<{ outcomes: (Outcome & { asked: string })[]; ms: number[] }> {
  const outcomes: (Outcome & { asked: string })[] = [];
  const times: number[] = [];
  for (const family of asked) {
    for (const variant of family.variants) {
      const context = variant.context ?? family.seed.context ?? [];
      const request = requestOf({ prompt: variant.prompt, language: family.language, context, system: family.seed.system });
      const { served, found, ms } = await filled.ask(request, settings);
      const judged = found.verdict?.explanation ?? [];
      const best = [...judged].sort((a, b) => (b.probability ?? 0) - (a.probability ?? 0))[0];
      const probability = settings.matching === 'distance' ? 1 - Math.min(1, judged[0]?.distance ?? 1) : best?.probability ?? 0;
      outcomes.push({
        family: family.id, kind: variant.kind, label: variant.label, served, asked: variant.prompt,
        score: served !== null && probability === 0 ? 2 : probability,
        scoredOwn: served !== null ? served === family.id : best?.instruction.trim() === family.seed.prompt.trim(),
        offered: found.verdict?.near?.entry.generations[0]?.text ?? null,
      });
      times.push(ms);
    }
  }
  return { outcomes, ms: times };
}

/** The same prompt again must be a hit, whatever the settings. */
async function exactRepeats(filled: FilledCache, settings: CacheSettings): Promise<{ asked: number; hit: number }> {
  let hit = 0;
  for (const { language, seed } of families) {
    const { served } = await filled.ask(requestOf({ language, context: [], ...seed }), settings);
    if (served !== null) hit += 1;
  }
  return { asked: families.length, hit };
}

function percentile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round(10 * (sorted[Math.floor(share * (sorted.length - 1))] ?? 0)) / 10;
}

function sayWrong(outcomes: (Outcome & { asked: string })[]): void {
  for (const o of outcomes) {
    if (o.served === null || (o.label === 'same' && o.served === o.family)) continue;
    const stored = families.find(f => f.id === o.served)?.seed.prompt ?? distractors.find(d => d.id === o.served)?.prompt;
    say(`wrong (${o.kind}, ${o.score.toFixed(3)}): ${JSON.stringify(o.asked)} was answered with ${JSON.stringify(stored)}`);
  }
}

function sayTable(result: object): void {
  const { byKind } = result as { byKind: Record<string, { of: number; served: number; wrong: number }> };
  for (const [kind, { of, served, wrong }] of Object.entries(byKind)) say(`${kind.padEnd(30)} ${of} asked, ${served} served, ${wrong} wrong`);
}
