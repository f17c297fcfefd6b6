import type { Statement } from '../../ports/signer'
import { encodeStatement, encodeUnsigned } from '../wire/codec'
import type { SignBody, SignedMessage } from '../wire/messages'
import { TAGS, tagged } from './tagged'

const messageTag = (type: SignBody['type'] | Statement['type']): string => `tandem/${type}/1`

/** What the sender of a session message signs: (sender, wallet, session, attempt, body) under the tag of its type. 32 bytes. */
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
