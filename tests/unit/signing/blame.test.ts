import { describe, expect, it } from 'vitest'
import { schnorr } from '@noble/curves/secp256k1.js'
import { nonceAgg, nonceGen, musigSession, partialSign, xOnlyKey, type NoncePair } from '../../../services/core/crypto/musig2'
import { messageHash, pubnoncesHash, verifySignedMessage } from '../../../services/core/crypto/message-hash'
import { nameProposal, signingJob } from '../../../services/core/crypto/proposal-id'
import { makeDescriptor, openWallet } from '../../../services/core/crypto/wallet-context'
import { blame, checkEvidence } from '../../../services/core/signing/blame'
import { newSession } from '../../../services/core/signing/state'
import { encodeSigned } from '../../../services/core/wire/codec'
import type { SignBody, SignedMessage } from '../../../services/core/wire/messages'
import { Keys, entropyOf } from '../../../services/adapters/keyworker/keys'
import { buildSpend } from '../../../services/core/spend/build'
import { createFakeEntropy } from '../../fakes/entropy'
import { fund, NOW } from '../../fakes/spend-wallet'
import { TEST_WORDS } from '../../fakes/vault'
import { must } from '../../support/signing'

// three members whose keys are at hand, so that one of them can lie in good form
const people = (await Promise.all([0, 1, 2].map(async (i) => {
  const keys = await Keys.fromEntropy(entropyOf(TEST_WORDS[i]!), '')
  return keys.account('regtest', keys.accountAt('regtest', 7 + i).origin)!
}))).sort((a, b) => a.info.accountKey < b.info.accountKey ? -1 : 1)
const descriptor = must(makeDescriptor('regtest', people.map(p => p.info)))
const wallet = must(openWallet('regtest', descriptor))
const coins = [fund(0, 40_000n), fund(1, 30_000n)]
const proposal = must(buildSpend({
  wallet, coins: coins.map(c => c.coin), held: new Set(), recipients: [{ script: wallet.output(0, 9)!.script, amountSats: 50_000n }], feeRate: 2, changeIndex: 0, tip: 100,
  entropy: createFakeEntropy(), proposer: people[0]!.info.accountKey, expiresAt: NOW, note: '',
})).proposal
const named = must(nameProposal(wallet, proposal))
const job = must(signingJob(wallet, proposal))
const session = newSession(named, people.map(p => p.info.accountKey), people[1]!.info.accountKey)
const attempt = { counter: 1, hub: 0 }
const CULPRIT = 2

function message(member: number, body: SignBody): SignedMessage {
  const unsigned = { sender: people[member]!.info.accountKey, walletId: wallet.id, session: named.sessionId, attempt, body }
  return { ...unsigned, signature: schnorr.sign(messageHash(unsigned), people[member]!.secretKey) }
}

const pairs: NoncePair[][] = people.map((p, m) => job.inputs.map((input, i) => nonceGen({
  random: createFakeEntropy(`${m}/${i}`).bytes(32), publicKey: wallet.members[m]!.publicKey, secretKey: p.secretKey, aggregateKey: xOnlyKey(input.agg), message: input.message,
})))
const pubnonces = pairs.map((row, m) => message(m, { type: 'pubnonces', digest: named.digest, pubnonces: row.map(p => p.public) }))
const aggregates = job.inputs.map((_, i) => nonceAgg(pairs.map(row => row[i]!.public)))
const nonces = message(0, { type: 'nonces', digest: named.digest, aggregates, hashes: pairs.map(row => pubnoncesHash(row.map(p => p.public))) })
const right = job.inputs.map((input, i) => partialSign(musigSession(input.agg, aggregates[i]!, input.message), pairs[CULPRIT]![i]!.secret.slice(), people[CULPRIT]!.secretKey))
const partials = (list: Uint8Array[], noncesHash = messageHash(nonces)) => message(CULPRIT, { type: 'partials', digest: named.digest, noncesHash, partials: list })
const spoilt = right.map((p, i) => i === 1 ? Uint8Array.from(p, (b, j) => j === 31 ? b ^ 1 : b) : p)

