// Which build this is, and which protocol it speaks. esbuild.mjs writes both figures into the bundles.
// Always true: straight from the sources `builtAt` is 0, so that a source run never asks a real daemon to drain.

import type { Build } from './messages.ts';

/** Raised when a message (messages.ts) changes its meaning. A daemon serves clients of its own number only. */
export const PROTOCOL_VERSION = 1;

declare const __SEMCACHE_VERSION__: string;
declare const __SEMCACHE_BUILT_AT__: number;

/** False in a run straight from the sources. */
export const isBundled = typeof __SEMCACHE_VERSION__ !== 'undefined';

export const build: Build = {
  version: isBundled ? __SEMCACHE_VERSION__ : '0.0.0',
  builtAt: isBundled ? __SEMCACHE_BUILT_AT__ : 0,
};
