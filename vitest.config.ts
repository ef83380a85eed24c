import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{packages,functions,test,portal}/**/*.test.ts'],
    exclude: [
      '**/node_modules/**',
      '**/dist/**',
      // Need engines: `npm run test:engines`.
      'test/engines/**',
      // Needs SST's platform: `npm run test:infra`.
      ...(process.env.TEST_INFRA ? [] : ['test/infra/**']),
    ],
    // SST's platform holds what infra's own tsconfig extends: it must be there before the first file is read.
    globalSetup: process.env.TEST_INFRA ? ['test/infra/prepare.ts'] : [],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
