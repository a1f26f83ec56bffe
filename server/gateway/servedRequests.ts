// Which request each entry answered last, so that a person who only has the entry's id can say that it was wrong.
// Always true: kept in memory only, and bounded.

import type { ModelRequest } from '../protocol/prompt.ts';

const kept = 100;

export class ServedRequests {
  readonly #requests = new Map<string, ModelRequest>();

  remember(entryId: string, request: ModelRequest): void {
    this.#requests.delete(entryId);
    this.#requests.set(entryId, request);
    if (this.#requests.size > kept) this.#requests.delete(this.#requests.keys().next().value!);
  }

  of(entryId: string): ModelRequest | undefined {
    return this.#requests.get(entryId);
  }
}
