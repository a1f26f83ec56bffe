// Who is let in: programs of this machine that show the token, never a web page.
// Owns: Host, Origin and token. Does not know: routes.
// Always true: the token is compared in constant time, and never passed on.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** Where tools put a key; each of them may hold the token. */
export const credentialHeaders = ['authorization', 'x-api-key', 'api-key', 'x-semcache-token'] as const;

export interface Refusal {
  status: 401 | 403;
  message: string;
}

const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]']);

/** A page that a browser shows must not reach us: not by a name that was made to mean this machine, nor by its origin. */
export function whyStranger(headers: IncomingHttpHeaders, allowedOrigins: readonly string[]): Refusal | null {
  const name = (headers.host ?? '').toLowerCase().replace(/:\d+$/, '');
  if (!loopbackNames.has(name)) {
    return { status: 403, message: 'The gateway answers to localhost, 127.0.0.1 and [::1] only. Use one of them as the host.' };
  }
  const { origin } = headers;
  if (origin !== undefined && !allowedOrigins.includes(origin)) {
    return { status: 403, message: 'Requests from web pages are refused. List the origin in semcache.gateway.origins to allow it.' };
  }
  return null;
}

export function whyUnknown(headers: IncomingHttpHeaders, token: string): Refusal | null {
  const shown = credentialHeaders.some(name => isToken(headers, name, token));
  if (shown) return null;
  return {
    status: 401,
    message: 'This needs the gateway\'s token, as a bearer token, x-api-key, api-key or x-semcache-token. "Semcache: Connect Another Tool…" shows it.',
  };
}

/** The client's own credentials for a provider: what stands in these headers and is not our token. */
export function ownCredentials(headers: IncomingHttpHeaders, token: string): Record<string, string> {
  const own: Record<string, string> = {};
  for (const name of credentialHeaders) {
    const value = headers[name];
    if (name !== 'x-semcache-token' && typeof value === 'string' && !isToken(headers, name, token)) own[name] = value;
  }
  return own;
}

function isToken(headers: IncomingHttpHeaders, name: string, token: string): boolean {
  const value = headers[name];
  if (typeof value !== 'string') return false;
  const shown = name === 'authorization' ? value.replace(/^bearer\s+/i, '') : value;
  return timingSafeEqual(digest(shown.trim()), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
