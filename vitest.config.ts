import { defineConfig } from 'vitest/config'

// Tests read each package's sources through this export condition, so no build comes first.
const conditions = ['@jeju/source']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['test/**/*.test.ts'],
    // A loaded model and a chain of its own are slow to start on two cores.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    coverage: { include: ['*/src/**/*.ts'], exclude: ['contracts/**'] },
  },
})
