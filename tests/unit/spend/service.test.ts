import { describe, expect, it } from 'vitest'
import { SpendService, type SpendingWallet } from '../../../services/core/spend/service'
import { createWalletScripts } from '../../../services/core/crypto/wallet-scripts'
import { serializeTx } from '../../../services/core/crypto/transaction'
import type { SpendProposal } from '../../../services/core/domain/proposal'
import { ok } from '../../../services/core/domain/result'
import type { Chain } from '../../../services/ports/chain'
import { createFakeEntropy } from '../../fakes/entropy'
import { NOW, wallet } from '../../fakes/spend-wallet'

const MIB = 1024 * 1024

/** A spend of coins of these transactions, as a proposer may claim it. */
function spend(txids: readonly string[], firstIndex = 0): SpendProposal {
  const tx = serializeTx({
    version: 2,
    locktime: 0,
    inputs: txids.map(txid => ({ txid, vout: 0, script: new Uint8Array(), sequence: 0xfffffffd, witness: [] })),
    outputs: [{ sats: 1_000n, script: wallet.output(0, 0)!.script }],
  })
  return {
    kind: 'spend',
    walletId: wallet.id,
    proposer: wallet.members[0]!.accountKey,
    expiresAt: NOW + 60,
    note: '',
    salt: '00'.repeat(32),
    tx,
    inputs: txids.map((_, i) => ({ amountSats: 2_000n, branch: 0, index: firstIndex + i })),
    ownOutputs: [],
  }
}

function set() {
  const asked: string[] = []
  const derived: number[] = []
  const chain = {
    tip: async () => ok({ height: 500, hash: '00'.repeat(32) }),
    tx: async () => ok({ feeSats: 1n, weight: 400 }),
    rawTx: async (txid: string) => {
      asked.push(txid)
      return ok(new Uint8Array(3 * MIB))
    },
    outspend: async () => ok({ spent: false, confirmed: false }),
  } as unknown as Chain
  const view = { used: [new Set(), new Set()], lastUsed: [-1, -1] }
  const scripts = createWalletScripts({
    network: 'regtest',
    descriptor: wallet.descriptor,
    members: wallet.members,
    async derive(places) {
      derived.push(places.length)
      return places.map(({ branch, index }) => wallet.output(branch, index)?.script)
    },
  })
  const spending = { id: wallet.id, scripts, chain, view } as unknown as SpendingWallet
  const clock = { now: () => NOW * 1000, after: () => () => {} }
  return {
    service: new SpendService({
      wallet: spending,
      signer: { isXCoordinate: async () => true },
      clock,
      entropy: createFakeEntropy(),
    }),
    asked,
    derived,
  }
}
const sessions = () => ({ changeInUse: new Set<string>(), equivocates: false })
const txid = (n: number): string => n.toString(16).padStart(64, '0')

describe('what a proposer can make the spend service do', () => {
  it('keeps raw parents between checks, but not more than a few megabytes of them', async () => {
    const { service, asked } = set()
    await service.verify(spend([txid(1)]), sessions)
    await service.verify(spend([txid(1)]), sessions)
    expect(asked).toEqual([txid(1)])
    await service.verify(spend([txid(2), txid(3)]), sessions)
    await service.verify(spend([txid(3), txid(1)]), sessions)
    expect(asked).toEqual([txid(1), txid(2), txid(3), txid(1)])
  })

  it('has many scripts derived in small parts, and none twice', async () => {
    const { service, derived } = set()
    const proposal = spend(
      Array.from({ length: 100 }, (_, i) => txid(i + 1)),
      70_000,
    )
    expect(await service.prepare(proposal)).toMatchObject({
      ok: true,
      value: { sessionId: expect.any(String) as string },
    })
    expect(derived).toEqual([32, 32, 32, 4])
    expect(service.reviewOf(proposal)?.inputs).toHaveLength(100)
    await service.verify(proposal, sessions)
    expect(derived).toHaveLength(4)
  })

  it('names what is wrong with the form, and makes no review of that', async () => {
    const { service } = set()
    const proposal = { ...spend([txid(1)]), inputs: [{ amountSats: 2_000n, branch: 0 as const, index: 2 ** 31 }] }
    expect(await service.prepare(proposal)).toEqual({ ok: false, error: { rule: 'not-ours', input: 0 } })
    expect(service.reviewOf(proposal)).toBeNull()
  })
})

describe('the payment that another takes the place of', () => {
  it('is known from the own session when no server shows it any more', async () => {
    const { service } = set()
    const old = spend([txid(1), txid(2)])
    const bump = (...coins: string[]) => ({ ...spend(coins), replaces: txid(9) })
    const verify = (proposal: SpendProposal, confirmed?: boolean) =>
      service.verify(proposal, () => ({
        ...sessions(),
        ...(confirmed === undefined ? {} : { replaced: { proposal: old, confirmed } }),
      }))
    // the coins themselves are not seen here: what is certainly wrong is said before that
    expect(await verify(bump(txid(1)))).toEqual({ kind: 'not-yet-seen', what: 'input' })
    expect(await verify(bump(txid(1)), false)).toEqual({ kind: 'wrong', rule: 'replaces-no-shared-input' })
    expect(await verify(bump(txid(1), txid(2)), true)).toEqual({ kind: 'wrong', rule: 'replaces-unknown' })
    // as much as before is not more
    expect(await verify(bump(txid(1), txid(2)), false)).toEqual({ kind: 'wrong', rule: 'replaces-fee' })
  })
})
