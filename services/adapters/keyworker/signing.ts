/** Partial signatures from a nonce handle: the one place where a secret nonce and a secret key meet. */
import { InvalidContribution, MusigError, musigSession, partialSign, type KeyAgg } from '../../core/crypto/musig2'
import { err, ok, type Result } from '../../core/domain/result'
import type { NonceBook, NonceHandle } from './nonce-book'

export interface SignInput {
  readonly message: Uint8Array
  /** aggregation with this input's tweaks applied */
  readonly agg: KeyAgg
  /** 66 bytes */
  readonly aggnonce: Uint8Array
}

export interface HandleFault {
  readonly code: 'no-nonce' | 'bad-nonces'
  readonly detail: string
}

/**
 * Consumes the handle before anything else is looked at, whatever comes of it, then signs and self-verifies each input.
 * All nonces of the handle are wiped when this returns.
 */
export function signWithHandle(
  book: NonceBook,
  handle: NonceHandle,
  inputs: readonly SignInput[],
  secretKey: Uint8Array,
): Result<Uint8Array[], HandleFault> {
  const secrets = book.take(handle)
  if (secrets === undefined) return err({ code: 'no-nonce', detail: 'no live nonces under this name' })
  try {
    if (secrets.length !== inputs.length) return err({ code: 'bad-nonces', detail: 'one nonce per input' })
    return ok(
      inputs.map(({ message, agg, aggnonce }, i) =>
        partialSign(musigSession(agg, aggnonce, message), secrets[i] ?? new Uint8Array(97), secretKey),
      ),
    )
  } catch (error) {
    if (error instanceof InvalidContribution || error instanceof MusigError)
      return err({ code: 'bad-nonces', detail: error.message })
    throw error
  } finally {
    for (const secret of secrets) secret.fill(0)
  }
}
