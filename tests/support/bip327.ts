/** Shapes of the official BIP327 files, and the small steps by which tests read them. */
import { expect } from 'vitest'
import { fromHex } from '../../services/core/domain/bytes'
import { InvalidContribution, MusigError, type Tweak } from '../../services/core/crypto/musig2'

export interface VectorError {
  readonly type: 'invalid_contribution' | 'value'
  readonly signer?: number | null
  readonly contrib?: string
  readonly message?: string
}
interface Case {
  readonly key_indices: number[]
  readonly comment?: string
}
interface Tweaked {
  readonly tweak_indices: number[]
  readonly is_xonly: boolean[]
}
interface Failing {
  readonly error: VectorError
}

export interface KeySortFile {
  pubkeys: string[]
  sorted_pubkeys: string[]
}
export interface KeyAggFile {
  pubkeys: string[]
  tweaks: string[]
  valid_test_cases: Array<Case & { expected: string }>
  error_test_cases: Array<Case & Tweaked & Failing>
}
export interface NonceGenFile {
  test_cases: Array<{
    rand_: string
    sk: string | null
    pk: string
    aggpk: string | null
    msg: string | null
    extra_in: string | null
    expected_secnonce: string
    expected_pubnonce: string
  }>
}
export interface NonceAggFile {
  pnonces: string[]
  valid_test_cases: Array<{ pnonce_indices: number[]; expected: string }>
  error_test_cases: Array<{ pnonce_indices: number[]; comment: string } & Failing>
}
export interface SignVerifyFile {
  sk: string
  pubkeys: string[]
  secnonces: string[]
  pnonces: string[]
  aggnonces: string[]
  msgs: string[]
  valid_test_cases: Array<
    Case & {
      nonce_indices: number[]
      aggnonce_index: number
      msg_index: number
      signer_index: number
      expected: string
    }
  >
  sign_error_test_cases: Array<Case & Failing & { aggnonce_index: number; msg_index: number; secnonce_index: number }>
  verify_fail_test_cases: Array<
    Case & { sig: string; nonce_indices: number[]; msg_index: number; signer_index: number }
  >
  verify_error_test_cases: Array<
    Case & Failing & { sig: string; nonce_indices: number[]; msg_index: number; signer_index: number }
  >
}
export interface TweakFile {
  sk: string
  pubkeys: string[]
  secnonce: string
  pnonces: string[]
  aggnonce: string
  tweaks: string[]
  msg: string
  valid_test_cases: Array<Case & Tweaked & { nonce_indices: number[]; signer_index: number; expected: string }>
  error_test_cases: Array<Case & Tweaked & Failing & { signer_index: number }>
}
export interface SigAggFile {
  pubkeys: string[]
  pnonces: string[]
  tweaks: string[]
  psigs: string[]
  msg: string
  valid_test_cases: Array<
    Case & Tweaked & { aggnonce: string; nonce_indices: number[]; psig_indices: number[]; expected: string }
  >
  error_test_cases: Array<Case & Tweaked & Failing & { aggnonce: string; psig_indices: number[] }>
}
export interface DetSignFile {
  sk: string
  pubkeys: string[]
  msgs: string[]
  valid_test_cases: Array<
    Case & {
      rand: string | null
      aggothernonce: string
      tweaks: string[]
      is_xonly: boolean[]
      msg_index: number
      expected: [string, string]
    }
  >
  error_test_cases: Array<
    Case &
      Failing & { rand: string | null; aggothernonce: string; tweaks: string[]; is_xonly: boolean[]; msg_index: number }
  >
}

export const bytesAt = (list: readonly string[], indices: readonly number[]): Uint8Array[] =>
  indices.map(i => fromHex(list[i]!))
export const tweaksAt = (list: readonly string[], test: Tweaked): Tweak[] =>
  test.tweak_indices.map((index, i) => ({ scalar: fromHex(list[index]!), xOnly: test.is_xonly[i]! }))

/** The call fails for the vector's reason and names the vector's participant. */
export function expectVectorError(error: VectorError, call: () => unknown): void {
  let caught: unknown
  try {
    call()
  } catch (thrown) {
    caught = thrown
  }
  if (error.type === 'value') {
    expect(caught).toBeInstanceOf(MusigError)
    return
  }
  expect(caught).toBeInstanceOf(InvalidContribution)
  const { index, what } = caught as InvalidContribution
  expect(index).toBe(error.signer ?? undefined)
  expect(what).toBe(error.contrib)
}
