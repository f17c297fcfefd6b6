/**
 * Takes out of a text what could be, or could be read from, a key, a nonce, a seed or an invite. It errs on the side of
 * too much: a txid goes too. What was taken out is replaced by its kind and a short digest, so that the same value can
 * be followed through a log; six hex digits of a hash of a random secret help nobody to find it.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { toHex, utf8ToBytes } from '../../core/domain/bytes'

/** Longer texts are not looked through but left out: no log line needs them. */
const MAX_LOOKED_AT = 16_384
/** characters that are kept */
const MAX_KEPT = 512

const mark = (kind: string, secret: string): string =>
  `[${kind} ${secret.length} #${toHex(sha256(utf8ToBytes(secret))).slice(0, 6)}]`

const BASE58 = '[1-9A-HJ-NP-Za-km-z]'
/** libp2p peer ids look like keys and are none: they name who is talked to, which is what the log is for. */
const PEER_ID = /^(12D3KooW|16Uiu2HA|Qm)/

const RULES: ReadonlyArray<{
  readonly kind: string
  readonly find: RegExp
  readonly spare?: (found: string) => boolean
}> = [
  // 32 bytes or more in hex
  { kind: 'hex', find: /[0-9a-fA-F]{64,}/g },
  // BIP32 extended keys, private and public
  { kind: 'xkey', find: new RegExp(`\\b[xtyzuv](?:prv|pub)${BASE58}{20,}`, 'g') },
  // private keys in wallet import format
  { kind: 'wif', find: new RegExp(`\\b[5KLc9]${BASE58}{50,51}\\b`, 'g') },
  // bytes printed as a list of numbers
  { kind: 'bytes', find: /\d{1,3}(?:,\s?\d{1,3}){15,}/g },
  // 12 or more words as of BIP39, numbered or not: three to eight letters each
  { kind: 'words', find: /\b(?:(?:\d{1,2}[.)]\s*)?[a-z]{3,8}[\s,;]+){11,}(?:\d{1,2}[.)]\s*)?[a-z]{3,8}\b/gi },
  // 32 bytes or more in base64, plain or for URLs (invites, sealed things)
  { kind: 'base64', find: /[A-Za-z0-9+_-]{43,}={0,2}/g, spare: found => PEER_ID.test(found) },
  // the same with slashes; a path or a multiaddr has words between them
  {
    kind: 'base64',
    find: /[A-Za-z0-9+/]{43,}={0,2}/g,
    spare: found => found.split('/').every(part => /^[a-z0-9]*$/.test(part) || PEER_ID.test(part)),
  },
]

/** Fields whose text is a secret by its name. */
const SECRET_NAME = /secret|seed|mnemonic|words|passw|passphrase|nonce|priv|token/i

export function redactText(text: string): string {
  if (text.length > MAX_LOOKED_AT) return `[text ${text.length}]`
  const clean = RULES.reduce(
    (left, { kind, find, spare }) => left.replace(find, found => (spare?.(found) ? found : mark(kind, found))),
    text,
  )
  return clean.length > MAX_KEPT ? `${clean.slice(0, MAX_KEPT)}…` : clean
}

export function redactField(
  name: string,
  value: string | number | boolean | undefined,
): string | number | boolean | undefined {
  if (typeof value !== 'string') return value
  return SECRET_NAME.test(name) && value !== '' ? '[secret]' : redactText(value)
}
