/** The stored yes of a session, and what was released under it. Kept sealed, so that nobody without the vault can plant a yes. */
import { fromHex, isHex, toHex, utf8ToBytes } from '../../core/domain/bytes'
import type { Hex } from '../../core/domain/bytes'
import type { AttemptName } from '../../core/domain/proposal'
import type { SignedMessage } from '../../core/wire/messages'
import { decodeSigned, encodeSigned } from '../../core/wire/codec'

/** Partials that have left (or may have left) the vault, and for which `nonces` message. */
export interface Released {
  readonly attempt: AttemptName
  readonly noncesHash: Hex
  readonly message: SignedMessage
}

/** `void` means withdrawn: it can never be a yes again. */
export type VoteRecord =
  | { readonly kind: 'yes'; readonly digest: Hex; readonly vote: SignedMessage; readonly released?: Released }
  | { readonly kind: 'void' }

interface Plain {
  readonly kind: 'yes' | 'void'
  readonly digest?: string
  readonly vote?: string
  readonly released?: { readonly counter: number; readonly hub: number; readonly noncesHash: string; readonly message: string }
}

export function encodeVote(record: VoteRecord): Uint8Array {
  const plain: Plain = record.kind === 'void'
    ? { kind: 'void' }
    : {
        kind: 'yes', digest: record.digest, vote: toHex(encodeSigned(record.vote)),
        ...(record.released && { released: { ...record.released.attempt, noncesHash: record.released.noncesHash, message: toHex(encodeSigned(record.released.message)) } }),
      }
  return utf8ToBytes(JSON.stringify(plain))
}

/** The bytes were sealed by `encodeVote`'s caller; undefined only if an older or newer version wrote something else. */
export function decodeVote(bytes: Uint8Array): VoteRecord | undefined {
  const plain = JSON.parse(new TextDecoder().decode(bytes)) as Plain
  if (plain.kind === 'void') return { kind: 'void' }
  const vote = decodeHex(plain.vote)
  if (vote === undefined || plain.digest === undefined || !isHex(plain.digest, 32)) return undefined
  if (plain.released === undefined) return { kind: 'yes', digest: plain.digest, vote }
  const { counter, hub, noncesHash, message: text } = plain.released
  const message = decodeHex(text)
  return message === undefined ? undefined : { kind: 'yes', digest: plain.digest, vote, released: { attempt: { counter, hub }, noncesHash, message } }
}

function decodeHex(text: string | undefined): SignedMessage | undefined {
  if (!isHex(text)) return undefined
  const decoded = decodeSigned(fromHex(text))
  return decoded.ok ? decoded.value : undefined
}
