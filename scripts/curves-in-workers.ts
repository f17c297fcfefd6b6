import { fileURLToPath } from 'node:url'

/** What of a Vite plugin is used here. */
interface BuildPlugin {
  readonly name: string
  readonly enforce: 'pre'
  resolveId(source: string, importer: string | undefined): string | undefined
  generateBundle(
    options: unknown,
    bundle: Readonly<Record<string, { readonly fileName: string; readonly moduleIds?: readonly string[] }>>,
  ): void
}

const CURVE = '@noble/curves/secp256k1.js'
const NONE = fileURLToPath(new URL('../services/adapters/libp2p/internals/no-secp256k1.ts', import.meta.url))

/**
 * Keeps secp256k1 out of every chunk that a page can load. Workers are built on their own, without this plugin. libp2p
 * gets a stand-in that refuses; whatever else brings the curve along fails the build: dependency-cruiser sees our own
 * imports only, this sees what was really built.
 */
export function curvesInWorkers(): BuildPlugin {
  return {
    name: 'curves-in-workers',
    enforce: 'pre',
    resolveId: (source, importer) =>
      source === CURVE && /\/node_modules\/@libp2p\/crypto\//.test(importer ?? '') ? NONE : undefined,
    generateBundle(_options, bundle) {
      for (const { fileName, moduleIds = [] } of Object.values(bundle)) {
        const found = moduleIds.find(id => id.replaceAll('\\', '/').includes(`/node_modules/${CURVE}`))
        if (found !== undefined)
          throw new Error(`${fileName} would bring secp256k1 to the main thread (${found}): ask the key worker`)
      }
    },
  }
}
