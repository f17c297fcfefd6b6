import { ed25519 } from '@noble/curves/ed25519.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { base58 } from '@scure/base'
import { concatBytes, fromHex, toHex, utf8ToBytes } from '../../services/core/domain/bytes'

export interface FakePeer {
  readonly name: string
  readonly peerId: string
  /** 33 bytes hex with the form of a compressed key */
  readonly accountKey: string
  sign(bytes: Uint8Array): Promise<Uint8Array>
}

/** A person with a real Ed25519 peer id; the same name gives the same keys. */
export function fakePeer(name: string): FakePeer {
  const secret = sha256(utf8ToBytes(`peer ${name}`))
  const peerId = base58.encode(concatBytes(fromHex('002408011220'), ed25519.getPublicKey(secret)))
  return {
    name,
    peerId,
    accountKey: `02${toHex(sha256(utf8ToBytes(`account ${name}`)))}`,
    sign: async bytes => ed25519.sign(bytes, secret),
  }
}
