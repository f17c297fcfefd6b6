import type { Statement } from '../domain/statement'
import { equalBytes } from '../domain/bytes'
import { encodeStatement, encodeUnsigned } from '../wire/codec'
import type { SignBody, SignedMessage } from '../wire/messages'
import { TAGS, tagged } from './tagged'

const messageTag = (type: SignBody['type'] | Statement['type']): string => `tandem/${type}/1`

/**
 * What the sender of a session message signs: (sender, wallet, session, attempt, body) under the tag of its type. 32
 * bytes.
 */
export function messageHash(message: Omit<SignedMessage, 'signature'>): Uint8Array {
  return tagged(messageTag(message.body.type), encodeUnsigned(message))
}

/** What the account key signs of a statement. 32 bytes. */
export function statementHash(statement: Statement): Uint8Array {
  return tagged(messageTag(statement.type), encodeStatement(statement))
}

/** The hash by which the hub's `nonces` names one member's pubnonces (66 bytes per input, in order). 32 bytes. */
export function pubnoncesHash(pubnonces: readonly Uint8Array[]): Uint8Array {
  return tagged(TAGS.pubnoncesHash, ...pubnonces)
}

/**
 * Two messages of one member for one attempt that no honest member makes, whatever happens to its disk: other partials
 * for the same `nonces`, or a hub's other `nonces` with the same nonces of its own in them. A disk that was set back,
 * and a second computer, make new nonces, so what hangs on these may differ.
 */
export function contradict(one: SignedMessage, other: SignedMessage): boolean {
  if (equalBytes(messageHash(one), messageHash(other))) return false
  const [a, b] = [one.body, other.body]
  if (a.type === 'partials' && b.type === 'partials') return equalBytes(a.noncesHash, b.noncesHash)
  const hub = one.attempt?.hub ?? 0
  return (
    a.type === 'nonces' &&
    b.type === 'nonces' &&
    equalBytes(a.hashes[hub] ?? new Uint8Array(), b.hashes[hub] ?? new Uint8Array())
  )
}
