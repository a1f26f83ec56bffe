// A stored answer as a lookup sees it, for tests: only what matching reads is given, the rest is plausible filling.

import type { Candidate, ContextMark } from '../../../../server/protocol/entry.ts';

export function candidate(instruction: string, distance: number, options: { tombstoned?: boolean; disputes?: string[]; fingerprint?: string; context?: ContextMark[] } = {}): Candidate {
  return {
    distance,
    tombstoned: options.tombstoned ?? false,
    disputes: options.disputes ?? [],
    entry: {
      id: `id of ${instruction}`, scope: 'scope', llmString: 'model', instruction, instructionKey: `key of ${instruction}`, context: options.context ?? [],
      fingerprint: options.fingerprint ?? 'test', generations: [{ text: 'an answer' }], model: 'model', route: 'cli', workspace: null, usage: null,
      upstreamMs: 0, createdAt: 0, updatedAt: 0, expiresAt: 1,
    },
  };
}
