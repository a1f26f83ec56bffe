// The gateway on a daemon's parts: what it is given of them, and nothing more.

import { openGateway, type Gateway, type GatewayOptions } from '../gateway/gateway.ts';
import type { Parts } from './parts.ts';

type OfParts = 'answerPrompt' | 'embed' | 'removeEntry' | 'wrongAnswer' | 'stats';

export function openGatewayOf(parts: Parts, options: Omit<GatewayOptions, OfParts>): Promise<Gateway> {
  return openGateway({
    answerPrompt: (ask, signal) => parts.answerPrompt(ask, signal),
    embed: (texts, signal) => parts.embedder.embed(texts, signal),
    removeEntry: async id => (await parts.clear({ ids: [id] })) > 0,
    wrongAnswer: (id, request) => parts.wrongAnswer(id, request),
    stats: () => parts.counters.stats(),
    ...options,
  });
}
