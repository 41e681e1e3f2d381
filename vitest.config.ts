import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/**
 * Programs that a test starts read their compiled code here, which halves the time of each start.
 * Node writes it, keyed by the content of each file.
 */
const COMPILED = fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url))

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/interop/**', 'test/browser/**', 'test/install/**', 'test/soak/**'],
          setupFiles: ['test/setup.ts'],
          globalSetup: ['test/page-setup.ts'],
          env: { NODE_COMPILE_CACHE: COMPILED },
          // Most tests wait more than they compute, so two cores are enough for three files.
          maxWorkers: Math.ceil(availableParallelism() * 1.5),
          // A busy machine makes a test slow, and no slower test is a wrong one.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          setupFiles: ['test/setup.ts'],
          globalSetup: ['test/page-setup.ts', 'test/browser/browser-setup.ts'],
          fileParallelism: false,
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'install',
          include: ['test/install/**/*.test.ts'],
          globalSetup: ['test/install/install-setup.ts'],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'interop',
          include: ['test/interop/**/*.test.ts', 'test/soak/**/*.test.ts'],
          setupFiles: ['test/setup.ts'],
          globalSetup: ['test/interop/lab-setup.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
})
