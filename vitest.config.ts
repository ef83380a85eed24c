import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{packages,functions,test,portal}/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', 'test/engines/**'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
