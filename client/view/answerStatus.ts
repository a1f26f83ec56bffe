// What became of one ask, in one line of words, the same in decorations, answer documents and chat replies.
// Owns: the wording of status, age, duration and distance. Does not know: where the line is shown.
// Always true: the line tells hit, miss, stale and bypass apart in words; the sign before it only repeats them.

import type { Usage } from '../../server/protocol/answer.ts';
import type { Decision } from '../../server/protocol/decision.ts';
import type { NearOffer } from './nearOffer.ts';

/** One ask as people see it: running, then settled in one of three ways. */
export interface AskStatus {
  phase: 'asking' | 'answered' | 'failed' | 'cancelled';
  /** Null until the cache has decided. */
  decision: Decision | null;
  /** Name of the model that is asked or that gave the stored answer. */
  model: string;
  /** From the ask to the end of the answer; so far, while it runs. */
  tookMs: number;
  /** The code it was about has changed since. */
  codeChanged: boolean;
  /** Why it failed, in a person's words. */
  failure?: string;
}

/** Colours and texts follow this: what the person should think of the answer now. */
export type Verdict = 'asking' | 'hit' | 'miss' | 'stale' | 'bypass' | 'failed';

export function verdictOf(status: AskStatus): Verdict {
  if (status.phase === 'failed' || status.phase === 'cancelled') return 'failed';
  if (status.codeChanged && status.phase === 'answered') return 'stale';
  if (status.decision?.status === 'hit' || status.decision?.status === 'stale') return status.decision.status;
  if (status.phase === 'asking') return 'asking';
  return status.decision?.status ?? 'bypass';
}

/** `● cached · 2 d · distance 0.03`, `○ asked · 1.4 s` and the like. */
export function statusText(status: AskStatus): string {
  return `${signs[verdictOf(status)]} ${factsOf(status).join(' · ')}`;
}

/** The same with the model's name at its end. */
export function statusLine(status: AskStatus): string {
  return `${statusText(status)} · ${status.model}`;
}

const signs: Record<Verdict, string> = { asking: '○', hit: '●', miss: '○', stale: '◐', bypass: '◌', failed: '✕' };

function factsOf(status: AskStatus): string[] {
  const { decision, phase } = status;
  if (phase === 'cancelled') return ['cancelled'];
  if (phase === 'failed') return ['failed'];
  const changed = status.codeChanged && phase === 'answered' ? ['code changed since'] : [];
  if (decision?.status === 'hit' || decision?.status === 'stale') {
    const word = decision.status === 'stale' ? 'cached, stale' : 'cached';
    return [word, ageText(decision.ageMs), `distance ${distanceText(decision.distance)}`, ...changed];
  }
  if (phase === 'asking') return ['asking…'];
  const word = decision?.status === 'bypass' ? 'asked, cache bypassed' : 'asked';
  return [word, durationText(status.tookMs), ...changed];
}

/** Age in its largest whole unit: "now", "40 s", "5 min", "3 h", "2 d", "2 y". */
export function ageText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 5) return 'now';
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  const days = Math.floor(seconds / 86400);
  return days < 730 ? `${days} d` : `${Math.floor(days / 365)} y`;
}

/** "just now", "40 s ago", "2 d ago". */
export function agoText(ms: number): string {
  const age = ageText(ms);
  return age === 'now' ? 'just now' : `${age} ago`;
}

/** Duration with two or so significant figures: "12 ms", "1.4 s", "2 min 5 s", "3 h 10 min". */
export function durationText(ms: number): string {
  if (ms < 100) return `${Math.round(ms)} ms`;
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return joined(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  const minutes = Math.round(seconds / 60);
  return joined(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
}

function joined(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** Two decimals; an identical question has plain "0". */
export function distanceText(distance: number): string {
  return distance === 0 ? '0' : distance.toFixed(2);
}

/** An ask with its answer so far, as the views are given it. */
export interface ShownAsk {
  readonly id: string;
  /** What the person typed. */
  readonly question: string;
  readonly status: AskStatus;
  /** The entry that was served or stored; null while there is none. */
  entryId: string | null;
  /** A stored answer to a similar question; null where none is offered. */
  offer: NearOffer | null;
  /** The answer's text so far. */
  text: string;
  usage: Usage | null;
  /** Why the answer was not stored, in a few words. */
  notStored: string | null;
}
