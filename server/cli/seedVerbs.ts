// The verbs on LangChain's own layout in Redis: `--layout langchain`. Prompt and llm_string are taken as LangChain would.
// Owns: what is printed. Does not know: keys and indexes (langchain/).

import { bundledModelFolder, openMiniLmEmbedder } from '../embedding/miniLmEmbedder.ts';
import { checked, updateParams } from '../daemon/checkedParams.ts';
import { SeedCache } from '../langchain/seedCache.ts';
import { SemcacheError } from '../protocol/errors.ts';
import type { CommandIo } from './commandIo.ts';
import { chosenStore } from './storeOption.ts';
import { generationsFrom, printResult, type CommonOptions } from './verbs.ts';

/** The model is loaded for one question here. */
const embeddingDeadlineMs = 60_000;

export function isSeed({ layout }: CommonOptions): boolean {
  return layout === 'langchain';
}

/** @throws bad-request for a verb that LangChain's layout has nothing for */
export function notSeed<T extends CommonOptions>(options: T, verb: string): T {
  if (!isSeed(options)) return options;
  throw new SemcacheError(
    'bad-request',
    `${verb} has nothing to work on in LangChain's layout, which holds answers and no more. ` +
      'Use lookup, update, clear and list with it, import --from langchain and export --to langchain.',
  );
}

export async function seedLookup(
  options: CommonOptions & { prompt: string; llmString: string; threshold?: number },
  io: CommandIo,
): Promise<number> {
  const hit = await withSeedCache(options, io, cache => cache.lookup(options.prompt, options.llmString));
  const result = { status: hit === null ? 'miss' : 'hit', distance: hit?.distance ?? null, generations: hit?.generations ?? [] };
  const why = hit === null ? 'Nothing like it is stored for this llm_string within the threshold.' : `Stored for: ${hit.prompt}`;
  return printResult(options, io, result, [`${result.status}: ${why}`, ...result.generations.map(({ text }) => text)].join('\n'));
}

export async function seedUpdate(
  options: CommonOptions & { prompt: string; llmString: string; answer?: string; generations?: string },
  io: CommandIo,
): Promise<number> {
  const { prompt, llmString } = options;
  const { generations } = checked(updateParams, { prompt, llmString, generations: generationsFrom(options) }, 'update');
  await withSeedCache(options, io, cache => cache.update(prompt, llmString, generations));
  return printResult(options, io, { stored: true }, 'Stored.');
}

export async function seedClear(options: CommonOptions & { llmString?: string; all?: boolean }, io: CommandIo): Promise<number> {
  const { llmString } = options;
  if (llmString === undefined) {
    throw new SemcacheError('bad-request', 'LangChain\'s layout is cleared by llm_string: give --llm-string <text>. Nothing was removed.');
  }
  const removed = await withSeedCache(options, io, cache => cache.clear(llmString));
  return printResult(options, io, { removed }, `Removed ${removed} stored answers.`);
}

export async function seedList(options: CommonOptions & { llmString?: string; limit: number; offset: number }, io: CommandIo): Promise<number> {
  const entries = await withSeedCache(options, io, async cache => {
    const found = [];
    for await (const { key, prompt, llmString, generations } of cache.entries()) {
      if (options.llmString !== undefined && options.llmString !== llmString) continue;
      found.push({ key, prompt, llmString, preview: generations[0]?.text ?? '' });
    }
    return found;
  });
  const shown = entries.slice(options.offset, options.offset + options.limit);
  const lines = shown.map(({ key, llmString, prompt }) => `${key}  ${llmString}  ${prompt.replaceAll('\n', ' ')}`);
  return printResult(options, io, { total: entries.length, entries: shown }, [...lines, `${shown.length} of ${entries.length} stored answers.`].join('\n'));
}

async function withSeedCache<T>(options: CommonOptions & { threshold?: number }, io: CommandIo, work: (cache: SeedCache) => Promise<T>): Promise<T> {
  const { store } = chosenStore(options, io.env);
  if (store === undefined) throw new SemcacheError('bad-request', '--layout langchain needs --store redis://…: LangChain\'s layout is one of Redis.');
  const embedder = await openMiniLmEmbedder({ modelFolder: bundledModelFolder, deadlineMs: embeddingDeadlineMs });
  const cache = new SeedCache({
    target: { url: store.url, ...(store.password === undefined ? {} : { password: store.password }) },
    embed: async text => (await embedder.embed([text]))[0]!,
    ...(options.threshold === undefined ? {} : { scoreThreshold: options.threshold }),
    warn: text => io.stderr.write(`semcache: ${text}\n`),
  });
  try {
    return await work(cache);
  } finally {
    cache.close();
    await embedder.close();
  }
}
