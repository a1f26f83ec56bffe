import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { callProvider, forwardedHeaders, type ProviderAnswer } from '../../../../server/gateway/providerCall.ts';

const never = new AbortController().signal;

async function listening(server: Server): Promise<URL> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/x`);
}

async function textOf({ body }: ProviderAnswer): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test('callProvider() asks again, once, when the provider had closed the kept connection', async () => {
  const used = new Set<Socket>();
  let requests = 0;
  const url = await listening(
    createServer((request, response) => {
      requests += 1;
      if (used.has(request.socket)) return void request.socket.destroy();
      used.add(request.socket);
      request.resume().on('end', () => response.end('ok'));
    }),
  );
  const call = { provider: 'p', url, method: 'POST', headers: {}, body: Buffer.from('{}') };
  expect(await textOf(await callProvider(call, never))).toBe('ok');
  await new Promise(resolve => setTimeout(resolve, 50));
  expect(await textOf(await callProvider(call, never))).toBe('ok');
  expect(requests).toBe(3);
});

test('callProvider() does not ask again when a new connection is closed', async () => {
  let requests = 0;
  const url = await listening(
    createServer(request => {
      requests += 1;
      request.socket.destroy();
    }),
  );
  await expect(callProvider({ provider: 'p', url, method: 'GET', headers: {}, body: null }, never)).rejects.toThrow('p did not answer');
  expect(requests).toBe(1);
});

test('forwardedHeaders() leaves out what speaks of the connection, and asks for plain bytes', () => {
  const passed = forwardedHeaders(
    {
      host: 'localhost', connection: 'keep-alive, x-hop', 'x-hop': '1', 'transfer-encoding': 'chunked', 'content-length': '5', te: 'trailers',
      'accept-encoding': 'zstd, br', 'anthropic-beta': 'a', 'user-agent': 'u', 'x-drop': '1',
    },
    name => name === 'x-drop',
  );
  expect(passed).toEqual({ 'anthropic-beta': 'a', 'user-agent': 'u', 'accept-encoding': 'identity' });
});
