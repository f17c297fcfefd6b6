import { generateKeyPair, privateKeyFromRaw } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** name of the key file inside the data folder: 64 bytes hex, an Ed25519 seed and its public key */
const KEY_FILE = 'peer.key'

/**
 * The relay's key: peers know a relay by its peer id, so it is kept over restarts. Without a folder it is a new one each time.
 *
 * @throws Error with one sentence when the file is there and is no key
 */
export async function loadIdentity(dataDir: string | undefined, fresh: boolean): Promise<PrivateKey> {
  if (dataDir === undefined) return generateKeyPair('Ed25519')
  const file = join(dataDir, KEY_FILE)
  if (fresh) await rm(file, { force: true })
  const kept = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new Error(`cannot read the relay key ${file}: ${error.code ?? error.message}`)
  })
  if (kept !== undefined) {
    try {
      if (!/^[0-9a-f]{128}$/.test(kept.trim())) throw new Error('not 64 bytes of hex')
      return privateKeyFromRaw(Buffer.from(kept.trim(), 'hex'))
    } catch {
      throw new Error(`the relay key ${file} is damaged: move it away, or start with --fresh for a new identity`)
    }
  }
  const key = await generateKeyPair('Ed25519')
  try {
    await mkdir(dataDir, { recursive: true })
    await writeFile(file, `${Buffer.from(key.raw).toString('hex')}\n`, { mode: 0o600 })
    await chmod(file, 0o600)
  } catch (error) {
    throw new Error(`cannot keep the relay key in ${file}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`)
  }
  return key
}
