import { join } from 'node:path'
import { defineConfig } from 'vite'

/** The page for buyers: plain files with names of their content, nothing inline, no other origin. */
export default defineConfig({
  root: join(import.meta.dirname, 'src/web'),
  publicDir: false,
  logLevel: 'warn',
  build: {
    outDir: join(import.meta.dirname, 'dist/web'),
    emptyOutDir: true,
    // The content security policy allows no inline script and no inline style.
    assetsInlineLimit: 0,
    modulePreload: false,
    // Their licences ask that the notice goes with the code. The gate does not serve this file.
    license: { fileName: 'licenses.md' },
    target: 'es2022',
  },
})
