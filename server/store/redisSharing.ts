// Which entries of a person a team sees.
// Always true: a namespace is compared as a whole; what is not to be shared is never written into the team's.

import type { Entry } from '../protocol/entry.ts';

export interface RedisNamespaces {
  /** This person's own. */
  own: string;
  /** The team's, read beside the own one; absent where nothing is shared. */
  team?: { name: string; share: 'general' | 'everything' };
  /** Set only where the person wants to be named to others. */
  storedBy?: string;
}

/** Kinds of context that hold nothing of a project: no code, files or earlier turns. */
const generalKinds: ReadonlySet<string> = new Set(['system', 'tools', 'language', 'wrapper']);

/** The namespace that an entry is written to. */
export function namespaceFor(entry: Pick<Entry, 'context'>, { own, team }: RedisNamespaces): string {
  if (team === undefined) return own;
  return team.share === 'everything' || isGeneral(entry) ? team.name : own;
}

export function isGeneral({ context }: Pick<Entry, 'context'>): boolean {
  return context.every(({ kind }) => generalKinds.has(kind));
}
