import { schnorr } from '@noble/curves/secp256k1.js'
import type { Statement } from '../domain/statement'
import { fromHex, isHex } from '../domain/bytes'
import type { AccountKey } from '../domain/ids'
import type { SignedMessage } from '../wire/messages'
import { messageHash, statementHash } from './message-hash'

/**
 * BIP340 verification by a 32-byte x-only key; messages of any length. False for anything that is no signature or key.
 */
export function verifySignature(signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean {
  return signature.length === 64 && key.length === 32 && schnorr.verify(signature, message, key)
}

/** BIP340 signature (64 bytes) with 32 bytes of auxiliary randomness. */
export function signHash(message: Uint8Array, secretKey: Uint8Array, aux: Uint8Array): Uint8Array {
  return schnorr.sign(message, secretKey, aux)
}

/** BIP340 by the account key (its x-coordinate). Anything of the wrong shape is simply false. */
export function verifyByAccount(signature: Uint8Array, hash: Uint8Array, accountKey: AccountKey): boolean {
  return hash.length === 32 && isHex(accountKey, 33) && verifySignature(signature, hash, fromHex(accountKey.slice(2)))
}

/** True when the message carries its sender's own signature. Says nothing of whether the sender is a member. */
export function verifySignedMessage(message: SignedMessage): boolean {
  return verifyByAccount(message.signature, messageHash(message), message.sender)
}

/** True when the signature is that of the key which the statement names. */
export function verifySignedStatement(statement: Statement, signature: string): boolean {
  return isHex(signature, 64) && verifyByAccount(fromHex(signature), statementHash(statement), statement.accountKey)
}
