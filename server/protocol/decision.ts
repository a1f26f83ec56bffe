// What a lookup ends in, and why. Every reason a person can meet has its words here.

export type MissReason = 'no-entry' | 'too-far' | 'refused' | 'tombstone' | 'refresh' | 'in-flight' | 'exact-only' | 'unfit';

export type BypassReason = 'cache-off' | 'embedding-failed' | 'embedding-timeout' | 'store-failed' | 'daemon-unreachable' | 'uncacheable';

/** The stored question nearest to the one asked. */
export interface Nearest {
  entryId: string;
  instruction: string;
  /** Cosine distance, 0..2. */
  distance: number;
}

/** A stored answer that is likely this question's too, but not surely enough to be served: offered to the person. */
export interface NearHit extends Nearest {
  /** P(same answer), 0..1. */
  probability: number;
  ageMs: number;
  model: string;
}

/** What the judge (semcache.judge) was asked about a near hit, and what it took. */
export interface Judgement {
  /** The model's name, for people. */
  judge: string;
  /** Whether the near hit is the same question; null where it gave no clear answer in time. */
  verdict: 'yes' | 'no' | null;
  /** Why there is no verdict, in a person's words. */
  problem?: string;
  ms: number;
  promptTokens: number;
  completionTokens: number;
}

export type Decision =
  | {
      status: 'hit' | 'stale';
      match: 'exact' | 'semantic';
      entryId: string;
      /** The stored instruction that was matched. */
      instruction: string;
      /** Cosine distance, 0..2; 0 for an exact match and for a pair that the person called the same question. */
      distance: number;
      /** P(same answer), 0..1, where the verifier was asked. */
      probability?: number;
      /** Age of the stored answer when it was served. */
      ageMs: number;
      /** How long the upstream took when the answer was stored. */
      savedMs: number;
      savedTokens: number;
      model: string;
      /** One line that explains the match to a person. */
      why: string;
      judgement?: Judgement;
    }
  | { status: 'miss'; reason: MissReason; why: string; nearest?: Nearest; near?: NearHit; judgement?: Judgement }
  | { status: 'bypass'; reason: BypassReason; why: string };

export const missWords: Record<MissReason, string> = {
  'no-entry': 'Nothing like it was asked about the same context before.',
  'too-far': 'The nearest stored question is farther away than the threshold allows.',
  refused: 'The nearest stored question differs in something that changes the answer.',
  tombstone: 'You said that the nearest stored answer is wrong for this question.',
  refresh: 'You asked for a fresh answer.',
  'in-flight': 'The same question was being answered already; both share that answer.',
  'exact-only': 'Only an identical prompt could have been served.',
  unfit: 'The stored answer is older than was allowed, or cannot be given in the form that was asked for.',
};

export const bypassWords: Record<BypassReason, string> = {
  'cache-off': 'The cache is switched off (semcache.enabled).',
  'embedding-failed': 'The local embedding model failed, so the cache could not compare by meaning.',
  'embedding-timeout': 'The local embedding model did not answer in time.',
  'store-failed': 'The store of cached answers failed.',
  'daemon-unreachable': 'The Semcache daemon is not running.',
  uncacheable: 'Requests of this kind are passed on as they are.',
};
