// An upstream whose answers a test writes. Counts what was asked of it and what was cancelled.

import type { Upstream, UpstreamPart } from '../../server/protocol/answer.ts';
import type { ModelRequest } from '../../server/protocol/prompt.ts';

/** A part to yield, a promise to wait for, or an error to throw. */
export type Step = UpstreamPart | Promise<unknown> | Error;

export class ScriptedUpstream implements Upstream {
  readonly name = 'scripted model';
  readonly asked: ModelRequest[] = [];
  cancelled = 0;
  readonly #script: (request: ModelRequest) => Step[];

  constructor(script: (request: ModelRequest) => Step[]) {
    this.#script = script;
  }

  async *answer(request: ModelRequest, signal: AbortSignal): AsyncIterable<UpstreamPart> {
    this.asked.push(request);
    let whole = false;
    try {
      for (const step of this.#script(request)) {
        if (step instanceof Error) throw step;
        if (step instanceof Promise) await Promise.race([step, aborted(signal)]);
        else yield step;
      }
      whole = true;
    } finally {
      if (!whole && signal.aborted) this.cancelled += 1;
    }
  }
}

/** "text" as one whole answer. */
export function answering(text: string): Step[] {
  return [{ type: 'text', text }, { type: 'end', finish: 'stop' }];
}

/** A request of one user message. */
export function asking(text: string, more: Partial<ModelRequest> = {}): ModelRequest {
  return { model: 'm', parameters: {}, messages: [{ role: 'user', parts: [{ type: 'text', text }] }], tools: [], ...more };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(new Error('aborted'));
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
  });
}
