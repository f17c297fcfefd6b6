import ui from '@nuxt/ui/vite'
import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

// Node 20 lacks Promise.withResolvers, which libp2p uses: tests/support/node-shim.ts adds it before anything else.
const node = (name: string, timeout: number) => ({
  test: {
    name,
    environment: 'node' as const,
    include: [`tests/${name}/**/*.test.ts`],
    setupFiles: ['tests/support/node-shim.ts'],
    testTimeout: timeout,
  },
})

export default defineConfig({
  test: {
    projects: [
      node('unit', 30_000),
      node('contract', 60_000),
      node('protocol', 60_000),
      {
        // the real code over the group of the simulation: tests/sim/small-group.ts
        resolve: {
          alias: { '@noble/curves/secp256k1.js': fileURLToPath(new URL('tests/sim/small-group.ts', import.meta.url)) },
        },
        test: {
          name: 'sim',
          environment: 'node',
          include: ['tests/sim/**/*.test.ts'],
          testTimeout: 30_000,
          server: { deps: { inline: [/@scure\/bip32/] } },
        },
      },
      {
        // Nuxt UI as the app uses it; no declaration files are written
        plugins: [
          vue(),
          ui({ colorMode: false, dts: false, autoImport: { dts: false }, components: { dts: false, dirs: [] } }),
        ],
        test: {
          name: 'nuxt',
          environment: 'happy-dom',
          include: ['tests/nuxt/**/*.test.ts'],
          setupFiles: ['tests/nuxt/setup.ts'],
          testTimeout: 30_000,
        },
      },
    ],
  },
})
