// A TCP proxy before a Redis that can be slow, cut a connection in the middle of a reply, and counts round trips.

import { connect, createServer, type Socket } from 'node:net';

export interface FaultyProxy {
  readonly url: string;
  /** Every chunk in either direction waits this long. */
  delayMs: number;
  /** Set to n: after n more bytes of replies, the connection is cut. */
  cutAfterBytes: number | null;
  /** How often something was sent after a reply: each is a wait for the client. */
  trips: number;
  close(): Promise<void>;
}

export async function startProxy(port: number): Promise<FaultyProxy> {
  const sockets = new Set<Socket>();
  const server = createServer(client => {
    const redis = connect(port, '127.0.0.1');
    for (const socket of [client, redis]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        redis.destroy();
      });
    }
    let hasReplied = true;
    client.on('data', chunk => {
      if (hasReplied) proxy.trips += 1;
      hasReplied = false;
      later(() => redis.write(chunk));
    });
    redis.on('data', (chunk: Buffer) =>
      later(() => {
        hasReplied = true;
        if (proxy.cutAfterBytes === null) {
          client.write(chunk);
          return;
        }
        const part = chunk.subarray(0, proxy.cutAfterBytes);
        proxy.cutAfterBytes -= part.length;
        client.write(part);
        if (part.length === chunk.length) return;
        proxy.cutAfterBytes = null;
        client.end();
        redis.destroy();
      }),
    );
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const proxy: FaultyProxy = {
    url: `redis://127.0.0.1:${(server.address() as { port: number }).port}`,
    delayMs: 0,
    cutAfterBytes: null,
    trips: 0,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        sockets.forEach(socket => socket.destroy());
      }),
  };
  const later = (send: () => void): void => {
    if (proxy.delayMs === 0) send();
    else setTimeout(send, proxy.delayMs);
  };
  return proxy;
}
