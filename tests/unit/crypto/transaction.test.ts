import fc from 'fast-check'
import * as btc from '@scure/btc-signer'
import { describe, expect, it } from 'vitest'
import { parseTx, serializeTx, txidOf, vsizeOf, weightOf, type Tx } from '../../../services/core/crypto/transaction'
import { fromHex, toHex } from '../../../services/core/domain/bytes'
import { must } from '../../support/signing'

const bytes = (max: number) => fc.uint8Array({ maxLength: max })
const txs: fc.Arbitrary<Tx> = fc.record({
  version: fc.constantFrom(1, 2, 0xffffffff),
  inputs: fc.array(
    fc.record({
      txid: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex),
      vout: fc.nat(),
      script: bytes(300),
      sequence: fc.nat(0xffffffff),
      witness: fc.array(bytes(100), { maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  outputs: fc.array(fc.record({ sats: fc.bigInt(0n, 2_100_000_000_000_000n), script: bytes(80) }), { maxLength: 4 }),
  locktime: fc.nat(0xffffffff),
})
const fault = (hex: string): string => {
  const parsed = parseTx(fromHex(hex))
  return parsed.ok ? 'ok' : parsed.error.code
}
const minimal = `02000000${'01'}${'aa'.repeat(32)}00000000${'00'}fdffffff${'01'}e803000000000000${'01'}51${'00000000'}`

describe('transactions', () => {
  it('what is written is read back, byte for byte', () => {
    fc.assert(
      fc.property(txs, tx => {
        const raw = serializeTx(tx)
        const read = must(parseTx(raw))
        expect(read).toEqual(tx)
        expect(weightOf(tx)).toBe(serializeTx(tx, true).length * 3 + raw.length)
        expect(vsizeOf(tx)).toBe(Math.ceil(weightOf(tx) / 4))
      }),
    )
  })

  it('any bytes give a transaction that is written back equal, or a fault', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          bytes(400),
          fc.tuple(txs, fc.nat(), fc.nat(255)).map(([tx, at, value]) => {
            const raw = serializeTx(tx)
            raw[at % raw.length] = value
            return raw
          }),
        ),
        raw => {
          const parsed = parseTx(raw)
          if (parsed.ok) expect(toHex(serializeTx(parsed.value))).toBe(toHex(raw))
          else expect(parsed.error.offset).toBeLessThanOrEqual(raw.length)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('id, size and fields agree with another library', () => {
    const theirs = new btc.Transaction({ allowUnknownOutputs: true, lockTime: 5 })
    theirs.addInput({ txid: 'aa'.repeat(32), index: 1, sequence: 0xfffffffd })
    theirs.addOutput({
      script: fromHex(`5120${'79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'}`),
      amount: 12_345n,
    })
    const ours = must(parseTx(theirs.unsignedTx))
    expect(txidOf(ours)).toBe(theirs.id)
    expect(ours).toMatchObject({
      version: 2,
      locktime: 5,
      inputs: [{ txid: 'aa'.repeat(32), vout: 1 }],
      outputs: [{ sats: 12_345n }],
    })
  })

  it('names what is wrong', () => {
    expect(fault(minimal)).toBe('ok')
    expect(fault('')).toBe('truncated')
    expect(fault(minimal.slice(0, -2))).toBe('truncated')
    expect(fault(`${minimal}00`)).toBe('trailing')
    expect(fault('02000000000000000000')).toBe('bad-flag')
    expect(fault('0200000000010000000000')).toBe('no-inputs')
    expect(
      fault(`${minimal.replace('02000000', '020000000001').slice(0, -8)}0000000000`),
      'a witness form without any witness',
    ).toBe('bad-flag')
    expect(fault(minimal.replace('e803000000000000', 'ffffffffffffff7f'))).toBe('amount')
    expect(fault(`02000000fd0100${minimal.slice(10)}`)).toBe('not-minimal')
    expect(fault(`02000000ffffffffffffffffff${minimal.slice(10)}`), 'a count beyond the bytes').toBe('truncated')
    expect(parseTx(fromHex(minimal), 20)).toEqual({ ok: false, error: { code: 'too-large', offset: 20 } })
  })
})
