import { describe, expect, it } from 'vitest'
import { useFailureWords } from '../../composables/useFailureWords'
import { enFailure } from '../../locales/en-failure'
import { failedAttempt } from '../../services/core/signing/rules/session-screen'
import type { Who } from '../../services/core/signing/rules/who'
import { ATTEMPT_FAILURES, PROPOSAL_RULES } from '../../services/core/domain/signing-state'

const YOU: Who = { kind: 'self' }
const names: Readonly<Record<string, Who>> = {
  me: YOU,
  ann: { kind: 'member', name: 'Ann' },
  ben: { kind: 'member', name: 'Ben' },
}
const { sentence, end } = useFailureWords()
const say = (failure: Parameters<typeof failedAttempt>[0], stopped = false) =>
  sentence(failedAttempt(failure, stopped, key => names[key] ?? { kind: 'unknown' }, 'me'))

describe('why an attempt did not work', () => {
  it('has a sentence for everything that the machine says', () => {
    expect(Object.keys(enFailure.reason).sort()).toEqual([...ATTEMPT_FAILURES, 'check', 'signer', 'unknown'].sort())
    const all = [...ATTEMPT_FAILURES, ...PROPOSAL_RULES.map(rule => `check:${rule}`), 'signer-storage-failed'].map(
      code => say({ code, by: 'ann', proven: false }),
    )
    expect(new Set(all).size).toBe(all.length)
    for (const text of all) {
      expect(text).toMatch(/^[A-Z][^{}]+\. It is tried again by itself\.$/)
      expect(text).not.toContain(enFailure.reason.unknown)
    }
    expect(say({ code: 'made up by a peer', by: 'ann', proven: false })).toBe(
      'It could not be completed. It is tried again by itself.',
    )
    expect(say({ code: 'check:constructor', by: 'ann', proven: false })).toContain('It could not be completed.')
    expect(say({ code: 'toString', by: 'ann', proven: false })).toContain('It could not be completed.')
  })

  it('says why a proposal failed', () => {
    expect(end({ code: 'input-spent' }, YOU)).toBe('One of its coins was spent elsewhere.')
    expect(end({ code: 'not-yet-seen', by: 'me' }, YOU)).toBe('You could not see all coins on the chain.')
    expect(end({ code: 'check:fee-too-high', by: 'me' }, YOU)).toMatch(/^You found in the last check that /)
    expect(end({ code: 'what' }, YOU)).toBe('It could not be completed.')
  })

  it('names the member, the step and the coin, and says how far that is known', () => {
    expect(say({ code: 'partial-invalid', by: 'ann', culprit: 'ben', input: 1, proven: true }, true)).toBe(
      'Ben sent a wrong signature at “Signed” for coin 2. Signed messages prove it. It is not tried again by itself: decide whether to try once more.',
    )
    expect(say({ code: 'partial-invalid', by: 'ann', culprit: 'ben', input: 0, proven: false })).toBe(
      'Ben sent a wrong signature at “Signed” for coin 1. Ann reports this. It is tried again by itself.',
    )
    expect(say({ code: 'partials-equivocation', by: 'ann', culprit: 'ben', proven: true })).toContain(
      'Ben sent two different signatures at “Signed”.',
    )
    expect(say({ code: 'late', by: 'me', culprit: 'ben', proven: false }), 'what I saw myself needs no reporter').toBe(
      'Ben did not answer in time. It is tried again by itself.',
    )
    expect(say({ code: 'member-left', by: 'ann', culprit: 'ben', proven: false })).toBe(
      'Ben went offline. Ann reports this. It is tried again by itself.',
    )
    expect(say({ code: 'check:change-reused', by: 'ben', proven: false })).toBe(
      'Ben found in the last check that it sends the change to an address that was used before. It is tried again by itself.',
    )
  })
})
