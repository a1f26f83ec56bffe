// Requests that have been here before: a provider that leads back to this gateway, straight or by way of others, would
// have it ask itself for ever.
// Owns: the header by which a gateway knows its own requests again, and the refusal.

import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { SemcacheError } from '../protocol/errors.ts';
import type { HttpUpstreamConfig } from '../protocol/messages.ts';

/** Gateways that a request came through, first one first. Names that mean nothing to anybody else, and change with every start. */
const viaHeader = 'x-semcache-via';

export function newGatewayName(): string {
  return randomBytes(8).toString('hex');
}

export function hasBeenHere(headers: IncomingHttpHeaders, gatewayName: string): boolean {
  return gatewaysIn(headers).includes(gatewayName);
}

/** What a provider is sent, so that the next gateway, or this one, knows where the request has been. */
export function viaHeaders(headers: IncomingHttpHeaders, gatewayName: string): Record<string, string> {
  return { [viaHeader]: [...gatewaysIn(headers), gatewayName].join(', ') };
}

function gatewaysIn(headers: IncomingHttpHeaders): string[] {
  const value = headers[viaHeader];
  return typeof value === 'string' ? value.split(',').map(name => name.trim()) : [];
}

export const loopMessage =
  'This request came back to the gateway that it came from: a provider in semcache.upstreams leads to this gateway again. Give it the provider\'s own address.';

/** A provider at this gateway's own port. @throws SemcacheError upstream-loop */
export function refuseOwnAddress(upstream: HttpUpstreamConfig, ownPort: number | undefined): void {
  const { hostname, host, port } = new URL(upstream.baseUrl);
  if (Number(port) !== ownPort || !['localhost', '127.0.0.1', '[::1]'].includes(hostname)) return;
  throw new SemcacheError(
    'upstream-loop',
    `The provider "${upstream.name}" has the address of this gateway itself (${host}). Give it the provider's own address.`,
  );
}
