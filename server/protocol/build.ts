// Which build this is. esbuild.mjs writes both figures into the bundles.
// Always true: straight from the sources `builtAt` is 0, so that a source run never asks a real daemon to drain.

import type { Build } from './messages.ts';

declare const __SEMCACHE_VERSION__: string;
declare const __SEMCACHE_BUILT_AT__: number;

/** False in a run straight from the sources. */
export const isBundled = typeof __SEMCACHE_VERSION__ !== 'undefined';

export const build: Build = {
  version: isBundled ? __SEMCACHE_VERSION__ : '0.0.0',
  builtAt: isBundled ? __SEMCACHE_BUILT_AT__ : 0,
};
