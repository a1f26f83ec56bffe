// Which request each entry answered last, or was offered for, so that a person who only has the entry's id can judge it.
// Always true: kept in memory only, and bounded.

import type { ModelRequest } from '../protocol/prompt.ts';

const kept = 100;

export interface ServedRequest {
  request: ModelRequest;
  /** True where the entry was named beside a fresh answer. */
  offered: boolean;
}

export class ServedRequests {
  readonly #requests = new Map<string, ServedRequest>();

  remember(entryId: string, served: ServedRequest): void {
    this.#requests.delete(entryId);
    this.#requests.set(entryId, served);
    if (this.#requests.size > kept) this.#requests.delete(this.#requests.keys().next().value!);
  }

  of(entryId: string): ServedRequest | undefined {
    return this.#requests.get(entryId);
  }
}
