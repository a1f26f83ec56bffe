// A provider's answer as the cache sees it: its bytes for the client, and what they say for the store.
// Owns: recording a passing answer. Does not know: what is stored, and where.
// Always true: what cannot be understood still reaches the client, and ends as something that is never stored.

import { createParser } from 'eventsource-parser';
import type { EndPart, UpstreamPart, WirePart, WireUpstream } from '../protocol/answer.ts';
import { isJson, type Api, type Json } from './api.ts';
import { callProvider, type ProviderAnswer, type ProviderCall } from './providerCall.ts';
import { recordedMessage } from './recorded.ts';

/** A longer answer passes by unrecorded. */
const maxRecordedBytes = 16 * 1024 * 1024;
/** A provider that keeps its connection open after the event that ends the answer is not waited for longer. */
const afterTerminalMs = 2000;

export function createProviderUpstream(api: Api, call: ProviderCall): WireUpstream {
  return {
    name: call.provider,
    async *answer(_request, signal): AsyncIterable<UpstreamPart | WirePart> {
      const ended = new AbortController();
      const answer = await callProvider(call, AbortSignal.any([signal, ended.signal]));
      const recording = recordingOf(api, answer);
      yield { type: 'wire', step: 'head', status: answer.status, headers: answer.headers };
      let timer: NodeJS.Timeout | null = null;
      try {
        for await (const bytes of answer.body) {
          const terminal = recording.read(bytes);
          if (terminal) timer ??= setTimeout(() => ended.abort(), afterTerminalMs);
          yield { type: 'wire', step: 'body', bytes, ...(terminal ? { terminal } : {}) };
        }
      } catch (error) {
        if (signal.aborted || !ended.signal.aborted) throw error;
      } finally {
        if (timer !== null) clearTimeout(timer);
      }
      yield { type: 'wire', step: 'done' };
      yield* endOf(api, recording);
    },
  };
}

/** What the cache gets once the bytes are through. */
function* endOf(api: Api, recording: Recording): Iterable<UpstreamPart> {
  const final = recording.final();
  if (final === null) {
    const end: EndPart = { type: 'end', finish: recording.ok ? 'unknown' : 'error' };
    return yield end;
  }
  const { content, ...end } = api.finished(final);
  yield* content;
  yield { type: 'end', ...end, message: recordedMessage(api, final) };
}

interface Recording {
  /** False for an answer that is an error, or in a form that is not read. */
  readonly ok: boolean;
  /** True when these bytes end a whole answer. */
  read(bytes: Uint8Array): boolean;
  final(): Json | null;
}

function recordingOf(api: Api, { status, headers }: ProviderAnswer): Recording {
  const header = (name: string): string => headers.find(([key]) => key.toLowerCase() === name)?.[1].toLowerCase() ?? '';
  const encoded = !['', 'identity'].includes(header('content-encoding'));
  if (status !== 200 || encoded) return { ok: false, read: () => false, final: () => null };
  return header('content-type').startsWith('text/event-stream') ? eventRecording(api) : jsonRecording();
}

function eventRecording(api: Api): Recording {
  const recorder = api.recorder();
  const decoder = new TextDecoder();
  let bytesRead = 0;
  let terminal = false;
  let failed = false;
  const parser = createParser({
    onEvent: ({ data }) => {
      if (failed || terminal) return;
      try {
        terminal = recorder.event(data);
      } catch {
        failed = true;
      }
    },
  });
  return {
    ok: true,
    read(bytes) {
      bytesRead += bytes.length;
      if (bytesRead > maxRecordedBytes) failed = true;
      if (!failed) parser.feed(decoder.decode(bytes, { stream: true }));
      return terminal;
    },
    final: () => (failed || !terminal ? null : recorder.final()),
  };
}

function jsonRecording(): Recording {
  const chunks: Uint8Array[] = [];
  let bytesRead = 0;
  return {
    ok: true,
    read(bytes) {
      bytesRead += bytes.length;
      if (bytesRead > maxRecordedBytes) chunks.length = 0;
      else chunks.push(bytes);
      return false;
    },
    final() {
      try {
        const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
        return isJson(value) ? value : null;
      } catch {
        return null;
      }
    },
  };
}
