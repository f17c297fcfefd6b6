import type { KeyOrigin, RelayList, RosterEntry } from '../domain/wallet'
import type { AttemptName } from '../domain/proposal'
import { LIMITS } from './limits'
import { array, ascii, field, hexBytes, name, refine, struct, uint } from './schema'

/**
 * Schemas that several messages share. Form only: curve points, checksums and signatures are checked where they are
 * used.
 */

export const hash = hexBytes(32)
export const signatureHex = hexBytes(64)

/** 33-byte compressed key */
export const accountKey = refine(hexBytes(33), key => key.startsWith('02') || key.startsWith('03'), 'bad-text')
export const memberName = name(LIMITS.nameBytes)
/** base58btc multihash text; libp2p checks what is inside */
export const peerId = ascii(/^[1-9A-HJ-NP-Za-km-z]{46,}$/, LIMITS.peerIdBytes)
export const multiaddr = ascii(/^(\/[\x21-\x2e\x30-\x7e]+)+$/, LIMITS.multiaddrBytes)
export const xpub = ascii(/^[1-9A-HJ-NP-Za-km-z]{100,}$/, LIMITS.xpubBytes)
/** machine codes and build names */
export const code = ascii(/^[\x21-\x7e]+$/, LIMITS.codeBytes)
/** unix seconds, until the year 36812 */
export const seconds = uint(2 ** 40)
/** unix milliseconds, until the year 10889 */
export const millis = uint(2 ** 48)
/** proof and list numbers start at 1 and count changes by hand */
export const serial = uint(2 ** 32 - 1, 1)

export const origin = struct<KeyOrigin>({
  fingerprint: field('fp', hexBytes(4)),
  path: field('path', ascii(/^(0|[1-9][0-9]{0,9})h(\/(0|[1-9][0-9]{0,9})h)*$/, LIMITS.pathBytes)),
})

export const rosterEntry = struct<RosterEntry>({
  accountKey: field('key', accountKey),
  origin: field('origin', origin),
  xpub: field('xpub', xpub),
  name: field('name', memberName),
  peerId: field('peer', peerId),
  proofNumber: field('num', serial),
  proof: field('proof', signatureHex),
})

export const roster = array(rosterEntry, LIMITS.members)

export const relays = array(multiaddr, LIMITS.relays)

export const relayList = struct<RelayList>({
  number: field('num', serial),
  relays: field('relays', relays),
  by: field('by', accountKey),
  signature: field('sig', signatureHex),
})

export const attempt = struct<AttemptName>({
  counter: field('n', uint(LIMITS.attempts)),
  hub: field('hub', uint(LIMITS.members - 1)),
})
