// Asks in progress: from one request and many notifications to one stream, and the way back to the editor's model.
// Owns: which parts belong to which ask, cancelling, and whose error is told.
// Does not know: reconnecting (connection.ts); VS Code.
// Always true: a stream ends with its request, after all parts that came before.

import {
  CancellationTokenSource,
  ResponseError,
  type CancellationToken,
  type MessageConnection,
} from 'vscode-languageserver-protocol/node';
import type { AnswerPart, UpstreamPart } from '../../server/protocol/answer.ts';
import { messageOf, SemcacheError } from '../../server/protocol/errors.ts';
import {
  answerInEditorRequest,
  answerParts,
  completeRequest,
  editorParts,
  type AnswerInEditorParams,
  type CompleteParams,
} from '../../server/protocol/messages.ts';
import type { ModelRequest } from '../../server/protocol/prompt.ts';
import { semcacheErrorOf } from './launcher.ts';
import { PartQueue } from './partQueue.ts';

/** Answers a miss with a model of the editor, for the daemon. Throws what the model threw. */
export type AnswerInEditor = (model: string, signal: AbortSignal) => AsyncIterable<UpstreamPart>;

/** Answers another tool's request with a model of the editor. Throws what the model threw, or why it may not be asked. */
export type AnswerForTools = (model: string, request: ModelRequest, signal: AbortSignal) => AsyncIterable<UpstreamPart>;

/** One ask that the daemon is answering. */
interface RunningAsk {
  parts: PartQueue<AnswerPart>;
  answerInEditor: AnswerInEditor | undefined;
  /** What the editor's model threw: told to the caller as it was, not as it came back over the wire. */
  editorError?: { error: unknown };
}

export class Asks {
  readonly #running = new Map<string, RunningAsk>();
  readonly #answerForTools: AnswerForTools | undefined;

  /** Without `answerForTools` no other tool is answered. */
  constructor(answerForTools?: AnswerForTools) {
    this.#answerForTools = answerForTools;
  }

  /** Takes what the daemon sends about asks over this connection. */
  listen(connection: MessageConnection): void {
    connection.onNotification(answerParts, ({ askId, parts }) => this.#running.get(askId)?.parts.push(parts));
    connection.onRequest(answerInEditorRequest, (call, token) => this.#answerInEditor(connection, call, token));
  }

  async *run(
    connection: MessageConnection,
    params: CompleteParams,
    signal: AbortSignal,
    answerInEditor: AnswerInEditor | undefined,
  ): AsyncIterable<AnswerPart> {
    if (signal.aborted) throw cancelled();
    const { askId } = params;
    const running: RunningAsk = { parts: new PartQueue(), answerInEditor };
    const cancel = new CancellationTokenSource();
    const onAbort = (): void => {
      cancel.cancel();
      running.parts.fail(cancelled());
    };
    this.#running.set(askId, running);
    signal.addEventListener('abort', onAbort);
    sent(() => connection.sendRequest(completeRequest, params, cancel.token)).then(
      () => running.parts.end(),
      (error: unknown) => running.parts.fail(running.editorError === undefined ? asDaemonError(error) : running.editorError.error),
    );
    try {
      yield* running.parts;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#running.delete(askId);
      // A reader that left early wants no more of it; when it is over this says nothing.
      cancel.cancel();
    }
  }

  /** The daemon asks this window's model. Parts that come in one turn travel together. */
  async #answerInEditor(connection: MessageConnection, call: AnswerInEditorParams, token: CancellationToken): Promise<void> {
    const running = this.#running.get(call.askId);
    const answer = this.#answererOf(call, running);
    if (answer === null) throw new ResponseError(0, 'This window can no longer answer: its question was withdrawn.', { code: 'cancelled' });
    const abort = new AbortController();
    token.onCancellationRequested(() => abort.abort());
    let waiting: UpstreamPart[] = [];
    const send = (): void => {
      if (waiting.length === 0) return;
      const parts = waiting;
      waiting = [];
      sent(() => connection.sendNotification(editorParts, { callId: call.callId, parts })).catch(() => undefined);
    };
    try {
      for await (const part of answer(abort.signal)) {
        if (waiting.length === 0) setImmediate(send);
        waiting.push(part);
      }
    } catch (error) {
      if (running !== undefined) running.editorError = { error };
      throw new ResponseError(0, messageOf(error), { code: 'upstream-failed' });
    } finally {
      send();
    }
  }

  #answererOf({ model, request }: AnswerInEditorParams, running: RunningAsk | undefined): ((signal: AbortSignal) => AsyncIterable<UpstreamPart>) | null {
    const forTools = this.#answerForTools;
    if (request !== undefined) return forTools === undefined ? null : signal => forTools(model, request, signal);
    const inEditor = running?.answerInEditor;
    return inEditor === undefined ? null : signal => inEditor(model, signal);
  }
}

/** What is sent over a connection that has just closed fails like any other, and not by a throw. */
export async function sent<T>(send: () => Promise<T>): Promise<T> {
  return send();
}

/** With the daemon's code; a connection that broke under a request is a daemon that is not there. */
export function asDaemonError(error: unknown): unknown {
  const known = semcacheErrorOf(error);
  return known instanceof SemcacheError ? known : unreachable(messageOf(error), error);
}

export function unreachable(why: string | null, cause?: unknown): SemcacheError {
  return new SemcacheError(
    'daemon-unreachable',
    `The Semcache daemon is not there${why === null ? '' : ` (${why})`}. Prompts go straight to the model until it is back. ` +
      'Run "Semcache: Restart Daemon", or see its log.',
    cause,
  );
}

export function cancelled(): SemcacheError {
  return new SemcacheError('cancelled', 'The request was cancelled before its answer was complete.');
}
