// The embedder contract over every embedder.

import { afterAll } from 'vitest';
import { openEndpointEmbedder } from '../../server/embedding/endpointEmbedder.ts';
import { bundledModelFolder, openMiniLmEmbedder } from '../../server/embedding/miniLmEmbedder.ts';
import { startEmbeddingsServer } from '../fakes/embeddingsServer.ts';
import { testEmbedderContract } from './embedderContract.ts';

const closeLater: (() => Promise<void>)[] = [];
afterAll(() => Promise.all(closeLater.map(close => close())));

const local = { modelFolder: bundledModelFolder, deadlineMs: 20_000 };

testEmbedderContract('all-MiniLM-L6-v2, native', () => openMiniLmEmbedder({ ...local, runtime: 'native' }));

testEmbedderContract('all-MiniLM-L6-v2, WASM', () => openMiniLmEmbedder({ ...local, runtime: 'wasm' }));

for (const encoding of ['float', 'base64'] as const) {
  testEmbedderContract(`endpoint that sends ${encoding}`, async () => {
    const embedder = await openMiniLmEmbedder({ ...local, runtime: 'wasm' });
    const server = await startEmbeddingsServer({ embedder, encoding, apiKey: 'k' });
    closeLater.push(() => server.close(), () => embedder.close());
    return openEndpointEmbedder({ baseUrl: server.baseUrl, model: 'minilm', apiKey: 'k', deadlineMs: 20_000 });
  });
}
