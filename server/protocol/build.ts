// Which build this is. esbuild.mjs writes both figures into the bundles.
// Always true: straight from the sources `builtAt` is 0, so that a source run never asks a real daemon to drain.

import packageJson from '../../package.json' with { type: 'json' };
import type { Build } from './messages.ts';

declare const __SEMCACHE_VERSION__: string;
declare const __SEMCACHE_BUILT_AT__: number;

export const build: Build = {
  version: typeof __SEMCACHE_VERSION__ === 'undefined' ? packageJson.version : __SEMCACHE_VERSION__,
  builtAt: typeof __SEMCACHE_BUILT_AT__ === 'undefined' ? 0 : __SEMCACHE_BUILT_AT__,
};

/** False in a run straight from the sources. */
export const isBundled = typeof __SEMCACHE_VERSION__ !== 'undefined';
