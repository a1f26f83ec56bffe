// Writes answers to a client: at the client's pace, and cut where they were cut.

import { once } from 'node:events';
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Json, ServerEvent } from './api.ts';

export function sendJson(response: ServerResponse, status: number, body: Json, headers: OutgoingHttpHeaders = {}): void {
  if (response.headersSent) return void response.destroy();
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { ...headers, 'content-type': 'application/json; charset=utf-8', 'content-length': bytes.length });
  response.end(bytes);
}

/** A whole stream at once: no known client needs it paced. */
export function sendEvents(response: ServerResponse, events: ServerEvent[], headers: OutgoingHttpHeaders): void {
  response.writeHead(200, { ...headers, 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  response.end(textOfEvents(events));
}

/** As they stand in a stream. */
export function textOfEvents(events: ServerEvent[]): string {
  return events.map(({ event, data }) => `${event === undefined ? '' : `event: ${event}\n`}data: ${data}\n\n`).join('');
}

/** A provider's status and headers, and ours beside them. They leave at once, before the first byte of the body. */
export function sendHead(
  response: ServerResponse,
  head: { status: number; headers: ReadonlyArray<readonly [string, string]> },
  ours: OutgoingHttpHeaders,
): void {
  const merged: string[] = [];
  for (const [name, value] of head.headers) merged.push(name, value);
  for (const [name, value] of Object.entries(ours)) merged.push(name, String(value));
  response.sendDate = !head.headers.some(([name]) => name.toLowerCase() === 'date');
  response.writeHead(head.status, merged);
  response.flushHeaders();
}

/** Resolves when the client can take more, or is gone. */
export async function sendBytes(response: ServerResponse, bytes: Uint8Array): Promise<void> {
  if (response.destroyed || response.write(bytes)) return;
  const gone = new AbortController();
  const onClose = (): void => gone.abort();
  response.once('close', onClose);
  try {
    await once(response, 'drain', { signal: gone.signal });
  } catch {
    // The client is gone; whoever reads for it learns that from its own signal.
  } finally {
    response.off('close', onClose);
  }
}
