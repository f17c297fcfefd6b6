import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

// Node 20 lacks Promise.withResolvers, which libp2p uses: tests/support/node-shim.ts adds it before anything else.
const node = (name: string, timeout: number) => ({
  test: { name, environment: 'node' as const, include: [`tests/${name}/**/*.test.ts`], setupFiles: ['tests/support/node-shim.ts'], testTimeout: timeout },
})

export default defineConfig({
  test: {
    projects: [
      node('unit', 30_000),
      node('contract', 60_000),
      node('protocol', 60_000),
      {
        plugins: [vue()],
        test: { name: 'nuxt', environment: 'happy-dom', include: ['tests/nuxt/**/*.test.ts'], testTimeout: 30_000 },
      },
    ],
  },
})
