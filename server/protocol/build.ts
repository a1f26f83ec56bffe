// Which build this is. esbuild puts the bundle's build in the place of SEMCACHE_BUILD.

import type { Build } from './messages.ts';

declare const SEMCACHE_BUILD: Build | undefined;

/** Of this bundle; run straight from the sources, the oldest build there is. */
export const build: Build =
  typeof SEMCACHE_BUILD === 'undefined' ? { version: '0.0.0-source', builtAt: 0 } : SEMCACHE_BUILD;
