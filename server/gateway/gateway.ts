// The HTTP door for tools outside the editor, on loopback.
// Owns: the port, the sockets and their limits. Does not know: routes (app.ts).
// Always true: it listens on 127.0.0.1 and ::1 and on nothing else; when close() resolves, no socket is left.

import { getRequestListener } from '@hono/node-server';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createApp } from './app.ts';
import type { GatewayParts } from './gatewayParts.ts';
import { gatewayTokenIn } from './gatewayToken.ts';
import { newGatewayName } from './loop.ts';
import { openAiError } from './openAiError.ts';

export interface Gateway {
  /** http://127.0.0.1:PORT, without /v1. */
  url: string;
  token: string;
  port: number;
  /** Takes no new request, and gives those in progress so long; null: as long as they take. */
  close(graceMs?: number | null): Promise<void>;
}

export interface GatewayOptions extends Omit<GatewayParts, 'token' | 'name'> {
  /** Where the token is kept. */
  dataFolder: string;
  /** The port that is wanted; 0: any. The next free one is taken where another program has it. */
  port: number;
  limits?: Partial<GatewayLimits>;
}

export interface GatewayLimits {
  /** For a request's headers to arrive. */
  headersMs: number;
  /** For a whole request to arrive. How long an answer takes is the provider's affair. */
  requestMs: number;
  /** Answered at a time; more are told to come back in a second. */
  requests: number;
  connections: number;
}

const defaultLimits: GatewayLimits = { headersMs: 15_000, requestMs: 60_000, requests: 512, connections: 2048 };

/** How many ports are tried after the wanted one. */
const portsTried = 20;

/** @throws where no port can be had, or the data folder cannot be written */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const token = gatewayTokenIn(options.dataFolder);
  const limits = { ...defaultLimits, ...options.limits };
  const app = createApp({ ...options, token, name: newGatewayName() }, limits.requests);
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false, autoCleanupIncoming: false });
  const checkedEveryMs = Math.min(5000, limits.headersMs);
  const newServer = (): Server => limited(createServer({ maxHeaderSize: 32 * 1024, connectionsCheckingInterval: checkedEveryMs }, listener), limits);

  const { server, port } = await listenOnFreePort(newServer, options.port);
  const servers = [server];
  const six = newServer();
  if (await listens(six, port, '::1')) servers.push(six);
  if (options.port !== 0 && port !== options.port) {
    options.log.warning(`Port ${options.port} is taken by another program; the gateway listens on ${port}.`);
  }
  return {
    url: `http://127.0.0.1:${port}`,
    token,
    port,
    close: async (graceMs = 0) => {
      await Promise.all(servers.map(each => closed(each, graceMs)));
    },
  };
}

async function listenOnFreePort(newServer: () => Server, wanted: number): Promise<{ server: Server; port: number }> {
  const last = wanted === 0 ? 0 : Math.min(wanted + portsTried, 65_535);
  for (let port = wanted; port <= last; port += 1) {
    const server = newServer();
    if (await listens(server, port, '127.0.0.1')) return { server, port: (server.address() as AddressInfo).port };
  }
  throw new Error(`No free port from ${wanted} to ${last}: the gateway cannot be opened. Set semcache.gateway.port to another one.`);
}

/** False where the address is taken, or this machine has none of its kind. */
function listens(server: Server, port: number, host: string): Promise<boolean> {
  return new Promise(resolve => {
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => resolve(true));
  });
}

/** Slow, half-open and endless clients end by themselves. */
function limited(server: Server, { headersMs, requestMs, connections }: GatewayLimits): Server {
  server.headersTimeout = headersMs;
  server.requestTimeout = requestMs;
  server.keepAliveTimeout = 30_000;
  server.maxConnections = connections;
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuseBroken(error, socket as Socket));
  server.on('error', () => undefined);
  return server;
}

/** What is no HTTP request gets its answer in the one shape that every client can read. */
function refuseBroken(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const [status, reason, message] =
    error.code === 'HPE_HEADER_OVERFLOW' ? ([431, 'Request Header Fields Too Large', 'The headers are larger than 32 KiB.'] as const)
    : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? ([408, 'Request Timeout', 'The request did not arrive in time.'] as const)
    : ([400, 'Bad Request', 'This is not an HTTP request.'] as const);
  const body = JSON.stringify(openAiError(status, message));
  socket.end(`HTTP/1.1 ${status} ${reason}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`);
}

function closed(server: Server, graceMs: number | null): Promise<void> {
  return new Promise(resolve => {
    const timer = graceMs === null || graceMs === 0 ? null : setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      if (timer !== null) clearTimeout(timer);
      resolve();
    });
    if (graceMs === 0) server.closeAllConnections();
  });
}
