import bitcore from 'bitcore-lib'
import { describe, expect, it } from 'vitest'
import { verifySignature } from '../../../services/core/crypto/message-hash'
import { xOnlyKey } from '../../../services/core/crypto/musig2'
import { signingJob } from '../../../services/core/crypto/proposal-id'
import { parseTx } from '../../../services/core/crypto/transaction'
import { toHex } from '../../../services/core/domain/bytes'
import { bodyOf, collectNonces, makeGroup, must, noncesMessage, practiceOf, signTogether, spendOf } from '../../support/signing'

/** bitcore's script interpreter as an independent judge of one input. */
function judge(rawTx: Uint8Array, input: number, prevouts: ReadonlyArray<{ sats: bigint; script: Uint8Array }>): boolean {
  const tx = new bitcore.Transaction(toHex(rawTx))
  const prevout = prevouts[input]!
  prevouts.forEach((out, i) => {
    tx.inputs[i].output = new bitcore.Transaction.Output({ satoshis: Number(out.sats), script: bitcore.Script.fromHex(toHex(out.script)) })
  })
  const interpreter = new bitcore.Script.Interpreter()
  const { SCRIPT_VERIFY_P2SH, SCRIPT_VERIFY_WITNESS, SCRIPT_VERIFY_TAPROOT } = bitcore.Script.Interpreter
  return interpreter.verify(
    new bitcore.Script(), bitcore.Script.fromHex(toHex(prevout.script)), tx, input, SCRIPT_VERIFY_P2SH | SCRIPT_VERIFY_WITNESS | SCRIPT_VERIFY_TAPROOT,
    tx.inputs[input].getWitnesses(), Number(prevout.sats),
  )
}

describe('three vaults and an aggregator', () => {
  it('sign a spend of two inputs that an independent interpreter accepts', async () => {
    const group = await makeGroup(3)
    const proposal = spendOf(group)
    const signatures = await signTogether(group, proposal)
    const job = must(signingJob(group.context, proposal))
    job.inputs.forEach((input, i) => expect(verifySignature(signatures[i]!, input.message, xOnlyKey(input.agg))).toBe(true))
    const raw = must(await group.members[1]!.vault.finalize(group.wallet, proposal, signatures))
    const tx = must(parseTx(raw))
    expect(tx.inputs.map(input => input.witness.map(item => item.length))).toEqual([[64], [64]])
    const { prevouts } = job.spend!
    expect([0, 1].map(i => judge(raw, i, prevouts))).toEqual([true, true])
    const bad = raw.slice()
    bad[bad.length - 6]! ^= 1
    expect(judge(bad, 1, prevouts), 'the judge can say no').toBe(false)
  })

  it('sign a practice text under the untweaked aggregate', async () => {
    const group = await makeGroup(2)
    const proposal = practiceOf(group)
    const [signature] = await signTogether(group, proposal)
    const job = must(signingJob(group.context, proposal))
    expect(verifySignature(signature!, job.inputs[0]!.message, xOnlyKey(group.context.agg))).toBe(true)
    expect(must(await group.members[0]!.vault.finalize(group.wallet, proposal, [signature!]))).toEqual(signature)
  })

  it('name the member and input of a wrong partial, of a nonce that is no point, of a missing entry', async () => {
    const group = await makeGroup(3)
    const proposal = spendOf(group)
    const attempt = { counter: 1, hub: 2 }
    for (const member of group.members) must(await member.vault.approve(group.wallet, proposal))
    const pubnonces = await collectNonces(group, proposal, attempt)
    const nonces = await noncesMessage(group, proposal, attempt, pubnonces)
    const partials = await Promise.all(group.members.map(async m => [...bodyOf(must(await m.vault.makePartials(group.wallet, proposal, nonces)), 'partials').partials]))
    const { vault } = group.members[2]!
    const swapped = partials.map((row, i) => i === 1 ? [row[0]!, partials[0]![1]!] : row)
    expect(await vault.aggregatePartials(group.wallet, proposal, pubnonces, swapped)).toEqual({ ok: false, error: { member: 1, input: 1 } })
    const tooLarge = partials.map((row, i) => i === 2 ? [new Uint8Array(32).fill(255), row[1]!] : row)
    expect(await vault.aggregatePartials(group.wallet, proposal, pubnonces, tooLarge)).toEqual({ ok: false, error: { member: 2, input: 0 } })
    expect(await vault.aggregatePartials(group.wallet, proposal, pubnonces, partials.slice(0, 2))).toEqual({ ok: false, error: { member: 2, input: 0 } })
    const noPoint = pubnonces.map((row, i) => i === 1 ? [row[0]!, new Uint8Array(66).fill(4)] : row)
    expect(await vault.aggregateNonces(group.wallet, noPoint)).toEqual({ ok: false, error: { member: 1, input: 1 } })
    const signatures = must(await vault.aggregatePartials(group.wallet, proposal, pubnonces, partials))
    signatures[1]![40]! ^= 1
    expect(await vault.finalize(group.wallet, proposal, signatures)).toEqual({ ok: false, error: { input: 1 } })
  })
})
