// Hits, misses and what hits saved. Owns: when a count changes, and telling those who show it.
// Always true: counting never delays an answer and never makes one fail.

import type { Decision, Judgement } from '../protocol/decision.ts';
import type { Stats } from '../protocol/stats.ts';
import type { CountsDelta, Store } from '../store/store.ts';

/** Before the name of a judge's model: what it cost lies beside what hits saved. */
const ofJudge = 'judge: ';

export class Counters {
  readonly #store: Store;
  readonly #onFailure: (error: unknown) => void;
  readonly #listeners = new Set<() => void>();
  #lastHitDistance: number | null = null;

  constructor(parts: { store: Store; onFailure: (error: unknown) => void }) {
    this.#store = parts.store;
    this.#onFailure = parts.onFailure;
  }

  /** Counts what became of one prompt. `savedTokens` are those of a hit. */
  count(decision: Decision, savedTokens?: CountsDelta['saved']): void {
    if (decision.status === 'hit' || decision.status === 'stale') this.#lastHitDistance = decision.distance;
    this.#add(deltaOf(decision, savedTokens));
  }

  countWrongHit(): void {
    this.#add({ wrongHits: 1 });
  }

  countJudgement({ judge, verdict, ms, promptTokens, completionTokens }: Judgement): void {
    const said = verdict === null ? { judgeNoVerdict: 1 } : verdict === 'yes' ? { judgeYes: 1 } : { judgeNo: 1 };
    this.#add({ ...said, judgeMs: ms, saved: { model: ofJudge + judge, promptTokens, completionTokens } });
  }

  /** Called whenever a count, or the number of entries, may have changed. Returns what ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Entries changed without a prompt (cleared, imported, edited). */
  entriesChanged(): void {
    for (const listener of this.#listeners) listener();
  }

  async stats(): Promise<Stats> {
    const [counted, size] = await Promise.all([this.#store.counts(), this.#store.size()]);
    const { judgeYes: yes, judgeNo: no, judgeNoVerdict: noVerdict, judgeMs: ms, saved, ...counts } = counted;
    const tokens = saved.filter(({ model }) => model.startsWith(ofJudge)).map(cost => ({ ...cost, model: cost.model.slice(ofJudge.length) }));
    return {
      ...counts,
      saved: saved.filter(({ model }) => !model.startsWith(ofJudge)),
      entries: size.entries,
      sizeBytes: size.bytes,
      lastHitDistance: this.#lastHitDistance,
      ...(yes + no + noVerdict === 0 ? {} : { judge: { yes, no, noVerdict, ms, tokens } }),
    };
  }

  #add(delta: CountsDelta): void {
    void this.#store.addCounts(delta).then(() => this.entriesChanged(), this.#onFailure);
  }
}

function deltaOf(decision: Decision, saved: CountsDelta['saved']): CountsDelta {
  switch (decision.status) {
    case 'hit':
    case 'stale':
      return {
        hits: 1,
        savedMs: decision.savedMs,
        ...(decision.match === 'exact' ? { exactHits: 1 } : {}),
        ...(saved === undefined ? {} : { saved }),
      };
    case 'miss':
      return decision.reason === 'refresh' ? { refreshes: 1 } : { misses: 1 };
    case 'bypass':
      return { bypasses: 1 };
  }
}
