// The x-semcache headers: what a request may ask of the cache, and what an answer says of it.

import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { Decision } from '../protocol/decision.ts';

export interface Control {
  /** Ask the provider, and store what it says. */
  refresh: boolean;
  noStore: boolean;
  onlyIfCached: boolean;
  /** Where the provider fails, an answer older than `maxAgeMs`, or one that was to be refreshed, is served as stale. */
  staleIfError: boolean;
  /** Oldest answer that may be served; null: any. */
  maxAgeMs: number | null;
  /** Entries of one namespace never meet those of another; null: the common one. */
  namespace: string | null;
  /** 0..1; null: as set. */
  maxWrongHitRate: number | null;
}

/** Directives that are not known are ignored, as HTTP does with Cache-Control. */
export function controlOf(headers: IncomingHttpHeaders): Control {
  const directives = one(headers['x-semcache-control']).toLowerCase().split(',').map(directive => directive.trim());
  const maxAge = directives.map(directive => /^max-age\s*=\s*(\d{1,9})$/.exec(directive)).find(match => match !== null);
  const rate = Number(one(headers['x-semcache-max-wrong-hit-rate']) || NaN);
  return {
    refresh: directives.includes('no-cache') || directives.includes('refresh'),
    noStore: directives.includes('no-store'),
    onlyIfCached: directives.includes('only-if-cached'),
    staleIfError: directives.includes('stale-if-error'),
    maxAgeMs: maxAge === undefined ? null : Number(maxAge[1]) * 1000,
    namespace: one(headers['x-semcache-namespace']).trim() || null,
    maxWrongHitRate: rate >= 0 && rate <= 1 ? rate : null,
  };
}

export function headersOf(decision: Decision): OutgoingHttpHeaders {
  const { status, why } = decision;
  const common = { 'x-semcache-status': status, 'x-semcache-reason': headerText(why) };
  if (status === 'hit' || status === 'stale') {
    return {
      ...common,
      'x-semcache-entry': decision.entryId,
      'x-semcache-distance': String(Number(decision.distance.toFixed(6))),
      'x-semcache-age': String(Math.floor(decision.ageMs / 1000)),
      ...(decision.probability === undefined ? {} : { 'x-semcache-probability': String(Number(decision.probability.toFixed(4))) }),
    };
  }
  if (decision.status !== 'miss') return common;
  const { nearest, near } = decision;
  return {
    ...common,
    ...(nearest === undefined ? {} : { 'x-semcache-distance': String(Number(nearest.distance.toFixed(6))) }),
    // An entry that is likely this question's too: for a client that shows it, and for feedback.
    ...(near === undefined ? {} : { 'x-semcache-near': near.entryId, 'x-semcache-probability': String(Number(near.probability.toFixed(4))) }),
  };
}

/** Headers hold one line of printable ASCII. */
function headerText(text: string): string {
  return text.replace(/[’‘]/g, '\'').replace(/[“”]/g, '"').replace(/…/g, '...').replace(/[^\x21-\x7e]+/g, ' ').slice(0, 300);
}

function one(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(',') : (value ?? '');
}
