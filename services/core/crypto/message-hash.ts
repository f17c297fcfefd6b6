import { schnorr } from '@noble/curves/secp256k1.js'
import type { Statement } from '../../ports/signer'
import { fromHex, isHex } from '../domain/bytes'
import type { AccountKey } from '../domain/ids'
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

/** BIP340 by the account key (its x-coordinate). Anything of the wrong shape is simply false. */
export function verifyByAccount(signature: Uint8Array, hash: Uint8Array, accountKey: AccountKey): boolean {
  if (signature.length !== 64 || hash.length !== 32 || !isHex(accountKey, 33)) return false
  return schnorr.verify(signature, hash, fromHex(accountKey.slice(2)))
}

/** True when the message carries its sender's own signature. Says nothing of whether the sender is a member. */
export function verifySignedMessage(message: SignedMessage): boolean {
  return verifyByAccount(message.signature, messageHash(message), message.sender)
}

/** True when the signature is that of the key which the statement names. */
export function verifySignedStatement(statement: Statement, signature: string): boolean {
  return isHex(signature, 64) && verifyByAccount(fromHex(signature), statementHash(statement), statement.accountKey)
}
