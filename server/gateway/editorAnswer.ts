// The answer of a model of the editor, written as the API writes answers while it comes.
// Owns: when the head leaves, and how a failure looks before and after it.
// Does not know: windows; how events are written (liveChat, liveMessages, liveResponse).
// Always true: what is recorded is what the API's own recorder reads out of the events that a client is sent.

import type { ContentPart, Upstream, UpstreamPart, Usage, WirePart, WireUpstream } from '../protocol/answer.ts';
import { messageOf, SemcacheError } from '../protocol/errors.ts';
import type { ModelRequest } from '../protocol/prompt.ts';
import type { Api, Fresh, Json, LiveEvents, ServerEvent } from './api.ts';
import { recordedMessage } from './recorded.ts';
import { textOfEvents } from './reply.ts';

export interface EditorCall {
  api: Api & Required<Pick<Api, 'live'>>;
  body: Json;
  /** What the model is asked: the request as it came, and not what of it is compared. */
  question: ModelRequest;
  /** Who answers. @throws SemcacheError upstream-missing */
  upstream: () => Upstream;
  fresh: Omit<Fresh, 'usage'>;
}

export function createEditorAnswer({ api, body, question, upstream, fresh }: EditorCall): WireUpstream {
  const isStreamed = body['stream'] === true;
  return {
    name: question.model,
    async *answer(_compared, signal): AsyncIterable<UpstreamPart | WirePart> {
      const promptTokens = tokensIn(JSON.stringify([question.messages, question.tools]));
      // An answer in one piece is read out of the events, where its usage is one that is asked for.
      const live = api.live(isStreamed ? body : { ...body, stream_options: { include_usage: true } }, { ...fresh, promptTokens });
      const recorder = api.recorder();
      const said = (events: ServerEvent[]): WirePart[] => {
        for (const { data } of events) recorder.event(data);
        return isStreamed ? [{ type: 'wire', step: 'body', bytes: Buffer.from(textOfEvents(events)) }] : [];
      };
      const content: ContentPart[] = [];
      let begun = false;
      try {
        for await (const part of upstream().answer(question, signal)) {
          if (!begun) {
            begun = true;
            if (isStreamed) yield head('text/event-stream; charset=utf-8');
            yield* said(live.begin());
          }
          if (part.type !== 'end') {
            yield* said(live.part(writable(part)));
            content.push(part);
            continue;
          }
          const { finish } = part;
          if (finish !== 'stop' && finish !== 'tool-calls') throw incomplete(question.model);
          const completionTokens = tokensIn(content.map(piece => JSON.stringify(piece)).join(''));
          yield* asTerminal(said(live.end(finish, completionTokens)));
          const final = recorder.final();
          if (final === null) throw incomplete(question.model);
          if (!isStreamed) yield* whole(final);
          yield { type: 'wire', step: 'done' };
          yield* content;
          const usage: Usage = { promptTokens, completionTokens, estimated: true };
          yield { type: 'end', finish, usage, ...(part.model === undefined ? {} : { model: part.model }), message: recordedMessage(api, final) };
          return;
        }
        throw incomplete(question.model);
      } catch (error) {
        const failure = asFailure(error, question.model);
        if (!begun || !isStreamed || signal.aborted) throw failure;
        yield* broken(live, failure.message);
      }
    },
  };
}

/** The head has left: the failure is told as the API tells one in the middle of a stream, and nothing is stored. */
function* broken(live: LiveEvents, message: string): Iterable<UpstreamPart | WirePart> {
  yield { type: 'wire', step: 'body', bytes: Buffer.from(textOfEvents(live.error(message))) };
  yield { type: 'wire', step: 'done' };
  yield { type: 'end', finish: 'error' };
}

function head(contentType: string): WirePart {
  return { type: 'wire', step: 'head', status: 200, headers: [['content-type', contentType], ['cache-control', 'no-cache']] };
}

function* whole(final: Json): Iterable<WirePart> {
  yield head('application/json; charset=utf-8');
  yield { type: 'wire', step: 'body', bytes: Buffer.from(JSON.stringify(final)), terminal: true };
}

function asTerminal(parts: WirePart[]): WirePart[] {
  return parts.map(part => (part.type === 'wire' && part.step === 'body' ? { ...part, terminal: true } : part));
}

function writable(part: ContentPart): ContentPart & { type: 'text' | 'tool-call' } {
  if (part.type !== 'data') return part;
  throw new SemcacheError('upstream-failed', `The model answered with ${part.mimeType}, which cannot be written in this API. Ask it in the editor.`);
}

function incomplete(model: string): SemcacheError {
  return new SemcacheError('upstream-failed', `${model} gave no complete answer. Nothing was stored; ask again.`);
}

/** A window's own words reach us as the error of a remote call, without a code of ours. */
function asFailure(error: unknown, model: string): SemcacheError {
  if (error instanceof SemcacheError) return error;
  return new SemcacheError('upstream-failed', `${model}, a model of the editor, did not answer: ${messageOf(error)}`, error);
}

/** Four characters a token: the editor does not tell what its models counted. */
function tokensIn(text: string): number {
  return Math.ceil(text.length / 4);
}
