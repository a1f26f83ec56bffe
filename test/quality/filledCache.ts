// A real cache (SQLite in a folder of its own, the local models) that holds seeds and distractors, and what it answers.
// Does not know: labels, figures.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promptFromRequest } from '../../server/cache/promptFromRequest.ts';
import { keysOf } from '../../server/cache/scope.ts';
import { SemanticCache, type Found } from '../../server/cache/semanticCache.ts';
import type { Embedder } from '../../server/embedding/embedder.ts';
import { bundledModelFolder, openMiniLmEmbedder } from '../../server/embedding/miniLmEmbedder.ts';
import type { ModelRuntime } from '../../server/embedding/modelMessages.ts';
import { bundledVerifierFolder, type PairVerifier } from '../../server/embedding/pairVerifier.ts';
import type { ModelRequest } from '../../server/protocol/prompt.ts';
import { defaultCacheSettings, type CacheSettings } from '../../server/protocol/settings.ts';
import { openSqliteStore } from '../../server/store/sqliteStore.ts';
import { requestOf, type Distractor, type Family } from './families.ts';

export interface FilledCache {
  /** Null: a miss; else the id of the family or distractor whose answer was served. */
  ask(request: ModelRequest, settings: CacheSettings): Promise<{ served: string | null; found: Found; ms: number }>;
  /** Logits of pairs, as the decision would be told them. */
  verify: PairVerifier;
  /** Of the embedder. */
  readonly fingerprint: string;
  close(): Promise<void>;
}

export interface FillOptions {
  families: Family[];
  distractors: Distractor[];
  runtime: ModelRuntime | 'auto';
  /** The cache decides by words alone. */
  wordsOnly?: boolean;
}

/** Two seeds with the same text and context are one entry; its answer is then that of the first. */
export async function fillCache({ families, distractors, runtime, wordsOnly = false }: FillOptions): Promise<FilledCache> {
  const folder = await mkdtemp(path.join(tmpdir(), 'semcache-quality-'));
  const store = openSqliteStore(path.join(folder, 'cache.db'), { now: Date.now, maxEntries: 1_000_000 });
  const embedder = await openMiniLmEmbedder({
    modelFolder: bundledModelFolder, verifierFolder: bundledVerifierFolder, deadlineMs: 60_000, runtime,
  });
  const { fingerprint, dimensions } = embedder;
  const withoutVerifier: Embedder = { fingerprint, dimensions, embed: (texts, signal) => embedder.embed(texts, signal), close: async () => undefined };
  const cache = new SemanticCache({ store, embedder: wordsOnly ? withoutVerifier : embedder, now: Date.now });
  const entries = [
    ...families.map(f => ({ id: f.id, request: requestOf({ language: f.language, context: [], ...f.seed }) })),
    ...distractors.map(d => ({ id: d.id, request: requestOf({ ...d, context: [] }) })),
  ];
  const stored = new Set<string>();
  for (const { id, request } of entries) {
    const prompt = promptFromRequest(request);
    const keys = keysOf(prompt);
    if (stored.has(keys.entryId)) continue;
    stored.add(keys.entryId);
    const facts = { model: 'quality', route: 'cli', workspace: null, usage: null, upstreamMs: 0 } as const;
    await cache.keep({ prompt, keys, vector: null, generations: [{ text: id }], facts, settings: defaultCacheSettings });
  }
  return {
    fingerprint,
    verify: embedder.verify,
    async ask(request, settings) {
      const began = performance.now();
      const found = await cache.find(promptFromRequest(request), settings);
      return { served: found.entry?.generations[0]?.text ?? null, found, ms: performance.now() - began };
    },
    async close() {
      await Promise.allSettled([store.close(), embedder.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
