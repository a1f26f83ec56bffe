// What Redis, or the way to it, said went wrong: in words that a person can act on.
// Always true: no message holds a password, a key's value or a prompt.

import { messageOf, SemcacheError } from '../protocol/errors.ts';

const whileAway = 'Prompts go straight to the model, and answers wait on this machine, until it can be used.';

/**
 * @param address where it was tried, without secrets
 * @param meaning what it means to the user, as one sentence
 */
export function redisError(error: unknown, address: string, meaning = whileAway): SemcacheError {
  if (error instanceof SemcacheError) return error;
  const { what, then } = explained(innermost(error));
  return new SemcacheError(
    'store-unreachable',
    `The Redis at ${address} ${what}. ${meaning} ${then}`,
    error,
  );
}

/** True where the server answered, but refused to write: reading may still work. */
export function isWriteRefusal(error: unknown): boolean {
  return /^(?:-?(?:OOM|READONLY|MISCONF|NOREPLICAS)\b)|READONLY You can't write|OOM command not allowed/.test(messageOf(innermost(error)));
}

export function isUnknownIndex(error: unknown): boolean {
  return /no such index|unknown index name/i.test(messageOf(error));
}

/** The query engine gave up by its own TIMEOUT. */
export function isSearchTimeout(error: unknown): boolean {
  return /timeout limit was reached/i.test(messageOf(error));
}

/** The command is not there, or this user may not use it. */
export function isRefusedCommand(error: unknown): boolean {
  return /^(?:ERR unknown command|NOPERM)/i.test(messageOf(error));
}

function innermost(error: unknown): unknown {
  const several = (error as { errors?: unknown[] } | null)?.errors;
  if (Array.isArray(several) && several.length > 0) return innermost(several[0]);
  return error;
}

function explained(error: unknown): { what: string; then: string } {
  const message = messageOf(error);
  const code = (error as { code?: string } | null)?.code ?? '';
  const matches = (pattern: RegExp): boolean => pattern.test(message) || pattern.test(code);
  if (matches(/ECONNREFUSED|ENOENT/)) return { what: 'is not running: nothing listens there', then: 'Start it, or correct semcache.redis.url.' };
  if (matches(/ENOTFOUND|EAI_AGAIN/)) return { what: 'was not found: its name is unknown', then: 'Check semcache.redis.url and the network.' };
  if (matches(/WRONGPASS|invalid password/i)) return { what: 'refused the user name or password', then: 'Set the right one with "Semcache: Set API Key…" or SEMCACHE_REDIS_PASSWORD.' };
  if (matches(/NOAUTH/)) return { what: 'wants a password', then: 'Set it with "Semcache: Set API Key…" or SEMCACHE_REDIS_PASSWORD.' };
  if (matches(/NOPERM/)) return { what: `does not allow this user a command that the cache needs (${shortened(message)})`, then: 'Extend the user\'s ACL; ARCHITECTURE.md lists every command.' };
  if (matches(/LOADING/)) return { what: 'is still loading its data', then: 'Nothing to do: it is tried again until it is ready.' };
  if (matches(/READONLY/)) return { what: 'is a read-only replica', then: 'Point semcache.redis.url at the master; stored answers are still found.' };
  if (matches(/OOM/)) return { what: 'is out of memory (maxmemory) and may not evict', then: 'Raise maxmemory, or set maxmemory-policy to volatile-lru.' };
  if (matches(/MISCONF/)) return { what: 'stopped writing because it cannot save to its disk', then: 'See its log; it is tried again until it writes.' };
  if (matches(/CLUSTERDOWN/)) return { what: 'is a Cluster in which some slots have no master', then: 'Start the missing master or add a replica.' };
  if (matches(/MOVED|ASK/)) return { what: 'is moving data between its masters', then: 'Nothing to do: it is tried again.' };
  if (matches(/certificate|self.signed|UNABLE_TO_VERIFY|CERT_|issuer/i)) return { what: `shows a certificate that this machine does not trust (${code || shortened(message)})`, then: 'Put the authority\'s certificate into a file and set semcache.redis.ca to its path.' };
  if (matches(/no reply in|timed? ?out|ETIMEDOUT/i)) return { what: `does not answer (${shortened(message)})`, then: 'Check that it is running and not overloaded.' };
  if (matches(/closed|ECONNRESET|EPIPE|offline/i)) return { what: 'closed the connection', then: 'It is tried again until it is back.' };
  return { what: `failed: ${shortened(message)}`, then: 'It is tried again until it works.' };
}

function shortened(message: string): string {
  return message.length > 120 ? `${message.slice(0, 117)}…` : message;
}
