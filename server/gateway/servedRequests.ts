// Which request each entry answered last, or was offered for, so that a person who only has the entry's id can judge it.
// Always true: kept in memory only, and bounded.

import type { ModelRequest } from '../protocol/prompt.ts';

const kept = 100;
/** Of their bodies; a request with pictures may be many megabytes. */
const keptBytes = 32 * 1024 * 1024;

export interface ServedRequest {
  request: ModelRequest;
  /** True where the entry was named beside a fresh answer. */
  offered: boolean;
  /** Of the body that it came in. */
  sizeBytes: number;
}

export class ServedRequests {
  readonly #requests = new Map<string, ServedRequest>();
  #bytes = 0;

  remember(entryId: string, served: ServedRequest): void {
    this.#forget(entryId);
    this.#requests.set(entryId, served);
    this.#bytes += served.sizeBytes;
    for (const oldest of this.#requests.keys()) {
      if (this.#requests.size <= kept && this.#bytes <= keptBytes) return;
      this.#forget(oldest);
    }
  }

  of(entryId: string): ServedRequest | undefined {
    return this.#requests.get(entryId);
  }

  #forget(entryId: string): void {
    this.#bytes -= this.#requests.get(entryId)?.sizeBytes ?? 0;
    this.#requests.delete(entryId);
  }
}
