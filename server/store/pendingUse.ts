// Hits and counts that are not in the file yet. Each is a sum, so many become one write, and none is on a hit's way.
// Does not know: SQL, or when it is time to write.

import type { EntryFacts } from '../protocol/entry.ts';
import type { Counts, SavedTokens } from '../protocol/stats.ts';
import type { CountsDelta } from './store.ts';

export interface PendingHits {
  hits: number;
  at: number;
}

export class PendingUse {
  hits = new Map<string, PendingHits>();
  counts: Partial<Counts> = {};
  saved = new Map<string, SavedTokens>();

  get isEmpty(): boolean {
    return this.hits.size === 0 && this.saved.size === 0 && Object.keys(this.counts).length === 0;
  }

  addHit(id: string, at: number): void {
    this.hits.set(id, { hits: (this.hits.get(id)?.hits ?? 0) + 1, at });
  }

  addCounts({ saved, ...delta }: CountsDelta): void {
    for (const [name, value] of Object.entries(delta) as [keyof Counts, number][]) {
      this.counts[name] = (this.counts[name] ?? 0) + value;
    }
    if (saved === undefined) return;
    const sum = this.saved.get(saved.model);
    this.saved.set(saved.model, {
      model: saved.model,
      promptTokens: (sum?.promptTokens ?? 0) + saved.promptTokens,
      completionTokens: (sum?.completionTokens ?? 0) + saved.completionTokens,
    });
  }

  /** The entry with the hits that its row does not have yet. */
  applyTo<T extends EntryFacts>(entry: T): T {
    const pending = this.hits.get(entry.id);
    if (pending === undefined) return entry;
    return { ...entry, hits: entry.hits + pending.hits, lastHitAt: pending.at };
  }
}
