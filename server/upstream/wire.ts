// One provider's wire format: what httpUpstream.ts needs to know of it.

import type { UpstreamPart } from '../protocol/answer.ts';
import type { HttpUpstreamConfig } from '../protocol/messages.ts';
import type { ModelRequest } from '../protocol/prompt.ts';

export interface Wire {
  /** Below /v1. */
  path: string;
  headers(config: HttpUpstreamConfig): Record<string, string>;
  body(request: ModelRequest): unknown;
  reader(): WireReader;
}

/** Reads one answer. */
export interface WireReader {
  /** One event's data in, parts out; the end among them once the provider has said it. Throws for an error in the stream. */
  read(data: string): UpstreamPart[];
  /** The stream was closed without that: the last parts if the answer is complete all the same, else null. */
  close(): UpstreamPart[] | null;
}
