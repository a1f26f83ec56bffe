// Answers through a model of the editor, by way of the window that asks, or one that lets other tools ask.
// Owns: turning the window's notifications back into one stream. Does not know: sockets; VS Code.

import { randomUUID } from 'node:crypto';
import type { Upstream, UpstreamPart } from '../protocol/answer.ts';
import { SemcacheError } from '../protocol/errors.ts';
import type { AnswerInEditorParams } from '../protocol/messages.ts';

/** What a session offers: its reverse request, and the parts that come for it. */
export interface EditorPort {
  /** Settles when the window is done; rejects if its model failed or the window is gone. */
  request(params: AnswerInEditorParams, signal: AbortSignal): Promise<void>;
  /** Parts of this call, in order. Returns what ends the listening. */
  onParts(callId: string, listener: (parts: UpstreamPart[]) => void): () => void;
}

/** `askId` is the window's ask; null where another tool asks, whose request then travels to the window. */
export function createEditorUpstream({ port, askId, model }: { port: EditorPort; askId: string | null; model: string }): Upstream {
  return {
    name: model,
    async *answer(request, signal): AsyncIterable<UpstreamPart> {
      const callId = randomUUID();
      const call: AnswerInEditorParams = askId === null ? { callId, askId: callId, model, request } : { callId, askId, model };
      const arrived: UpstreamPart[] = [];
      let wake = (): void => undefined;
      let settled: { error?: unknown } | null = null;
      const stop = port.onParts(callId, parts => {
        arrived.push(...parts);
        wake();
      });
      const abort = new AbortController();
      port.request(call, AbortSignal.any([signal, abort.signal])).then(
        () => {
          settled = {};
          wake();
        },
        (error: unknown) => {
          settled = { error };
          wake();
        },
      );
      try {
        for (;;) {
          for (let part = arrived.shift(); part !== undefined; part = arrived.shift()) {
            yield part;
            if (part.type === 'end') return;
          }
          if (settled !== null) throw asFailure(settled, signal, model);
          await new Promise<void>(resolve => {
            wake = resolve;
          });
        }
      } finally {
        stop();
        abort.abort();
      }
    },
  };
}

function asFailure(settled: { error?: unknown }, signal: AbortSignal, model: string): unknown {
  if (signal.aborted) return new SemcacheError('cancelled', 'The request was cancelled before its answer was complete.', settled.error);
  return settled.error ?? new SemcacheError('upstream-failed', `${model} gave no complete answer. Ask again, or choose another model.`);
}
