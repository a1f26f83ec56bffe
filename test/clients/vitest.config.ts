// `npm run clients`: apart from `npm test`, because test/clients installs hundreds of megabytes of other people's programs.

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: { include: ['test/clients/**/*.test.ts', 'test/gateway/clients/**/*.test.ts'], testTimeout: 500_000, hookTimeout: 500_000, fileParallelism: false },
});
