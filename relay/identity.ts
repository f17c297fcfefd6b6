import { generateKeyPair, privateKeyFromRaw } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** name of the key file inside the data folder: 64 bytes hex, an Ed25519 seed and its public key */
const KEY_FILE = 'peer.key'

export interface KeyPlace {
  readonly dataDir?: string
  readonly keyFile?: string
  readonly fresh?: boolean
}

/**
 * The relay's key: peers know a relay by its peer id, so it is kept over restarts. Without a place it is a new one each
 * time.
 *
 * @throws Error with one sentence when the file is there and is no key, or others than its owner may read it
 */
export async function loadIdentity({ dataDir, keyFile, fresh = false }: KeyPlace): Promise<PrivateKey> {
  const file = keyFile ?? (dataDir === undefined ? undefined : join(dataDir, KEY_FILE))
  if (file === undefined) return generateKeyPair('Ed25519')
  if (fresh) await rm(file, { force: true })
  return (await readKey(file)) ?? makeKey(file)
}

async function readKey(file: string): Promise<PrivateKey | undefined> {
  const kept = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new Error(`cannot read the relay key ${file}: ${error.code ?? error.message}`)
  })
  if (kept === undefined) return undefined
  const { mode } = await stat(file)
  // Windows has no such bits: there a file belongs to its user's folder
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw new Error(
      `the relay key ${file} may be read by others (mode ${(mode & 0o777).toString(8)}): run chmod 600 on it`,
    )
  }
  try {
    if (!/^[0-9a-f]{128}$/.test(kept.trim())) throw new Error('not 64 bytes of hex')
    return privateKeyFromRaw(Buffer.from(kept.trim(), 'hex'))
  } catch {
    throw new Error(`the relay key ${file} is damaged: move it away, or start with --fresh for a new identity`)
  }
}

async function makeKey(file: string): Promise<PrivateKey> {
  const key = await generateKeyPair('Ed25519')
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    // made with its mode, so that there is no moment in which others could read it
    await writeFile(file, `${Buffer.from(key.raw).toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    throw new Error(`cannot keep the relay key in ${file}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`)
  }
  return key
}
