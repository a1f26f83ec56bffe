// Parts with the store and the embedder that the settings name.
// Owns: which implementation is opened. Does not know: what is done with it.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { openEndpointEmbedder } from '../embedding/endpointEmbedder.ts';
import { bundledModelFolder, openMiniLmEmbedder } from '../embedding/miniLmEmbedder.ts';
import { bundledVerifierFolder } from '../embedding/pairVerifier.ts';
import { defaultCacheSettings, defaultStoreSettings } from '../protocol/settings.ts';
import { openChosenStore } from '../store/openChosenStore.ts';
import type { Log } from './log.ts';
import { Parts, type SharedSettings } from './parts.ts';

const defaultShared: SharedSettings = {
  maxEntries: defaultCacheSettings.maxEntries,
  embeddingDeadlineMs: defaultCacheSettings.embeddingDeadlineMs,
  embeddingEndpoint: defaultCacheSettings.embeddingEndpoint,
  embeddingModel: defaultCacheSettings.embeddingModel,
};

/**
 * One way for the daemon and the command line. `shared` where it differs from the defaults. `patient`: a person waits, so a
 * store that is away is waited for and then an error.
 */
export function openParts(options: {
  dataFolder: string;
  log: Log;
  now: () => number;
  shared?: Partial<SharedSettings>;
  patient?: boolean;
}): Parts {
  const { dataFolder, log, now, patient = false } = options;
  return new Parts({
    log,
    now,
    shared: { ...defaultShared, ...options.shared },
    open: {
      store: async ({ store: chosen = defaultStoreSettings, maxEntries }, onNotice) => {
        // Opening is synchronous: whoever waits for the socket goes first.
        await nextTurn();
        const { store, notices } = await openChosenStore(dataFolder, chosen, { now, maxEntries, patient });
        notices.forEach(onNotice);
        return store;
      },
      embedder: ({ embeddingEndpoint, embeddingModel, embeddingApiKey, embeddingDeadlineMs: deadlineMs }, onNotice) =>
        embeddingEndpoint === ''
          ? openMiniLmEmbedder({ modelFolder: bundledModelFolder, verifierFolder: bundledVerifierFolder, deadlineMs, onNotice })
          : openEndpointEmbedder({
              baseUrl: embeddingEndpoint,
              model: embeddingModel,
              deadlineMs,
              ...(embeddingApiKey === undefined ? {} : { apiKey: embeddingApiKey }),
            }),
    },
  });
}
