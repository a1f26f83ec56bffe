// The gateway with everything behind it real (SQLite, the embedding model, the cache) but the provider.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openGatewayOf } from '../../server/daemon/gatewayHost.ts';
import { openLog } from '../../server/daemon/log.ts';
import { openParts } from '../../server/daemon/openParts.ts';
import type { Parts } from '../../server/daemon/parts.ts';
import type { Gateway, GatewayOptions } from '../../server/gateway/gateway.ts';
import type { HttpUpstreamConfig } from '../../server/protocol/messages.ts';
import { defaultCacheSettings, type CacheSettings } from '../../server/protocol/settings.ts';
import { ScriptedProvider } from '../fakes/scriptedProvider.ts';

export interface TestGateway {
  gateway: Gateway;
  provider: ScriptedProvider;
  parts: Parts;
  dataFolder: string;
  /** Everything that was logged. */
  logged: string[];
  post(path: string, body: unknown, headers?: Record<string, string>, signal?: AbortSignal): Promise<Response>;
  close(): Promise<void>;
}

export interface TestGatewayOptions {
  settings?: Partial<CacheSettings>;
  upstreams?: (provider: ScriptedProvider) => HttpUpstreamConfig[];
  options?: Partial<GatewayOptions>;
}

export async function openGatewayForTest({ settings, upstreams, options }: TestGatewayOptions = {}): Promise<TestGateway> {
  const dataFolder = mkdtempSync(path.join(tmpdir(), 'semcache-gateway-'));
  const logged: string[] = [];
  const now = options?.now ?? Date.now;
  const log = openLog({ now, print: line => void logged.push(line) });
  const parts = openParts({ dataFolder, log, now, shared: { embeddingDeadlineMs: 20_000 } });
  await parts.embedder.embed(['warm']);
  const provider = await ScriptedProvider.open();
  const chosen: HttpUpstreamConfig[] = upstreams?.(provider) ?? [{ name: 'fake provider', kind: 'openai', baseUrl: provider.url, models: [] }];
  const gateway = await openGatewayOf(parts, {
    dataFolder,
    port: 0,
    settings: () => ({ ...defaultCacheSettings, ...settings }),
    upstreams: () => chosen,
    editorModels: () => [],
    editorUpstream: () => null,
    judge: () => null,
    log,
    now,
    allowedOrigins: () => [],
    sharedBetweenKeys: () => false,
    onRequests: () => undefined,
    ...options,
  });
  return {
    gateway, provider, parts, dataFolder, logged,
    post: (url, body, headers = {}, signal) =>
      fetch(gateway.url + url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${gateway.token}`, ...headers },
        body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
        ...(signal === undefined ? {} : { signal }),
      } as RequestInit),
    async close() {
      await gateway.close();
      await provider.close();
      await parts.close();
      rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}

/** An answer's object; its fields are what the test says they are. */
export function jsonOf(response: Response): Promise<any> {
  return response.json();
}
