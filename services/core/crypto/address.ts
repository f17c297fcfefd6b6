/**
 * Addresses of the test networks to output scripts and back (BIP173, BIP350, base58check).
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { bech32, bech32m, createBase58check } from '@scure/base'
import { concatBytes } from '../domain/bytes'
import type { NetworkParams } from '../domain/network'
import { err, ok, type Result } from '../domain/result'

export interface AddressError {
  readonly code:
    | 'empty'
    /** characters or structure of no address that we know */
    | 'malformed'
    | 'checksum'
    /** a real address, but of another network */
    | 'wrong-network'
    /** a witness version or program that is not yet money anybody can own: coins sent there are anyone's or lost */
    | 'unsupported'
}

const base58check = createBase58check(sha256)
/** version bytes of base58 addresses (P2PKH, P2SH); every test network has the same */
const TEST_VERSIONS = { p2pkh: 0x6f, p2sh: 0xc4 } as const
const MAIN_VERSIONS: readonly number[] = [0x00, 0x05]
const OTHER_PREFIXES: readonly string[] = ['bc', 'tb', 'bcrt']

/** Longest address text that is looked at (BIP173: 90 characters). */
const MAX_CHARS = 90

/** scriptPubKey of a taproot output: OP_1 and the 32-byte key. */
export const p2trScript = (outputKey: Uint8Array): Uint8Array => concatBytes(Uint8Array.of(0x51, 0x20), outputKey)

/** The key in the script of a taproot output; undefined for every other script. */
export const taprootKey = (script: Uint8Array): Uint8Array | undefined =>
  script.length === 34 && script[0] === 0x51 && script[1] === 0x20 ? script.slice(2) : undefined

/**
 * Output script of an address, or why there is none. Surrounding space is ignored; a `bitcoin:` prefix is not. Form
 * only: whether the key of a taproot address is a point is for the worker to say (spend/recipient.ts).
 */
export function addressToScript(text: string, network: NetworkParams): Result<Uint8Array, AddressError> {
  const address = text.trim()
  if (address === '') return err({ code: 'empty' })
  if (address.length > MAX_CHARS) return err({ code: 'malformed' })
  const separator = address.lastIndexOf('1')
  const prefix = address.slice(0, Math.max(separator, 0)).toLowerCase()
  return OTHER_PREFIXES.includes(prefix) ? fromSegwit(address, prefix, network) : fromBase58(address)
}

function fromSegwit(address: string, prefix: string, network: NetworkParams): Result<Uint8Array, AddressError> {
  const plain = bech32.decodeUnsafe(address, MAX_CHARS)
  const modified = bech32m.decodeUnsafe(address, MAX_CHARS)
  const words = (plain ?? modified)?.words
  const version = words?.[0]
  if (words === undefined || version === undefined) return err({ code: 'checksum' })
  // BIP350: version 0 is bech32, all others bech32m
  if ((version === 0) !== (plain !== undefined)) return err({ code: 'checksum' })
  const program = bech32.fromWordsUnsafe(words.slice(1))
  if (!program || version > 16 || program.length < 2 || program.length > 40) return err({ code: 'malformed' })
  if (version === 0 && program.length !== 20 && program.length !== 32) return err({ code: 'malformed' })
  if (prefix !== network.bech32) return err({ code: 'wrong-network' })
  if (version === 0) return ok(concatBytes(Uint8Array.of(0, program.length), program))
  if (version !== 1 || program.length !== 32) return err({ code: 'unsupported' })
  return ok(p2trScript(program))
}

function fromBase58(address: string): Result<Uint8Array, AddressError> {
  if (!/^[1-9A-HJ-NP-Za-km-z]{26,36}$/.test(address)) return err({ code: 'malformed' })
  let payload: Uint8Array
  try {
    payload = base58check.decode(address)
  } catch {
    return err({ code: 'checksum' })
  }
  const [version] = payload
  if (payload.length !== 21 || version === undefined) return err({ code: 'malformed' })
  const hash = payload.slice(1)
  if (version === TEST_VERSIONS.p2pkh)
    return ok(concatBytes(Uint8Array.of(0x76, 0xa9, 20), hash, Uint8Array.of(0x88, 0xac)))
  if (version === TEST_VERSIONS.p2sh) return ok(concatBytes(Uint8Array.of(0xa9, 20), hash, Uint8Array.of(0x87)))
  return err({ code: MAIN_VERSIONS.includes(version) ? 'wrong-network' : 'malformed' })
}

/** Address of a standard output script; undefined for every other script. */
export function scriptToAddress(script: Uint8Array, network: NetworkParams): string | undefined {
  const [op, length] = script
  const starts = (...bytes: readonly number[]): boolean => bytes.every((byte, i) => script[i] === byte)
  if (op === 0 && length === script.length - 2 && (length === 20 || length === 32)) {
    return bech32.encode(network.bech32, [0, ...bech32.toWords(script.slice(2))])
  }
  const key = taprootKey(script)
  if (key !== undefined) return bech32m.encode(network.bech32, [1, ...bech32.toWords(key)])
  if (script.length === 25 && starts(0x76, 0xa9, 20) && script[23] === 0x88 && script[24] === 0xac) {
    return base58check.encode(concatBytes(Uint8Array.of(TEST_VERSIONS.p2pkh), script.slice(3, 23)))
  }
  if (script.length === 23 && starts(0xa9, 20) && script[22] === 0x87) {
    return base58check.encode(concatBytes(Uint8Array.of(TEST_VERSIONS.p2sh), script.slice(2, 22)))
  }
  return undefined
}
