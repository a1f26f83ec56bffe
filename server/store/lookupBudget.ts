// The time of a look-up, which its two steps share: the search has what the exact step left.

/** Scopes whose exact step is under way or was a moment ago. */
const rememberedLookups = 200;

export class LookupBudget {
  readonly #totalMs: number;
  readonly #spentMs = new Map<string, number>();

  constructor(totalMs: number) {
    this.#totalMs = totalMs;
  }

  /** Notes what the exact step in this scope took. */
  spend(scope: string, ms: number): void {
    this.#spentMs.delete(scope);
    this.#spentMs.set(scope, ms);
    if (this.#spentMs.size > rememberedLookups) this.#spentMs.delete(this.#spentMs.keys().next().value!);
  }

  /** Milliseconds that are left for the search in this scope; the next look-up begins anew. */
  takeLeft(scope: string): number {
    const spentMs = this.#spentMs.get(scope) ?? 0;
    this.#spentMs.delete(scope);
    return this.#totalMs - spentMs;
  }
}
