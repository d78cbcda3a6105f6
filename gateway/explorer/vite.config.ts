import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

/** The page that a gateway serves below `/explorer/`: everything in it, nothing fetched from elsewhere. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  logLevel: 'warn',
  resolve: { conditions: ['@jeju/source', 'browser', 'module', 'import'] },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    // The policy of content allows no data: scripts or styles; small files are files as well.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
})
