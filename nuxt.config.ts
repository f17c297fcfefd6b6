import { execSync } from 'node:child_process'
import { version } from './package.json'
import { curvesInWorkers } from './scripts/curves-in-workers'

function commit(): string {
  try {
    return execSync('git rev-parse --short=12 HEAD', { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return 'unknown'
  }
}

/** Nitro's own types are no dependency of ours, so its options are plain data here. */
const devFiles: object = {
  nitro: { publicAssets: process.env.TANDEM_DEV_FILES ? [{ dir: process.env.TANDEM_DEV_FILES, maxAge: 0 }] : [] },
}

/**
 * A static single-page app with hash routes and relative addresses: the output can be served from any folder of any web
 * host. Everything the page needs lies beside it; no request goes to a third party.
 */
export default defineNuxtConfig({
  compatibilityDate: '2026-11-01',
  ssr: false,
  telemetry: false,
  devtools: { enabled: false },
  modules: ['@nuxt/ui', '@pinia/nuxt'],
  // our own folders are imported explicitly, so that a reader and dependency-cruiser see every edge
  imports: { scan: false },
  components: { dirs: [] },
  ui: { fonts: false, colorMode: false },
  icon: {
    provider: 'none',
    fallbackToApi: false,
    clientBundle: { scan: { globInclude: ['**/*.vue', 'composables/*.ts'] }, sizeLimitKb: 64 },
  },
  css: ['~/assets/css/main.css'],
  router: { options: { hashMode: true } },
  app: {
    baseURL: './',
    // addresses in the page are relative too, so that any folder will do
    cdnURL: './',
    head: {
      title: 'Tandem',
      htmlAttrs: { lang: 'en' },
      viewport: 'width=device-width, initial-scale=1, viewport-fit=cover',
      meta: [
        { name: 'description', content: 'A shared Bitcoin wallet in the browser: propose, approve, sign together.' },
        { name: 'referrer', content: 'no-referrer' },
        { name: 'theme-color', content: '#faf8f6', media: '(prefers-color-scheme: light)' },
        { name: 'theme-color', content: '#1a1715', media: '(prefers-color-scheme: dark)' },
      ],
      // light or dark as the system says, before the first pixel and whenever it changes
      script: [
        {
          innerHTML:
            "(m=>{const f=()=>document.documentElement.classList.toggle('dark',m.matches);f();m.addEventListener('change',f)})(matchMedia('(prefers-color-scheme: dark)'))",
        },
      ],
      link: [{ rel: 'icon', type: 'image/svg+xml', href: './favicon.svg' }],
    },
  },
  // its config.json names the relay and the chain that `npm run dev` has started (scripts/dev.ts)
  $development: devFiles,
  runtimeConfig: { public: { version, commit: commit() } },
  experimental: {
    appManifest: false,
    payloadExtraction: false,
    renderJsonPayloads: false,
    emitRouteChunkError: 'manual',
  },
  // the pages are few and small: fetching them before they are asked for would only slow the first screen
  hooks: {
    'build:manifest': manifest => {
      for (const item of Object.values(manifest)) {
        item.prefetch = false
        item.dynamicImports = []
      }
    },
  },
  typescript: { strict: true, tsConfig: { compilerOptions: { noUncheckedIndexedAccess: true } } },
  // no component here or in the libraries used is written in the options form: a tenth of Vue stays away
  vite: {
    worker: { format: 'es' },
    plugins: [curvesInWorkers()],
    vue: { features: { optionsAPI: false } },
    // 5 kB less of what everybody loads first than the default gives
    build: { minify: 'terser', terserOptions: { compress: { passes: 2 } } },
  },
})
