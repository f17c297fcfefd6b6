import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { build, type Plugin } from 'esbuild'
import type { Bug } from './bugs'

const HERE = import.meta.dirname
const ROOT = join(HERE, '../..')

/** The simulation with all of the app that it runs, in one file. */
export async function buildSim(
  outfile: string,
  options: { readonly curve: 'small' | 'secp256k1'; readonly bug?: Bug },
): Promise<void> {
  const missing = new Set(options.bug?.changes)
  /** the file itself may have the library that it stands for */
  const stands = (wanted: RegExp, file: string): Plugin => ({
    name: file,
    setup(b) {
      b.onResolve({ filter: wanted }, ({ importer }) =>
        importer === join(HERE, file) ? undefined : { path: join(HERE, file) },
      )
    },
  })
  // it reads its WebAssembly from beside itself
  const outside: Plugin = {
    name: 'outside',
    setup(b) {
      b.onResolve({ filter: /^tiny-secp256k1$/ }, () => ({
        path: import.meta.resolve('tiny-secp256k1'),
        external: true,
      }))
    },
  }
  const planted: Plugin = {
    name: 'planted',
    setup(b) {
      b.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const changes = options.bug?.changes.filter(change => change.file === relative(ROOT, path)) ?? []
        if (changes.length === 0) return undefined
        let contents = readFileSync(path, 'utf8')
        for (const change of changes) {
          if (contents.includes(change.from)) missing.delete(change)
          contents = contents.replace(change.from, () => change.to)
        }
        return { contents, loader: 'ts' }
      })
    },
  }
  await build({
    absWorkingDir: ROOT,
    entryPoints: [join(HERE, 'main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
    sourcemap: 'inline',
    inject: [join(HERE, 'quick-seal.ts')],
    plugins: [
      stands(/^@noble\/curves\/secp256k1\.js$/, options.curve === 'small' ? 'small-group.ts' : 'quick-schnorr.ts'),
      stands(/^@noble\/hashes\/pbkdf2\.js$/, 'quick-stretch.ts'),
      stands(/^@noble\/hashes\/sha2\.js$/, 'quick-hash.ts'),
      outside,
      planted,
    ],
  })
  // a fault that changes nothing would be found by nothing, and a wrong name would look like a blind simulation
  if (missing.size > 0)
    throw new Error(
      `planted fault does not fit the code any more: ${[...missing].map(c => `${c.file}: ${c.from}`).join('; ')}`,
    )
}
