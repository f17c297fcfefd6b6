/**
 * `npm run vectors`: fills `.vectors/` with the official test vectors from the BIPs' own repository, at a pinned commit
 * and with pinned SHA-256. They are other people's data and not committed here. The vectors of BIP390 stand inside its
 * page; they are taken out by bip390-page.ts, and what is pinned is the file made from them.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { bip390File, extractBip390 } from './bip390-page'

const COMMIT = '7fe0b034ec967b52a5a28276419117326df93263'
const SOURCE = `https://raw.githubusercontent.com/bitcoin/bips/${COMMIT}`
/** A file that does not come within this time will not come, milliseconds. */
const TIMEOUT_MS = 30_000

interface VectorFile {
  readonly source: string
  readonly target: string
  readonly sha256: string
  readonly convert?: (text: string) => string
}

const bip327 = (name: string, sha256: string): VectorFile => ({
  source: `bip-0327/vectors/${name}_vectors.json`,
  target: `bip327/${name}_vectors.json`,
  sha256,
})

const FILES: readonly VectorFile[] = [
  bip327('det_sign', '3d4fdb64b24e31762f20830036dc0c59d39fa896649131b54b87906ffdc6e9e8'),
  bip327('key_agg', '03c02a97e4ef3f2edfbc8e6013c127496dfcfd5889cfca60ddf009a4e9091cab'),
  bip327('key_sort', '2389fa0c146cfd7455c643ca240ec32835dcfc916f430f50dd94d0b49c9ea16c'),
  bip327('nonce_agg', '8409e87b81ea769759598ad3ce53b277a78afffb3a490a86ce02c4d69984524b'),
  bip327('nonce_gen', '2e823580fc072427f0db0f000212cc9124ad2b9dca2b58357eb65088aee4358d'),
  bip327('sig_agg', '15f14c034fb2a5739d7ce638be94c5b37ea675a2e01159092dd93b59d69c3439'),
  bip327('sign_verify', '692eecc101f3e515c29137f05031935e1210d2a01bab91e674eb0234f095c15c'),
  bip327('tweak', '80ce6385ce062644ad1f4edcb9d4797f70ddb0b74769e4099f51b3c9e6ab4aff'),
  {
    source: 'bip-0328/vectors.json',
    target: 'bip328/vectors.json',
    sha256: 'cc66e0dd648a9d71b9b846e4e7d6a76a7e9455aca66675bffe70e87068c49676',
  },
  {
    source: 'bip-0340/test-vectors.csv',
    target: 'bip340/test-vectors.csv',
    sha256: '34c9d1d9c3a88d524bc80778540dc43f8306ec249a7485293063c376db851c2d',
  },
  {
    source: 'bip-0341/wallet-test-vectors.json',
    target: 'bip341/wallet-test-vectors.json',
    sha256: '403e19fb81dd1f31e745699216308f61fb403774b2aafa87b631b8f7c042d37f',
  },
  {
    source: 'bip-0390.mediawiki',
    target: 'bip390/vectors.json',
    sha256: '856d7a6f2d2e7fc4db3701283d8c3758cbc496f0f30dd07f68a5e6501162ee37',
    convert: page => bip390File(extractBip390(page)),
  },
]

async function fetchFile(file: VectorFile): Promise<void> {
  const response = await fetch(`${SOURCE}/${file.source}`, { signal: AbortSignal.timeout(TIMEOUT_MS) })
  if (!response.ok) throw new Error(`status ${response.status}`)
  const bytes = Buffer.from(await response.arrayBuffer())
  const content = file.convert === undefined ? bytes : Buffer.from(file.convert(bytes.toString('utf8')))
  const hash = createHash('sha256').update(content).digest('hex')
  if (hash !== file.sha256) throw new Error(`SHA-256 is ${hash}, pinned is ${file.sha256}`)
  const target = resolve(join('.vectors', file.target))
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, content)
}

let failed = 0
for (const file of FILES) {
  try {
    await fetchFile(file)
    console.log(`ok   ${file.target}`)
  } catch (error) {
    failed++
    const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : ''
    console.error(`FAIL ${file.target}: ${error instanceof Error ? error.message : String(error)}${cause}`)
  }
}
if (failed > 0) {
  console.error(
    `${failed} of ${FILES.length} files are missing: the machine must reach raw.githubusercontent.com, or set TANDEM_VECTORS to a folder that has them`,
  )
  process.exitCode = 1
}
