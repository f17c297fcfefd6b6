import { describe, expect, it } from 'vitest'
import { p2trScript } from '../../../services/core/crypto/address'
import { tapOutputKey, tapTweak } from '../../../services/core/crypto/bip328'
import { signHash } from '../../../services/core/crypto/signature'
import { individualPubkey } from '../../../services/core/crypto/musig2'
import { sighashMidstate, sighashOf, signatureMessage } from '../../../services/core/crypto/sighash'
import { parseTx, serializeTx } from '../../../services/core/crypto/transaction'
import { fromHex, toHex } from '../../../services/core/domain/bytes'
import { noVectors, readVectors } from '../../support/vectors'

interface WalletVectors {
  scriptPubKey: Array<{
    given: { internalPubkey: string }
    intermediary: { merkleRoot: string | null; tweak: string; tweakedPubkey: string }
    expected: { scriptPubKey: string }
  }>
  keyPathSpending: Array<{
    given: { rawUnsignedTx: string; utxosSpent: Array<{ scriptPubKey: string; amountSats: number }> }
    intermediary: Record<'hashAmounts' | 'hashOutputs' | 'hashPrevouts' | 'hashScriptPubkeys' | 'hashSequences', string>
    inputSpending: Array<{
      given: { txinIndex: number; internalPrivkey: string; merkleRoot: string | null; hashType: number }
      intermediary: { internalPubkey: string; tweak: string; tweakedPrivkey: string; sigMsg: string; sigHash: string }
      expected: { witness: string[] }
    }>
  }>
}
const root = (hex: string | null): Uint8Array | undefined => (hex === null ? undefined : fromHex(hex))

describe.skipIf(noVectors('bip341/wallet-test-vectors.json'))('BIP341 wallet vectors', () => {
  const file = (): WalletVectors => readVectors('bip341/wallet-test-vectors.json')

  it('output keys, with and without a script tree', () => {
    for (const { given, intermediary, expected } of file().scriptPubKey) {
      const internal = fromHex(given.internalPubkey)
      expect(toHex(tapTweak(internal, root(intermediary.merkleRoot)).scalar)).toBe(intermediary.tweak)
      const output = tapOutputKey(internal, root(intermediary.merkleRoot))!
      expect(toHex(output)).toBe(intermediary.tweakedPubkey)
      expect(toHex(p2trScript(output))).toBe(expected.scriptPubKey)
    }
  })

  it('sighashes and signatures of key-path spends, of every type', () => {
    let inputs = 0
    for (const { given, intermediary, inputSpending } of file().keyPathSpending) {
      const parsed = parseTx(fromHex(given.rawUnsignedTx))
      if (!parsed.ok) throw new Error(parsed.error.code)
      const tx = parsed.value
      expect(toHex(serializeTx(tx))).toBe(given.rawUnsignedTx)
      const prevouts = given.utxosSpent.map(out => ({
        sats: BigInt(out.amountSats),
        script: fromHex(out.scriptPubKey),
      }))
      const mid = sighashMidstate(tx, prevouts)
      expect({
        hashAmounts: toHex(mid.amounts),
        hashOutputs: toHex(mid.outputs),
        hashPrevouts: toHex(mid.prevouts),
        hashScriptPubkeys: toHex(mid.scriptPubkeys),
        hashSequences: toHex(mid.sequences),
      }).toEqual(intermediary)
      for (const input of inputSpending) {
        const { txinIndex, hashType, internalPrivkey, merkleRoot } = input.given
        const message = signatureMessage(tx, prevouts, mid, txinIndex, hashType)
        if (!message.ok) throw new Error(message.error.code)
        // the file writes the message with its epoch byte
        expect(`00${toHex(message.value)}`).toBe(input.intermediary.sigMsg)
        expect(toHex(sighashOf(message.value))).toBe(input.intermediary.sigHash)
        const internal = individualPubkey(fromHex(internalPrivkey)).slice(1)
        expect(toHex(tapTweak(internal, root(merkleRoot)).scalar)).toBe(input.intermediary.tweak)
        const signature = signHash(
          sighashOf(message.value),
          fromHex(input.intermediary.tweakedPrivkey),
          new Uint8Array(32),
        )
        expect(toHex(signature) + (hashType === 0 ? '' : hashType.toString(16).padStart(2, '0'))).toBe(
          input.expected.witness[0],
        )
        inputs++
      }
    }
    expect(inputs).toBe(7)
  })

  it('refuses types that BIP341 does not know and SINGLE without its output', () => {
    const { given } = file().keyPathSpending[0]!
    const parsed = parseTx(fromHex(given.rawUnsignedTx))
    if (!parsed.ok) throw new Error(parsed.error.code)
    const prevouts = given.utxosSpent.map(out => ({ sats: BigInt(out.amountSats), script: fromHex(out.scriptPubKey) }))
    const mid = sighashMidstate(parsed.value, prevouts)
    for (const type of [4, 0x80, 0x84, 255])
      expect(signatureMessage(parsed.value, prevouts, mid, 0, type)).toEqual({ ok: false, error: { code: 'bad-type' } })
    expect(signatureMessage(parsed.value, prevouts, mid, 5, 3)).toEqual({
      ok: false,
      error: { code: 'no-matching-output' },
    })
  })
})
