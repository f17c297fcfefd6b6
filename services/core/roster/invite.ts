import { base64urlnopad } from '@scure/base'
import { concatBytes, equalBytes, type Hex } from '../domain/bytes'
import { isRelayAddress } from '../domain/config'
import type { PeerId } from '../domain/ids'
import { isNetworkName, type NetworkName } from '../domain/network'
import { MEMBERS_MAX_CODE, MEMBERS_MIN } from '../domain/policy'
import { err, ok, type Result } from '../domain/result'
import { tagged } from '../crypto/tagged'
import { LIMITS } from '../wire/limits'
import { array, ascii, decodeWith, encodeWith, field, hexBytes, name, struct, uint } from '../wire/schema'
import { hash, memberName, peerId, seconds } from '../wire/shapes'

/**
 * The invite, `#/join/<payload>`: base64url without padding of (version byte, deterministic CBOR, 4 bytes of checksum).
 * The checksum is the head of a tagged hash over all before it; it finds a cut or mistyped link and has no part in
 * safety. Its place and its tag are the same in every version, so that an invite of a newer app is told from a damaged
 * one. Whoever holds the link may ask for a seat.
 */
export interface Invite {
  readonly network: NetworkName
  /** 32 random bytes hex */
  readonly draftId: Hex
  /** multiaddrs that end in /p2p/<relay's peer id>, at least one */
  readonly relays: readonly string[]
  readonly creatorPeerId: PeerId
  readonly creatorName: string
  /** 16 random bytes hex; good only for joining this draft until its roster closes */
  readonly secret: Hex
  readonly walletName: string
  /** members in all */
  readonly n: number
  /** unix seconds */
  readonly expiresAt: number
}

export type InviteError =
  | { readonly code: 'empty' }
  /** cut, mistyped, or no invite at all */
  | { readonly code: 'damaged' }
  | { readonly code: 'unknown-version'; readonly version: number }
  /** sound, but for a network that this app is not set up for */
  | { readonly code: 'other-network'; readonly network: string }
  | { readonly code: 'expired'; readonly expiresAt: number }
  | { readonly code: 'bad-relay'; readonly relay: string }

const VERSION = 1
const CHECKSUM = 4
const PATH = '#/join/'

// network and relays are read as plain texts first: a wrong one gets an error of its own
const schema = struct<Omit<Invite, 'network'> & { readonly network: string }>({
  network: field('net', ascii(/^[a-z0-9]+$/, 16)),
  draftId: field('draft', hash),
  relays: field('relays', array(ascii(/^[\x21-\x7e]+$/, LIMITS.multiaddrBytes), LIMITS.relays, 1)),
  creatorPeerId: field('peer', peerId),
  creatorName: field('by', memberName),
  secret: field('secret', hexBytes(16)),
  walletName: field('name', name(LIMITS.nameBytes)),
  n: field('n', uint(MEMBERS_MAX_CODE, MEMBERS_MIN)),
  expiresAt: field('expiry', seconds),
})

const checksum = (body: Uint8Array): Uint8Array => tagged('tandem/invite', body).slice(0, CHECKSUM)

/**
 * Payload of the link, without `#/join/`. Throws `RangeError` when a field breaks its bounds: they are checked where
 * the draft is made.
 */
export function encodeInvite(invite: Invite): string {
  const body = concatBytes(Uint8Array.of(VERSION), encodeWith(schema, invite, LIMITS.inviteChars))
  return base64urlnopad.encode(concatBytes(body, checksum(body)))
}

/** The whole fragment that follows the app's address. */
export const inviteFragment = (invite: Invite): string => PATH + encodeInvite(invite)

/**
 * The payload in a pasted text: a whole URL, a fragment, a path or the bare payload, with white space (also inside,
 * from wrapped mails).
 */
function payloadOf(text: string): string {
  const squeezed = text.replace(/\s+/gu, '')
  const at = squeezed.lastIndexOf('/join/')
  const payload = at < 0 ? squeezed : squeezed.slice(at + '/join/'.length)
  return payload.replace(/[?#&].*$/, '').replace(/={1,2}$/, '')
}

/**
 * Reads what a person pasted or a link carried. `now` is unix seconds; `available` are the networks of `config.json`.
 */
export function parseInvite(
  text: string,
  at: { readonly now: number; readonly available: readonly NetworkName[] },
): Result<Invite, InviteError> {
  if (text.length > LIMITS.inviteChars) return err({ code: 'damaged' })
  const payload = payloadOf(text)
  if (payload === '') return err({ code: 'empty' })
  let bytes: Uint8Array
  try {
    bytes = base64urlnopad.decode(payload)
  } catch {
    return err({ code: 'damaged' })
  }
  const body = bytes.slice(0, -CHECKSUM)
  if (bytes.length <= CHECKSUM + 1 || !equalBytes(checksum(body), bytes.slice(-CHECKSUM)))
    return err({ code: 'damaged' })
  const version = body[0] ?? 0
  if (version !== VERSION) return err({ code: 'unknown-version', version })
  const decoded = decodeWith(schema, body.slice(1), LIMITS.inviteChars)
  if (!decoded.ok) return err({ code: 'damaged' })
  const { network, ...rest } = decoded.value
  if (!isNetworkName(network) || !at.available.includes(network)) return err({ code: 'other-network', network })
  const relay = rest.relays.find(address => !isRelayAddress(address))
  if (relay !== undefined) return err({ code: 'bad-relay', relay })
  if (rest.expiresAt <= at.now) return err({ code: 'expired', expiresAt: rest.expiresAt })
  return ok({ network, ...rest })
}
