import { toHex, utf8ToBytes, type Hex } from '../domain/bytes'
import type { WalletRecord } from '../domain/wallet'
import { sized, TAGS, tagged } from '../crypto/tagged'
import { encodeRosterEntry } from '../wire/codec'

const VERSION = 1
const DIGITS = 60
const GROUP = 5
const QR_PREFIX = 'tandem-safety:1:'

/**
 * Safety hash (32 bytes hex): tagged hash over the version byte, network, canonical descriptor and every roster entry
 * in the order of the account keys, each with its length before it. Two members see the same number only when they hold
 * the same wallet: keys, names, peer ids.
 */
export function safetyHash(record: Pick<WalletRecord, 'network' | 'descriptor' | 'roster'>): Hex {
  const entries = [...record.roster].sort((a, b) => (a.accountKey < b.accountKey ? -1 : 1))
  return toHex(
    tagged(
      TAGS.safety,
      Uint8Array.of(VERSION),
      sized(utf8ToBytes(record.network)),
      sized(utf8ToBytes(record.descriptor)),
      ...entries.map(entry => sized(encodeRosterEntry(entry))),
    ),
  )
}

/**
 * 60 digits in 12 groups of 5, 199 bits: the hash as a big-endian number modulo 10^60. 2^256 is so much larger that no
 * digit is noticeably likelier than another.
 */
export function safetyNumber(hash: Hex): readonly string[] {
  const digits = (BigInt(`0x${hash}`) % 10n ** BigInt(DIGITS)).toString().padStart(DIGITS, '0')
  return Array.from({ length: DIGITS / GROUP }, (_, i) => digits.slice(i * GROUP, (i + 1) * GROUP))
}

/** What the QR beside the number holds: the whole hash, so that a scan compares more than an eye does. */
export const safetyQr = (hash: Hex): string => QR_PREFIX + hash

/** True when a scanned text is this very safety hash; undefined when it is none at all. */
export function matchesSafetyQr(text: string, hash: Hex): boolean | undefined {
  const trimmed = text.trim()
  return /^tandem-safety:1:[0-9a-f]{64}$/.test(trimmed) ? trimmed === safetyQr(hash) : undefined
}
