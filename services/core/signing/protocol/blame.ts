import type { MemberIndex } from '../../domain/ids'
import type { AttemptFailureCode } from '../../domain/signing-state'
import { encodeSigned } from '../../wire/codec'
import { LIMITS } from '../../wire/limits'
import type { SignBody, SignedMessage } from '../../wire/messages'

/**
 * A `fail` that names a culprit, with what proves it (crypto/evidence.ts); evidence that does not fit is left out, and
 * then it reads "the hub reports".
 */
export function blame(
  code: AttemptFailureCode,
  culprit: MemberIndex | undefined,
  input: number | undefined,
  messages: readonly SignedMessage[],
): SignBody {
  const encoded = messages.map(encodeSigned)
  const fits =
    encoded.length <= LIMITS.evidenceItems && encoded.reduce((sum, e) => sum + e.length, 0) <= LIMITS.evidenceBytes
  return { type: 'fail', code, culprit, input, evidence: fits ? encoded : [] }
}
