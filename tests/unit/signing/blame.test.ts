import { describe, expect, it } from 'vitest'
import { schnorr } from '@noble/curves/secp256k1.js'
import {
  nonceAgg,
  nonceGen,
  musigSession,
  partialSign,
  xOnlyKey,
  type NoncePair,
} from '../../../services/core/crypto/musig2'
import { messageHash, pubnoncesHash } from '../../../services/core/crypto/message-hash'
import { nameProposal, signingJob } from '../../../services/core/crypto/proposal-id'
import { makeDescriptor } from '../../../services/core/crypto/public-wallet'
import { openWallet } from '../../../services/core/crypto/wallet-context'
import { checkEvidence } from '../../../services/core/crypto/evidence'
import { blame } from '../../../services/core/signing/protocol/blame'
import { encodeSigned } from '../../../services/core/wire/codec'
import type { SignBody, SignedMessage } from '../../../services/core/wire/messages'
import { Keys, entropyOf } from '../../../services/adapters/keyworker/keys'
import { buildSpend } from '../../../services/core/spend/build'
import { createFakeEntropy } from '../../fakes/entropy'
import { fund, NOW } from '../../fakes/spend-wallet'
import { createTestVault, TEST_WORDS } from '../../fakes/vault'
import { must } from '../../support/signing'

// three members whose keys are at hand, so that one of them can lie in good form
const people = (
  await Promise.all(
    [0, 1, 2].map(async i => {
      const keys = await Keys.fromEntropy(entropyOf(TEST_WORDS[i]!), '')
      return keys.account('regtest', keys.accountAt('regtest', 7 + i).origin)!
    }),
  )
).sort((a, b) => (a.info.accountKey < b.info.accountKey ? -1 : 1))
const descriptor = must(
  makeDescriptor(
    'regtest',
    people.map(p => p.info),
  ),
)
const wallet = must(openWallet('regtest', descriptor))
const coins = [fund(0, 40_000n), fund(1, 30_000n)]
const proposal = must(
  buildSpend({
    wallet,
    coins: coins.map(c => c.coin),
    held: new Set(),
    recipients: [{ script: wallet.output(0, 9)!.script, amountSats: 50_000n }],
    feeRate: 2,
    changeIndex: 0,
    tip: 100,
    entropy: createFakeEntropy(),
    proposer: people[0]!.info.accountKey,
    expiresAt: NOW,
    note: '',
  }),
).proposal
const named = must(nameProposal(wallet, proposal))
const job = must(signingJob(wallet, proposal))
const attempt = { counter: 1, hub: 0 }
const CULPRIT = 2

function message(member: number, body: SignBody): SignedMessage {
  const unsigned = {
    sender: people[member]!.info.accountKey,
    walletId: wallet.id,
    session: named.sessionId,
    attempt,
    body,
  }
  return { ...unsigned, signature: schnorr.sign(messageHash(unsigned), people[member]!.secretKey) }
}

const pairs: NoncePair[][] = people.map((p, m) =>
  job.inputs.map((input, i) =>
    nonceGen({
      random: createFakeEntropy(`${m}/${i}`).bytes(32),
      publicKey: wallet.members[m]!.publicKey,
      secretKey: p.secretKey,
      aggregateKey: xOnlyKey(input.agg),
      message: input.message,
    }),
  ),
)
const pubnonces = pairs.map((row, m) =>
  message(m, { type: 'pubnonces', digest: named.digest, pubnonces: row.map(p => p.public) }),
)
const aggregates = job.inputs.map((_, i) => nonceAgg(pairs.map(row => row[i]!.public)))
const nonces = message(0, {
  type: 'nonces',
  digest: named.digest,
  aggregates,
  hashes: pairs.map(row => pubnoncesHash(row.map(p => p.public))),
})
const right = job.inputs.map((input, i) =>
  partialSign(
    musigSession(input.agg, aggregates[i]!, input.message),
    pairs[CULPRIT]![i]!.secret.slice(),
    people[CULPRIT]!.secretKey,
  ),
)
const partials = (list: Uint8Array[], noncesHash = messageHash(nonces)) =>
  message(CULPRIT, { type: 'partials', digest: named.digest, noncesHash, partials: list })
const spoilt = right.map((p, i) => (i === 1 ? Uint8Array.from(p, (b, j) => (j === 31 ? b ^ 1 : b)) : p))

const check = (evidence: readonly SignedMessage[], input: number | undefined = 1, culprit = CULPRIT) =>
  checkEvidence(wallet, proposal, { attempt, culprit, input, evidence: evidence.map(encodeSigned) })

