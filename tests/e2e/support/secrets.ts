import { secp256k1 } from '@noble/curves/secp256k1.js'
import { HDKey } from '@scure/bip32'
import { mnemonicToEntropy, mnemonicToSeedSync } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { fileKey, PEER_KEY_PATH, peerKeySeed } from '../../../services/core/crypto/peer-key'
import type { Recorded } from './recorder'

/** Bytes or a text that must not be found, and where it may be. */
export interface Secret {
  readonly name: string
  readonly value: Uint8Array | string
  readonly allowed?: (record: Recorded) => boolean
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Everything that follows from a member's words; `accounts` are BIP32 paths like 87h/1h/5h. */
export function secretsOf(words: string, password: string, accounts: readonly string[]): Secret[] {
  const entropy = mnemonicToEntropy(words, wordlist)
  const seed = mnemonicToSeedSync(words)
  const root = HDKey.fromMasterSeed(seed)
  const key = (name: string, path: string): Secret[] => {
    const node = root.derive(`m/${path.replace(/^m\//, '').replaceAll('h', "'")}`)
    return [
      { name: `private key of ${name}`, value: node.privateKey ?? new Uint8Array() },
      { name: `extended private key of ${name}`, value: node.privateExtendedKey },
    ]
  }
  const peerNode = root.derive(PEER_KEY_PATH.replaceAll('h', "'")).privateKey ?? new Uint8Array()
  const given = (record: Recorded) => record.where === 'to worker' && record.what === 'createProfile'
  return [
    { name: 'words', value: words, allowed: given },
    {
      name: 'password',
      value: password,
      allowed: record => record.where === 'to worker' && ['createProfile', 'unlock'].includes(record.what),
    },
    { name: 'entropy', value: entropy },
    { name: 'seed, first half', value: seed.slice(0, 32) },
    { name: 'seed, second half', value: seed.slice(32) },
    { name: 'master key', value: root.privateKey ?? new Uint8Array() },
    { name: 'key of the wallet file', value: fileKey(seed) },
    { name: 'key behind the peer key', value: peerNode },
    // the one secret that leaves the vault, and only by the answer to unlock
    {
      name: 'peer key',
      value: peerKeySeed(peerNode),
      allowed: record => record.where === 'from worker' && record.what === 'unlock',
    },
    ...['87h', '87h/1h', ...accounts].flatMap(path => key(`m/${path}`, path)),
  ]
}

/** How bytes look inside of a text: hex, base64 at each of its three alignments, decimals. */
function spellings(bytes: Uint8Array): { lower: string[]; exact: string[] } {
  const exact = [0, 1, 2].map(shift => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replaceAll('=', '')
    // the first characters mix in what stands before, the last ones what follows
    return encoded.slice(shift === 0 ? 0 : shift + 1, -1 - (encoded.length % 4 === 0 ? 0 : 1))
  })
  return { lower: [hexOf(bytes)], exact: [...exact, [...bytes].join(',')] }
}

/** Names what was found where; empty when nothing was. */
export function find(records: readonly Recorded[], secrets: readonly Secret[]): string[] {
  const found = new Set<string>()
  const prepared = secrets.map(secret => ({
    secret,
    ...(typeof secret.value === 'string'
      ? { lower: [], exact: [secret.value], hex: Buffer.from(secret.value).toString('hex') }
      : { ...spellings(secret.value), hex: hexOf(secret.value) }),
  }))
  for (const record of records) {
    // bytes may hold a text: JSON that was encoded before it was stored
    const texts = [...record.texts, ...record.bytes.map(hex => Buffer.from(hex, 'hex').toString('latin1'))]
    const forms = texts.map(text => ({
      lower: text.toLowerCase(),
      exact: text.replaceAll('-', '+').replaceAll('_', '/'),
      bare: text.replace(/\s+/g, ''),
      text,
    }))
    for (const { secret, lower, exact, hex } of prepared) {
      if (secret.allowed?.(record) === true) continue
      const hit =
        record.bytes.some(b => b.includes(hex)) ||
        forms.some(
          form =>
            lower.some(needle => form.lower.includes(needle)) ||
            exact.some(
              needle => form.text.includes(needle) || form.exact.includes(needle) || form.bare.includes(needle),
            ),
        )
      if (hit) found.add(`${secret.name} in ${record.where} ${record.what}`)
    }
  }
  return [...found]
}

/** The public nonces of the records: two compressed points in 66 bytes. */
export function publicNonces(records: readonly Recorded[]): string[] {
  return records
    .filter(r => r.where === 'from worker' && r.what === 'makeNonces')
    .flatMap(r => r.bytes)
    .filter(hex => hex.length === 132 && /^0[23]/.test(hex))
    .flatMap(hex => [hex.slice(0, 66), hex.slice(66)])
}

/**
 * Looks for the secret behind a public point: no 32 bytes of what was recorded, raw or hex, may be the discrete
 * logarithm of one of `points` (compressed, hex). That is what a secret nonce or a private key is, however it was made.
 */
export function findLogarithms(records: readonly Recorded[], points: readonly string[]): string[] {
  const wanted = new Set(points.map(point => point.slice(2)))
  const tried = new Set<string>()
  const found: string[] = []
  for (const record of records) {
    const runs = [...record.bytes, ...record.texts.flatMap(text => text.toLowerCase().match(/[0-9a-f]{64,}/g) ?? [])]
    for (const run of runs) {
      // nonces come as 32, 64 or 97 bytes; longer runs are transactions and sealed records
      if (run.length > 512) continue
      for (let i = 0; i + 64 <= run.length; i += 2) {
        const candidate = run.slice(i, i + 64)
        if (tried.has(candidate)) continue
        tried.add(candidate)
        const scalar = Buffer.from(candidate, 'hex')
        if (!secp256k1.utils.isValidSecretKey(scalar)) continue
        if (wanted.has(hexOf(secp256k1.getPublicKey(scalar, true)).slice(2)))
          found.push(`secret of a public point in ${record.where} ${record.what}`)
      }
    }
  }
  return found
}
