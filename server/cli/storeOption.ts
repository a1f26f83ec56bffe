// Which store a command works on: --store, --namespace and SEMCACHE_REDIS_PASSWORD.

import { defaultStoreSettings } from '../protocol/settings.ts';
import type { ChosenStore } from '../store/openChosenStore.ts';

export interface StoreOption {
  /** `sqlite`, or the address of a Redis. */
  store?: string;
  prefix?: string;
  namespace?: string;
  /** Name of the group that shares everything. */
  team?: string;
  layout?: 'semcache' | 'langchain';
}

/** `store` for the parts; nothing where the command line names none. */
export function chosenStore({ store, prefix, namespace, team }: StoreOption, env: NodeJS.ProcessEnv): { store?: ChosenStore } {
  const address = store ?? env['SEMCACHE_STORE'];
  if (address === undefined || address === '' || address === 'sqlite') return {};
  const password = env['SEMCACHE_REDIS_PASSWORD'];
  return {
    store: {
      ...defaultStoreSettings,
      kind: 'redis',
      url: address,
      ...(prefix === undefined ? {} : { prefix }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(team === undefined ? {} : { share: 'everything', team }),
      ...(password === undefined || password === '' ? {} : { password }),
      ca: env['SEMCACHE_REDIS_CA'] ?? '',
    },
  };
}
