// Bundles the extension and the daemon into dist/. `node esbuild.mjs [--watch]`
import { build } from 'esbuild';
