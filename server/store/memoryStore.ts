// Entries in this process's memory, found by an exact scan: the reference that other stores are compared with.
// Always true: what goes in and what comes out are copies, so that no caller changes a stored entry by hand.

import type { Candidate, Entry, EntryFacts, EntryFilter, EntrySummary, Ruling } from '../protocol/entry.ts';
import type { Counts, SavedTokens } from '../protocol/stats.ts';
import type { CountsDelta, HitFacts, ListQuery, NearestQuery, Store, StoreOptions } from './store.ts';
import { noCounts } from './noCounts.ts';
import { fits, folded, isEverything, searchWords, summaryOf } from './summary.ts';
import { checkLength, cosineDistance } from './vectors.ts';

export class MemoryStore implements Store {
  readonly kind = 'memory';
  readonly description = 'in memory, gone when the process ends';

  readonly #now: () => number;
  #maxEntries: number;
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();
  readonly #rulings = new Map<string, Ruling>();
  #counts: Counts;
  #since: number;
  readonly #saved = new Map<string, SavedTokens>();

  constructor(options: StoreOptions) {
    this.#now = options.now;
    this.#maxEntries = options.maxEntries;
    this.#counts = noCounts();
    this.#since = options.now();
  }

  async get(id: string): Promise<Entry | null> {
    const entry = this.#live(id);
    return entry === null ? null : structuredClone(entry);
  }

  async nearest(query: NearestQuery): Promise<Candidate[]> {
    const found: { entry: Entry; distance: number }[] = [];
    for (const entry of this.#liveEntries()) {
      if (entry.scope !== query.scope || entry.fingerprint !== query.fingerprint || entry.vector === null) continue;
      found.push({ entry, distance: cosineDistance(query.vector, entry.vector) });
    }
    found.sort((a, b) => a.distance - b.distance);
    return found.slice(0, query.k).map(({ entry, distance }) => ({
      entry: structuredClone(entry),
      distance,
      tombstoned: this.#rulings.get(pairOf(query.instructionKey, entry.instructionKey))?.same === false,
      disputes: this.#ruledOf(entry.instructionKey, false),
    }));
  }

  async withInstruction(instructionKey: string, limit: number): Promise<EntryFacts[]> {
    const found = this.#liveEntries().filter(entry => entry.instructionKey === instructionKey);
    return structuredClone(found.sort((a, b) => b.updatedAt - a.updatedAt).slice(0, limit).map(({ vector, generations, ...facts }) => facts));
  }

  async put(entry: Entry): Promise<void> {
    if (entry.vector !== null) {
      const neighbour = this.#neighbourVector(entry);
      if (neighbour !== null) checkLength(entry.vector.length, neighbour.length);
    }
    const earlier = this.#live(entry.id);
    const kept = earlier === null ? {} : { createdAt: earlier.createdAt, hits: earlier.hits, lastHitAt: earlier.lastHitAt };
    this.#entries.delete(entry.id);
    this.#entries.set(entry.id, structuredClone({ ...entry, ...kept }));
    this.#evict();
  }

  async recordHit(id: string, facts: HitFacts): Promise<void> {
    const entry = this.#live(id);
    if (entry === null) return;
    entry.hits += 1;
    entry.lastHitAt = facts.at;
    this.#entries.delete(id);
    this.#entries.set(id, entry);
  }

  async clear(filter: EntryFilter): Promise<number> {
    const removed = this.#liveEntries().filter(entry => fits(entry, filter));
    for (const entry of removed) this.#entries.delete(entry.id);
    if (isEverything(filter)) this.#rulings.clear();
    return removed.length;
  }

  async list(query: ListQuery): Promise<{ total: number; entries: EntrySummary[] }> {
    const words = searchWords(query.search);
    const found = this.#liveEntries()
      .filter(entry => fits(entry, query.filter) && words.every(word => folded(entry.instruction).includes(word)))
      .sort((a, b) => b.updatedAt - a.updatedAt);
    const page = found.slice(query.offset, query.offset + query.limit);
    return { total: found.length, entries: structuredClone(page.map(summaryOf)) };
  }

  async *entries(): AsyncIterable<Entry> {
    for (const entry of this.#liveEntries()) yield structuredClone(entry);
  }

  async addRuling(ruling: Ruling): Promise<void> {
    const pair = pairOf(ruling.a, ruling.b);
    const earlier = this.#rulings.get(pair);
    if (earlier === undefined || earlier.createdAt <= ruling.createdAt) this.#rulings.set(pair, { ...ruling });
  }

  async rulings(): Promise<Ruling[]> {
    return structuredClone([...this.#rulings.values()]);
  }

  async aliasesOf(instructionKey: string): Promise<string[]> {
    return this.#ruledOf(instructionKey, true);
  }

  async addCounts({ saved, ...delta }: CountsDelta): Promise<void> {
    for (const [name, value] of Object.entries(delta)) this.#counts[name as keyof Counts] += value;
    if (saved === undefined) return;
    const sum = this.#saved.get(saved.model) ?? { model: saved.model, promptTokens: 0, completionTokens: 0 };
    sum.promptTokens += saved.promptTokens;
    sum.completionTokens += saved.completionTokens;
    this.#saved.set(saved.model, sum);
  }

  async counts(): Promise<Counts & { since: number; saved: SavedTokens[] }> {
    return structuredClone({ ...this.#counts, since: this.#since, saved: [...this.#saved.values()] });
  }

  async resetCounts(): Promise<void> {
    this.#counts = noCounts();
    this.#saved.clear();
    this.#since = this.#now();
  }

  async size(): Promise<{ entries: number; bytes: number }> {
    const live = this.#liveEntries();
    const bytes = live.reduce((sum, entry) => sum + 2 * JSON.stringify({ ...entry, vector: null }).length + 4 * (entry.vector?.length ?? 0), 0);
    return { entries: live.length, bytes };
  }

  async setMaxEntries(maxEntries: number): Promise<void> {
    this.#maxEntries = maxEntries;
    this.#evict();
  }

  async close(): Promise<void> {}

  #live(id: string): Entry | null {
    const entry = this.#entries.get(id);
    return entry === undefined || entry.expiresAt <= this.#now() ? null : entry;
  }

  /** Keys that were said to be, or not to be, the same as this one; latest ruling first. */
  #ruledOf(key: string, wanted: boolean): string[] {
    return [...this.#rulings.values()]
      .filter(({ a, b, same }) => same === wanted && (a === key || b === key))
      .sort((x, y) => y.createdAt - x.createdAt)
      .map(({ a, b }) => (a === key ? b : a));
  }

  #liveEntries(): Entry[] {
    const now = this.#now();
    return [...this.#entries.values()].filter(entry => entry.expiresAt > now);
  }

  #neighbourVector(entry: Entry): Float32Array | null {
    for (const other of this.#entries.values()) {
      if (other.id !== entry.id && other.scope === entry.scope && other.fingerprint === entry.fingerprint && other.vector) return other.vector;
    }
    return null;
  }

  #evict(): void {
    if (this.#entries.size <= this.#maxEntries) return;
    const now = this.#now();
    for (const entry of this.#entries.values()) if (entry.expiresAt <= now) this.#entries.delete(entry.id);
    for (const id of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxEntries) return;
      this.#entries.delete(id);
    }
  }
}

function pairOf(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
