import ui from '@nuxt/ui/vite'
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
        // Nuxt UI as the app uses it; no declaration files are written
        plugins: [vue(), ui({ colorMode: false, dts: false, autoImport: { dts: false }, components: { dts: false, dirs: [] } })],
        test: { name: 'nuxt', environment: 'happy-dom', include: ['tests/nuxt/**/*.test.ts'], setupFiles: ['tests/nuxt/setup.ts'], testTimeout: 30_000 },
      },
    ],
  },
})
