// The tests, in the order they run: what needs no process of its own, then daemons, then the real editor, then Redis.

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 20_000, sequence: { groupOrder: 0 } } },
      { test: { name: 'contract', include: ['test/contract/**/*.test.ts'], testTimeout: 60_000, sequence: { groupOrder: 0 } } },
      {
        test: {
          name: 'redis', include: ['test/redis/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 180_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: 'daemon', include: ['test/daemon/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000,
          fileParallelism: false, sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'gateway', include: ['test/gateway/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 180_000,
          fileParallelism: false, sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'editor', include: ['test/editor/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 180_000,
          globalSetup: 'test/editor/globalSetup.ts', fileParallelism: false, sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
