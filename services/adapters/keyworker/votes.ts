/**
 * The stored yes of a session, and what was released under it. Kept sealed, so that nobody without the vault can plant
 * a yes.
 */
import { fromHex, isHex, toHex, utf8ToBytes } from '../../core/domain/bytes'
import type { Hex } from '../../core/domain/bytes'
import type { AttemptName } from '../../core/domain/proposal'
import type { SignBody, SignedMessage } from '../../core/wire/messages'
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

/** The form of a stored vote; one that does not tell it is of the first. */
const VERSION = 1

/** What JSON holds of it. */
interface Plain {
  readonly version: number
  readonly kind: 'yes' | 'void'
  readonly digest?: string
  readonly vote?: string
  readonly released?: {
    readonly counter: number
    readonly hub: number
    readonly noncesHash: string
    readonly message: string
  }
}

export function encodeVote(record: VoteRecord): Uint8Array {
  const plain: Plain =
    record.kind === 'void'
      ? { version: VERSION, kind: 'void' }
      : {
          version: VERSION,
          kind: 'yes',
          digest: record.digest,
          vote: toHex(encodeSigned(record.vote)),
          ...(record.released && {
            released: {
              ...record.released.attempt,
              noncesHash: record.released.noncesHash,
              message: toHex(encodeSigned(record.released.message)),
            },
          }),
        }
  return utf8ToBytes(JSON.stringify(plain))
}

/** Whether a newer version of the app has stored this: it is no yes here. A withdrawal may take its place. */
export const isNewerVote = (bytes: Uint8Array): boolean =>
  Number(fields(parseJson(bytes))?.version ?? VERSION) > VERSION

/** Reading is total: undefined for anything that `encodeVote` does not write, or did before votes had a version. */
export function decodeVote(bytes: Uint8Array): VoteRecord | undefined {
  const plain = fields(parseJson(bytes))
  if ((plain?.version ?? VERSION) !== VERSION) return undefined
  if (plain?.kind === 'void') return { kind: 'void' }
  const vote = decodeMessage(plain?.vote, 'vote')
  if (plain?.kind !== 'yes' || vote === undefined || !isHash(plain.digest)) return undefined
  if (plain.released === undefined) return { kind: 'yes', digest: plain.digest, vote }
  const released = decodeReleased(fields(plain.released))
  return released && { kind: 'yes', digest: plain.digest, vote, released }
}

function decodeReleased(plain: Fields | undefined): Released | undefined {
  const message = decodeMessage(plain?.message, 'partials')
  if (
    plain === undefined ||
    message === undefined ||
    !isCount(plain.counter) ||
    !isCount(plain.hub) ||
    !isHash(plain.noncesHash)
  )
    return undefined
  return { attempt: { counter: plain.counter, hub: plain.hub }, noncesHash: plain.noncesHash, message }
}

type Fields = Readonly<Record<string, unknown>>

const fields = (value: unknown): Fields | undefined =>
  typeof value === 'object' && value !== null ? (value as Fields) : undefined
const isHash = (value: unknown): value is Hex => typeof value === 'string' && isHex(value, 32)
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}

function decodeMessage(text: unknown, type: SignBody['type']): SignedMessage | undefined {
  if (typeof text !== 'string' || !isHex(text)) return undefined
  const decoded = decodeSigned(fromHex(text))
  return decoded.ok && decoded.value.body.type === type ? decoded.value : undefined
}
