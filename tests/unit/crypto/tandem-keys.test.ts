/**
 * Tandem's own fixed vectors of keys, tags and hashes (tests/vectors/tandem/keys.json). TANDEM_WRITE_VECTORS=1 rewrites
 * them, which is a change of the protocol.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { entropyOf, Keys } from '../../../services/adapters/keyworker/keys'
import { messageHash, pubnoncesHash, statementHash } from '../../../services/core/crypto/message-hash'
import { practiceMessage, sessionIdOf, signingJob } from '../../../services/core/crypto/proposal-id'
import { spendCode } from '../../../services/core/crypto/spend-code'
import { tagged, TAGS } from '../../../services/core/crypto/tagged'
import { makeDescriptor } from '../../../services/core/crypto/public-wallet'
import { openWallet } from '../../../services/core/crypto/wallet-context'
import { toHex } from '../../../services/core/domain/bytes'
import type { SpendProposal } from '../../../services/core/domain/proposal'
import { FakeClock } from '../../fakes/clock'
import { TEST_WORDS } from '../../fakes/vault'
import { must, practiceOf, spendOf, type Group } from '../../support/signing'

const FILE = 'tests/vectors/tandem/keys.json'

const keys = await Promise.all(TEST_WORDS.slice(0, 3).map(words => Keys.fromEntropy(entropyOf(words), '')))
const accounts = keys.map(key => key.accountAt('regtest', 7)).sort((a, b) => (a.accountKey < b.accountKey ? -1 : 1))
const wallet = must(openWallet('regtest', must(makeDescriptor('regtest', accounts))))
const group: Group = {
  clock: new FakeClock(),
  members: accounts.map(account => ({ account })) as never,
  wallet: { network: 'regtest', descriptor: wallet.descriptor },
  context: wallet,
}
const spend = spendOf(group)
const practice = practiceOf(group)

function build(): unknown {
  const job = must(signingJob(wallet, spend))
  const practiceJob = must(signingJob(wallet, practice))
  const vote = {
    sender: spend.proposer,
    walletId: wallet.id,
    session: job.sessionId,
    body: { type: 'vote', digest: job.digest, choice: 'yes' },
  } as const
  return {
    tags: Object.fromEntries(
      [...Object.values(TAGS), 'tandem/vote/1', 'tandem/confirm/1'].map(tag => [tag, toHex(tagged(tag))]),
    ),
    profiles: keys.map((key, i) => ({
      words: TEST_WORDS[i],
      peerKey: toHex(key.peerKey()),
      fileKey: toHex(key.fileKey()),
      account: key.accountAt('regtest', 7),
    })),
    wallet: {
      descriptor: wallet.descriptor,
      id: wallet.id,
      signetId: must(openWallet('signet', wallet.descriptor)).id,
      outputs: (
        [
          [0, 0],
          [0, 1],
          [1, 0],
        ] as const
      ).map(([branch, index]) => {
        const output = wallet.output(branch, index)!
        return { branch, index, address: output.address, tweaks: output.tweaks.map(tweak => toHex(tweak.scalar)) }
      }),
    },
    spend: {
      tx: toHex(spend.tx),
      sighashes: job.inputs.map(input => toHex(input.message)),
      digest: job.digest,
      sessionId: job.sessionId,
      spendCode: spendCode(job.digest),
    },
    practice: {
      text: practice.text,
      message: toHex(practiceMessage(practice)),
      digest: practiceJob.digest,
      sessionId: practiceJob.sessionId,
      spendCode: spendCode(practiceJob.digest),
    },
    vote: { hash: toHex(messageHash(vote)) },
    confirm: {
      hash: toHex(
        statementHash({
          type: 'confirm',
          walletId: wallet.id,
          accountKey: spend.proposer,
          safetyHash: '5a'.repeat(32),
        }),
      ),
    },
    pubnonces: { of: '02'.repeat(66), hash: toHex(pubnoncesHash([new Uint8Array(66).fill(2)])) },
  }
}

describe('own vectors of keys and names', () => {
  it('are what the code computes', () => {
    const text = `${JSON.stringify(build(), null, 1)}\n`
    if (process.env.TANDEM_WRITE_VECTORS === '1') writeFileSync(FILE, text)
    expect(text).toBe(readFileSync(FILE, 'utf8'))
  })

  it('every tag is another', () => {
    const tags = [
      ...Object.values(TAGS),
      ...[
        'propose',
        'vote',
        'begin',
        'pubnonces',
        'nonces',
        'partials',
        'final',
        'fail',
        'cancel',
        'sync',
        'join',
        'confirm',
        'relays',
      ].map(type => `tandem/${type}/1`),
    ]
    expect(new Set(tags).size).toBe(tags.length)
  })

  it('the session id commits to everything that people are shown', () => {
    const { digest } = must(signingJob(wallet, spend))
    const changes: Array<Partial<SpendProposal>> = [
      {},
      { proposer: accounts[1]!.accountKey },
      { expiresAt: spend.expiresAt + 1 },
      { note: 'Rent' },
      { salt: 'cd'.repeat(32) },
      { replaces: '11'.repeat(32) },
      { note: '', replaces: '11'.repeat(32) },
    ]
    const ids = changes.map(change => sessionIdOf(digest, { ...spend, ...change }))
    expect(new Set(ids).size).toBe(changes.length)
    expect(sessionIdOf('ab'.repeat(32), spend)).not.toBe(ids[0])
  })

  it('the digest commits to amounts, coins and outputs, not to the words around them', () => {
    const digestOf = (change: Partial<SpendProposal>): string =>
      must(signingJob(wallet, { ...spend, ...change })).digest
    const base = digestOf({})
    expect(digestOf({ note: 'other', expiresAt: 5, salt: 'cd'.repeat(32) })).toBe(base)
    expect(digestOf({ inputs: [{ ...spend.inputs[0]!, amountSats: 60_001n }, spend.inputs[1]!] })).not.toBe(base)
    expect(digestOf({ inputs: [{ ...spend.inputs[0]!, index: 1 }, spend.inputs[1]!] })).not.toBe(base)
    const tx = spend.tx.slice()
    tx[tx.length - 4]! ^= 1
    expect(digestOf({ tx })).not.toBe(base)
  })

  it('the spend code is the first 66 bits as six words', () => {
    expect(spendCode('00'.repeat(32))).toEqual(Array.from({ length: 6 }, () => 'abandon'))
    expect(spendCode('ff'.repeat(32))).toEqual(Array.from({ length: 6 }, () => 'zoo'))
    expect(spendCode(`00200400801002004000${'00'.repeat(22)}`)).toEqual([
      'ability',
      'ability',
      'ability',
      'ability',
      'ability',
      'ability',
    ])
    expect(spendCode(`${'00'.repeat(8)}3f${'ff'.repeat(23)}`), 'bit 67 and after do not count').toEqual(
      Array.from({ length: 6 }, () => 'abandon'),
    )
  })
})
