// Pairs of questions of which the second is offered the first one's answer, and not served it.
// Always true: what is offered changes with every calibration, so the product's own cache says which of these pairs it is now.

import { promptFromRequest } from '../../server/cache/promptFromRequest.ts';
import { keysOf } from '../../server/cache/scope.ts';
import { SemanticCache } from '../../server/cache/semanticCache.ts';
import { bundledModelFolder, openMiniLmEmbedder } from '../../server/embedding/miniLmEmbedder.ts';
import { bundledVerifierFolder } from '../../server/embedding/pairVerifier.ts';
import type { Prompt } from '../../server/protocol/prompt.ts';
import type { CacheSettings } from '../../server/protocol/settings.ts';
import { MemoryStore } from '../../server/store/memoryStore.ts';
import { requestOf, type ContextItem } from '../quality/families.ts';

export interface NearPair {
  asked: string;
  reworded: string;
}

/** Questions without code: each pair about a thing of its own, the second in words from near to far. */
export const generalPairs: NearPair[] = [
  { asked: 'What is a closure in JavaScript?', reworded: 'Can you explain closures in JavaScript to me with an example?' },
  { asked: 'How do I sort a dictionary by value in Python?', reworded: 'Order a Python dict by its values' },
  { asked: 'How do I read a file line by line in Java?', reworded: 'What is the best way to loop over the lines of a file in Java?' },
  { asked: 'How do I exit vim?', reworded: 'How can I get out of vim?' },
  { asked: 'How do I delete a branch in git?', reworded: 'How can I remove a git branch?' },
  { asked: 'How do I round a number to two decimals in Rust?', reworded: 'Rust: round to 2 decimal places' },
  { asked: 'How do I check if a file exists in Bash?', reworded: 'Bash: test whether a file is there' },
  { asked: 'How do I center a div in CSS?', reworded: 'What is the easiest way to center a div with CSS?' },
  { asked: 'How do I find large files on Linux?', reworded: 'How do I list the biggest files on Linux?' },
  { asked: 'How do I make an HTTP request in Node?', reworded: 'How can I send an HTTP request from Node?' },
  { asked: 'What is the difference between a process and a thread?', reworded: 'Process or thread: how do they differ?' },
  { asked: 'How do I combine two arrays in PHP?', reworded: 'Merge two PHP arrays into one' },
];

/** Questions about code that is given with them. */
export const codePairs: NearPair[] = [
  { asked: 'Write a docstring for this function', reworded: 'Add a docstring to this function' },
  { asked: 'What does this function return?', reworded: 'Which value does this function give back?' },
  { asked: 'How can I make this faster?', reworded: 'What would speed this up?' },
  { asked: 'Write unit tests for this', reworded: 'Add some unit tests for this function' },
  { asked: 'Rename the variables so that they are clearer', reworded: 'Give the variables clearer names' },
  { asked: 'Which edge cases does this miss?', reworded: 'What edge cases are not handled here?' },
  { asked: 'Simplify this code', reworded: 'Make this code simpler' },
];

/** The first of `pairs` that are near hits with these settings, each in a cache of its own. @throws Error for fewer than `wanted` */
export async function nearPairs(wanted: number, pairs: NearPair[], settings: CacheSettings, context: ContextItem[] = []): Promise<NearPair[]> {
  const embedder = await openMiniLmEmbedder({ modelFolder: bundledModelFolder, verifierFolder: bundledVerifierFolder, deadlineMs: 60_000 });
  const promptOf = (prompt: string): Prompt => promptFromRequest(requestOf({ prompt, language: 'python', context }));
  const isNear = async ({ asked, reworded }: NearPair): Promise<boolean> => {
    const store = new MemoryStore({ now: Date.now, maxEntries: 1 });
    const cache = new SemanticCache({ store, embedder, now: Date.now });
    const prompt = promptOf(asked);
    const facts = { model: 'm', route: 'command', workspace: null, usage: null, upstreamMs: 0 } as const;
    await cache.keep({ prompt, keys: keysOf(prompt), vector: null, generations: [{ text: 'An answer.' }], facts, settings });
    const { decision } = await cache.find(promptOf(reworded), settings);
    return decision.status === 'miss' && decision.near !== undefined;
  };
  const found: NearPair[] = [];
  try {
    for (const pair of pairs) if (found.length < wanted && (await isNear(pair))) found.push(pair);
  } finally {
    await embedder.close();
  }
  if (found.length === wanted) return found;
  throw new Error(`Only ${found.length} of ${pairs.length} pairs are near hits now, ${wanted} are needed. Add pairs to test/editor/nearPairs.ts.`);
}
