import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeVote, encodeVote, isNewerVote, type VoteRecord } from '../../../services/adapters/keyworker/votes'
import { utf8ToBytes } from '../../../services/core/domain/bytes'
import type { SignedMessage } from '../../../services/core/wire/messages'
import { bounded, mutated } from '../../support/fuzz'
import { LONG_LIMIT, times } from '../../support/long'
import { hexOf, samples, USUAL } from '../wire/samples'

const { signed } = samples(USUAL)
const [vote, partials] = ['vote-yes', 'partials'].map(name => signed[name]) as [SignedMessage, SignedMessage]
const digest = hexOf(32, 0xd9)
const records: readonly VoteRecord[] = [
  { kind: 'void' },
  { kind: 'yes', digest, vote },
  {
    kind: 'yes',
    digest,
    vote,
    released: { attempt: { counter: 1, hub: 0 }, noncesHash: hexOf(32, 9), message: partials },
  },
]
const stored = records.map(encodeVote)

describe('the stored yes', LONG_LIMIT, () => {
  it.each(records)('comes back as it was: %#', record => {
    expect(decodeVote(encodeVote(record))).toEqual(record)
  })

  it('of before votes had a version is of the first one, and of a newer one is none', () => {
    for (const [i, record] of records.entries()) {
      const plain = JSON.parse(new TextDecoder().decode(stored[i])) as Record<string, unknown>
      expect(plain.version).toBe(1)
      const changed = (version: unknown) => utf8ToBytes(JSON.stringify({ ...plain, version }))
      expect(decodeVote(changed(undefined))).toEqual(record)
      expect([decodeVote(changed(2)), isNewerVote(changed(2))]).toEqual([undefined, true])
      for (const same of [1, undefined]) expect(isNewerVote(changed(same))).toBe(false)
    }
    for (const text of ['', '{', '[]', '{"version":"x"}', 'null']) expect(isNewerVote(utf8ToBytes(text))).toBe(false)
  })

  it('is nothing when it says anything else', () => {
    const full = JSON.parse(new TextDecoder().decode(stored[2])) as Record<string, unknown>
    const read = (value: unknown) => decodeVote(utf8ToBytes(JSON.stringify(value)))
    expect(read(full)).toEqual(records[2])
    for (const value of [
      null,
      7,
      'yes',
      [],
      {},
      { kind: 'no' },
      { kind: 'yes' },
      { ...full, digest: 'd9' },
      { ...full, vote: 7 },
      { ...full, vote: full.digest },
    ])
      expect(read(value), JSON.stringify(value)).toBeUndefined()
    const released = full.released as Record<string, unknown>
    const broken = [
      null,
      7,
      {},
      ...[
        { counter: '1' },
        { counter: -1 },
        { hub: 0.5 },
        { noncesHash: '09' },
        { message: full.vote },
        { message: undefined },
      ].map(change => ({ ...released, ...change })),
    ]
    for (const value of broken) expect(read({ ...full, released: value }), JSON.stringify(value)).toBeUndefined()
    // a yes is a yes, not any message
    expect(read({ ...full, vote: released.message })).toBeUndefined()
  })

  /** Reading is total, and what is read is a record that is written and read again. */
  function holds(bytes: Uint8Array): void {
    const read = bounded(() => decodeVote(bytes))
    if (read !== undefined) expect(decodeVote(encodeVote(read))).toEqual(read)
  }

  it('of any bytes', () => {
    fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), fc.json().map(utf8ToBytes)), holds), {
      numRuns: times(500, 10_000),
    })
  })

  it('with bytes changed', () => {
    fc.assert(fc.property(mutated(stored), holds), { numRuns: times(1_000, 30_000) })
  })
})
