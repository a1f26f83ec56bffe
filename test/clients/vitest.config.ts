// `npm run clients`: apart from `npm test`, because test/clients installs hundreds of megabytes of other people's programs.
// A tool has 7 minutes to be installed, and each of its tests 6: it is asked four times at most, for 90 seconds at most.

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: { include: ['test/clients/**/*.test.ts', 'test/gateway/clients/**/*.test.ts'], testTimeout: 360_000, hookTimeout: 420_000, fileParallelism: false },
});
