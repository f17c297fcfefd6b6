import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

/** What gets shorter. Pictures and fonts are compressed by nature. */
const KINDS = new Set(['.html', '.js', '.mjs', '.css', '.json', '.svg', '.wasm', '.txt', '.webmanifest'])
/** below this a second file is not worth its name, bytes */
const LEAST_BYTES = 1_024
/** Made by each host for itself: a compressed copy of the built one would be sent in its place. */
const NEVER = 'config.json'

const WAYS = [
  [
    '.br',
    (bytes: Buffer) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }),
  ],
  ['.gz', (bytes: Buffer) => gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION })],
] as const

/**
 * Puts `.br` and `.gz` beside each file of a build that gets shorter by it; older ones are removed. Web hosts that know
 * such files (nginx `gzip_static`, Caddy `precompressed`, our scripts/serve.ts) send them, and others do not see them.
 *
 * @returns how many files have a compressed copy, and the bytes of those before and after
 */
export function precompress(root: string): { files: number; bytes: number; brotli: number; gzip: number } {
  const sum = { files: 0, bytes: 0, brotli: 0, gzip: 0 }
  const all = readdirSync(root, { recursive: true, encoding: 'utf8' }).map(name => join(root, name))
  for (const file of all) if (/\.(br|gz)$/.test(file)) rmSync(file)
  for (const file of all) {
    if (!KINDS.has(extname(file)) || file === join(root, NEVER)) continue
    if (!statSync(file).isFile() || statSync(file).size < LEAST_BYTES) continue
    const bytes = readFileSync(file)
    const [brotli = bytes, gzip = bytes] = WAYS.map(([ending, compress]) => {
      const shorter = compress(bytes)
      if (shorter.length < bytes.length) writeFileSync(`${file}${ending}`, shorter)
      return shorter
    })
    sum.files++
    sum.bytes += bytes.length
    sum.brotli += brotli.length
    sum.gzip += gzip.length
  }
  return sum
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { files, bytes, brotli, gzip } = precompress(process.argv[2] ?? '.output/public')
  const kb = (n: number): string => `${Math.round(n / 1_000)} kB`
  console.log(`${files} files compressed: ${kb(bytes)}, gzip ${kb(gzip)}, brotli ${kb(brotli)}`)
}