describe('evidence against a member, on the real curve', () => {
  it('proves a partial signature that does not verify, at the input where it is wrong', () => {
    expect(check([pubnonces[CULPRIT]!, nonces, partials(spoilt)])).toBe(true)
    expect(check([pubnonces[CULPRIT]!, nonces, partials(spoilt)], 0)).toBe(false)
  })

  it('proves nothing of an honest member, nor against another than who signed', () => {
    expect(check([pubnonces[CULPRIT]!, nonces, partials(right)])).toBe(false)
    expect(check([pubnonces[CULPRIT]!, nonces, partials(spoilt)], 1, 1)).toBe(false)
  })

  it('cannot be made up by the hub', () => {
    const lie = partials(spoilt)
    expect(
      check([pubnonces[CULPRIT]!, nonces, { ...lie, signature: new Uint8Array(64).fill(1) }]),
      'forged signature',
    ).toBe(false)
    const otherNonces = message(0, {
      ...(nonces.body as Extract<SignBody, { type: 'nonces' }>),
      aggregates: [aggregates[1]!, aggregates[0]!],
    })
    expect(check([pubnonces[CULPRIT]!, otherNonces, partials(right)]), 'nonces that the partials do not name').toBe(
      false,
    )
    expect(check([pubnonces[1]!, nonces, partials(spoilt)]), 'pubnonces of another').toBe(false)
    expect(check([pubnonces[CULPRIT]!, partials(spoilt)]), 'no nonces').toBe(false)
    expect(check([])).toBe(false)
  })

  it('proves a nonce that is no point, and two different partials', () => {
    const bad = message(CULPRIT, {
      type: 'pubnonces',
      digest: named.digest,
      pubnonces: [pairs[CULPRIT]![0]!.public, new Uint8Array(66).fill(5)],
    })
    expect(check([bad])).toBe(true)
    expect(check([bad], 0)).toBe(false)
    expect(check([partials(right), partials(spoilt)], undefined)).toBe(true)
    const body = nonces.body as Extract<SignBody, { type: 'nonces' }>
    expect(
      check([nonces, message(0, { ...body, aggregates: aggregates.toReversed() })], undefined, 0),
      'one nonce of the hub, two sums',
    ).toBe(true)
    // the same thing signed twice is no equivocation
    expect(check([partials(right), message(CULPRIT, partials(right).body)], 0)).toBe(false)
  })

  it('proves nothing by things that an honest member may say twice', () => {
    // left out of `nonces` twice, it complains twice, with other evidence each time
    const complaint = (code: string) => message(CULPRIT, { type: 'fail', code, evidence: [] })
    expect(check([complaint('nonces-without-mine'), complaint('superseded')])).toBe(false)
    const state = (locked: boolean) =>
      message(CULPRIT, { type: 'sync', digest: named.digest, state: 'signing', have: [], locked, reply: false })
    expect(check([state(true), state(false)])).toBe(false)
    // the nonces of a disk that was set back, and those that it made when the same `begin` came again
    const again = message(CULPRIT, { type: 'pubnonces', digest: named.digest, pubnonces: pairs[1]!.map(p => p.public) })
    expect(check([pubnonces[CULPRIT]!, again], 0)).toBe(false)
    expect(check([again, pubnonces[CULPRIT]!], 0)).toBe(false)
    // and what hangs on them: parts for the nonces that a hub made of the first, and of the second
    expect(check([partials(right), partials(spoilt, new Uint8Array(32).fill(7))], undefined)).toBe(false)
    const body = nonces.body as Extract<SignBody, { type: 'nonces' }>
    expect(
      check(
        [nonces, message(0, { ...body, hashes: body.hashes.map((hash, m) => (m === 0 ? new Uint8Array(32) : hash)) })],
        undefined,
        0,
      ),
    ).toBe(false)
  })

  it('bytes that are no message prove nothing', () => {
    expect(
      checkEvidence(wallet, proposal, { attempt, culprit: CULPRIT, input: 0, evidence: [Uint8Array.of(1, 2, 3)] }),
    ).toBe(false)
  })

  it('the vault checks it for the main thread, and a wallet or session that it is not of proves nothing', async () => {
    const { vault } = createTestVault()
    const claim = {
      attempt,
      culprit: CULPRIT,
      input: 1,
      evidence: [pubnonces[CULPRIT]!, nonces, partials(spoilt)].map(encodeSigned),
    }
    const keys = { network: 'regtest' as const, descriptor }
    expect(await vault.checkEvidence(keys, proposal, claim)).toBe(true)
    expect(await vault.checkEvidence(keys, { ...proposal, note: 'another' }, claim)).toBe(false)
    expect(await vault.checkEvidence({ ...keys, descriptor: 'tr(x)' }, proposal, claim)).toBe(false)
    for (const change of [{ culprit: 99 }, { input: 255 }, { attempt: { counter: 1, hub: 99 } }, { evidence: [] }])
      expect(await vault.checkEvidence(keys, proposal, { ...claim, ...change })).toBe(false)
  })

  it('evidence over the bound is left out: then it is only a report', () => {
    const body = blame('partial-invalid', CULPRIT, 0, [
      pubnonces[0]!,
      pubnonces[1]!,
      pubnonces[2]!,
      nonces,
      partials(right),
    ])
    expect(body.type === 'fail' && body.evidence).toEqual([])
    const small = blame('partial-invalid', CULPRIT, 0, [nonces])
    expect(small.type === 'fail' && small.evidence.length).toBe(1)
  })
})