const check = (evidence: readonly SignedMessage[], input: number | undefined = 1, culprit = CULPRIT) =>
  checkEvidence(session, { attempt, culprit, input, evidence: evidence.map(encodeSigned) }, { verifyMessage: m => Promise.resolve(verifySignedMessage(m)) }, wallet)

describe('evidence against a member, on the real curve', () => {
  it('proves a partial signature that does not verify, at the input where it is wrong', async () => {
    expect(await check([pubnonces[CULPRIT]!, nonces, partials(spoilt)])).toBe(true)
    expect(await check([pubnonces[CULPRIT]!, nonces, partials(spoilt)], 0)).toBe(false)
  })

  it('proves nothing of an honest member, nor against another than who signed', async () => {
    expect(await check([pubnonces[CULPRIT]!, nonces, partials(right)])).toBe(false)
    expect(await check([pubnonces[CULPRIT]!, nonces, partials(spoilt)], 1, 1)).toBe(false)
  })

  it('cannot be made up by the hub', async () => {
    const lie = partials(spoilt)
    expect(await check([pubnonces[CULPRIT]!, nonces, { ...lie, signature: new Uint8Array(64).fill(1) }]), 'forged signature').toBe(false)
    const otherNonces = message(0, { ...(nonces.body as Extract<SignBody, { type: 'nonces' }>), aggregates: [aggregates[1]!, aggregates[0]!] })
    expect(await check([pubnonces[CULPRIT]!, otherNonces, partials(right)]), 'nonces that the partials do not name').toBe(false)
    expect(await check([pubnonces[1]!, nonces, partials(spoilt)]), 'pubnonces of another').toBe(false)
    expect(await check([pubnonces[CULPRIT]!, partials(spoilt)]), 'no nonces').toBe(false)
    expect(await check([])).toBe(false)
  })

  it('proves a nonce that is no point, and two different messages of one kind', async () => {
    const bad = message(CULPRIT, { type: 'pubnonces', digest: named.digest, pubnonces: [pairs[CULPRIT]![0]!.public, new Uint8Array(66).fill(5)] })
    expect(await check([bad])).toBe(true)
    expect(await check([bad], 0)).toBe(false)
    expect(await check([pubnonces[CULPRIT]!, bad], undefined)).toBe(true)
    // the same thing signed twice is no equivocation
    expect(await check([pubnonces[CULPRIT]!, message(CULPRIT, pubnonces[CULPRIT]!.body)], 0)).toBe(false)
  })

  it('proves nothing by things that an honest member may say twice', async () => {
    // left out of `nonces` twice, it complains twice, with other evidence each time
    const complaint = (code: string) => message(CULPRIT, { type: 'fail', code, evidence: [] })
    expect(await check([complaint('nonces-without-mine'), complaint('superseded')])).toBe(false)
    const state = (locked: boolean) => message(CULPRIT, { type: 'sync', digest: named.digest, state: 'signing', have: [], locked, reply: false })
    expect(await check([state(true), state(false)])).toBe(false)
  })

  it('bytes that are no message prove nothing', async () => {
    const run = checkEvidence(session, { attempt, culprit: CULPRIT, input: 0, evidence: [Uint8Array.of(1, 2, 3)] }, { verifyMessage: () => Promise.resolve(true) }, wallet)
    expect(await run).toBe(false)
  })

  it('evidence over the bound is left out: then it is only a report', () => {
    const body = blame('partial-invalid', CULPRIT, 0, [pubnonces[0]!, pubnonces[1]!, pubnonces[2]!, nonces, partials(right)])
    expect(body.type === 'fail' && body.evidence).toEqual([])
    const small = blame('partial-invalid', CULPRIT, 0, [nonces])
    expect(small.type === 'fail' && small.evidence.length).toBe(1)
  })
})
