import { describe, expect, it } from 'vitest'
import { verifySignature } from '../../../services/core/crypto/signature'
import { xOnlyKey } from '../../../services/core/crypto/musig2'
import { signingJob } from '../../../services/core/crypto/proposal-id'
import { parseTx } from '../../../services/core/crypto/transaction'
import { parseTx as parseChainTx } from '../../../devnet/engines/transaction'
import { scriptFault } from '../../../devnet/engines/regtest/judge'
import {
  bodyOf,
  collectNonces,
  makeGroup,
  must,
  noncesMessage,
  practiceOf,
  signTogether,
  spendOf,
} from '../../support/signing'

describe('three vaults and an aggregator', () => {
  it('sign a spend of two inputs that an independent interpreter accepts', async () => {
    const group = await makeGroup(3)
    const proposal = spendOf(group)
    const signatures = await signTogether(group, proposal)
    const job = must(signingJob(group.context, proposal))
    job.inputs.forEach((input, i) =>
      expect(verifySignature(signatures[i]!, input.message, xOnlyKey(input.agg))).toBe(true),
    )
    const raw = must(await group.members[1]!.vault.finalize(group.wallet, proposal, signatures))
    const tx = must(parseTx(raw))
    expect(tx.inputs.map(input => input.witness.map(item => item.length))).toEqual([[64], [64]])
    // bitcore's interpreter, by way of the local chain, is the independent judge
    const spent = job.spend!.prevouts.map(out => ({ value: out.sats, script: out.script }))
    expect(scriptFault(parseChainTx(raw)!, spent)).toBeUndefined()
    const bad = raw.slice()
    bad[bad.length - 6]! ^= 1
    expect(scriptFault(parseChainTx(bad)!, spent)).toBe('Invalid Schnorr signature')
    expect(
      scriptFault(
        parseChainTx(raw)!,
        spent.map((out, i) => (i === 1 ? { ...out, value: out.value + 1n } : out)),
      ),
    ).toBe('Invalid Schnorr signature')
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
    const partials = await Promise.all(
      group.members.map(async m => [
        ...bodyOf(must(await m.vault.makePartials(group.wallet, proposal, nonces)), 'partials').partials,
      ]),
    )
    const { vault } = group.members[2]!
    const swapped = partials.map((row, i) => (i === 1 ? [row[0]!, partials[0]![1]!] : row))
    expect(await vault.aggregatePartials(group.wallet, proposal, pubnonces, swapped)).toEqual({
      ok: false,
      error: { member: 1, input: 1 },
    })
    const tooLarge = partials.map((row, i) => (i === 2 ? [new Uint8Array(32).fill(255), row[1]!] : row))
    expect(await vault.aggregatePartials(group.wallet, proposal, pubnonces, tooLarge)).toEqual({
      ok: false,
      error: { member: 2, input: 0 },
    })
    expect(await vault.aggregatePartials(group.wallet, proposal, pubnonces, partials.slice(0, 2))).toEqual({
      ok: false,
      error: { member: 2, input: 0 },
    })
    const noPoint = pubnonces.map((row, i) => (i === 1 ? [row[0]!, new Uint8Array(66).fill(4)] : row))
    expect(await vault.aggregateNonces(group.wallet, noPoint)).toEqual({ ok: false, error: { member: 1, input: 1 } })
    const signatures = must(await vault.aggregatePartials(group.wallet, proposal, pubnonces, partials))
    signatures[1]![40]! ^= 1
    expect(await vault.finalize(group.wallet, proposal, signatures)).toEqual({ ok: false, error: { input: 1 } })
  })
})
