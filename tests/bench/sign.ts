/**
 * Processor time of one signing session, by `npm run -s bench:sign` (scripts/bench-sign.ts): the real vault over
 * memory, in this process, which does nothing else. The other members are keys of this process; what they and the hub
 * contribute is made once before anything is measured, and the measured vault draws the same "random" bytes in each
 * run, so that each run is the same session.
 *
 * The reference is what the API of @scure/btc-signer's MuSig2 leads to: for each input an aggregation of all keys for
 * its nonce, and a `Session`, which aggregates them again. Sighashes, tweaks and the aggregate nonce are given to it;
 * the vault makes its own.
 */
import { keyAggExport, keyAggregate, nonceGen as referenceNonceGen, Session } from '@scure/btc-signer/musig2.js'
import { Keys, entropyOf } from '../../services/adapters/keyworker/keys'
import { messageHash, pubnoncesHash } from '../../services/core/crypto/message-hash'
import { signHash, verifySignature } from '../../services/core/crypto/signature'
import { musigSession, nonceGen, partialSign, xOnlyKey } from '../../services/core/crypto/musig2'
import { signingJob, type SigningJob } from '../../services/core/crypto/proposal-id'
import { makeDescriptor } from '../../services/core/crypto/public-wallet'
import { openWallet, type WalletContext } from '../../services/core/crypto/wallet-context'
import type { Proposal } from '../../services/core/domain/proposal'
import type { SignBody, SignedMessage } from '../../services/core/wire/messages'
import type { WalletKeys } from '../../services/ports/signer'
import { FakeClock } from '../fakes/clock'
import { createFakeEntropy } from '../fakes/entropy'
import { TEST_WORDS, unlockedVault, type TestVault } from '../fakes/vault'
import { bodyOf, must, spendOf } from '../support/signing'
import { report, summarize } from './result'

/** [members, inputs] */
const SIZES = [2, 3, 5, 15]
  .flatMap(n => [1, 20, 100].map(inputs => [n, inputs] as const))
  .concat([
    [100, 1],
    [100, 20],
  ])
/** what is to be reached with 15 members and 20 inputs: a third of the reference */
const TARGET = { n: 15, inputs: 20, ratio: 0.333 }
const WARM_UP = 3
const SALT = createFakeEntropy('others')
const ATTEMPT = (hub: number) => ({ counter: 1, hub })

interface Party {
  readonly accountKey: string
  readonly secretKey: Uint8Array
}

/** The measured member's vault, unlocked. It is made anew for each run: nothing of the session is known to it. */
async function freshVault() {
  const made = await unlockedVault(0, { seed: 'measured', clock: new FakeClock() })
  return { ...made, account: await made.vault.newAccount('regtest') }
}

interface Case {
  readonly wallet: WalletKeys
  readonly proposal: Proposal
  readonly hub: number
  /** what a co-signer gets from the others */
  readonly received: readonly SignedMessage[]
  readonly nonces: SignedMessage
  readonly pubnonces: Uint8Array[][]
  readonly partials: Uint8Array[][]
  readonly signatures: Uint8Array[]
  // for the reference
  readonly job: SigningJob
  readonly context: WalletContext
  readonly own: Party
}

/** Plays a whole session once. */
async function prepare(n: number, inputs: number): Promise<Case> {
  const measured = await freshVault()
  const keys = await Keys.fromEntropy(entropyOf(TEST_WORDS[1]), '')
  const others = Array.from({ length: n - 1 }, (_, i) =>
    keys.account('regtest', keys.accountAt('regtest', 1_000 + i).origin)!,
  )
  const ownKeys = await Keys.fromEntropy(entropyOf(TEST_WORDS[0]), '')
  const parties: Party[] = [
    ...others.map(o => ({ accountKey: o.info.accountKey, secretKey: o.secretKey })),
    {
      accountKey: measured.account.accountKey,
      secretKey: ownKeys.account('regtest', measured.account.origin)!.secretKey,
    },
  ].sort((a, b) => (a.accountKey < b.accountKey ? -1 : 1))
  const own = parties.findIndex(p => p.accountKey === measured.account.accountKey)
  const hub = own === 0 ? 1 : 0
  const wallet: WalletKeys = {
    network: 'regtest',
    descriptor: must(makeDescriptor('regtest', [measured.account, ...others.map(o => o.info)])),
  }
  const context = must(openWallet(wallet.network, wallet.descriptor))
  const proposal = spendOf(
    {
      clock: measured.clock,
      context,
      members: parties.map(p => ({ account: { ...measured.account, accountKey: p.accountKey } })),
    },
    {
      inputs: Array.from({ length: inputs }, (_, index) => ({ amountSats: 200_000n, branch: 0 as const, index })),
    },
  )
  const job = must(signingJob(context, proposal))
  const signed = (member: number, body: SignBody, attempt?: ReturnType<typeof ATTEMPT>): SignedMessage => {
    const unsigned = {
      sender: parties[member]!.accountKey,
      walletId: context.id,
      session: job.sessionId,
      ...(attempt && { attempt }),
      body,
    }
    return { ...unsigned, signature: signHash(messageHash(unsigned), parties[member]!.secretKey, SALT.bytes(32)) }
  }
  const pairs = parties.map((p, m) =>
    m === own
      ? []
      : job.inputs.map(input =>
          nonceGen({
            random: SALT.bytes(32),
            publicKey: context.members[m]!.publicKey,
            secretKey: p.secretKey,
            aggregateKey: xOnlyKey(input.agg),
            message: input.message,
          }),
        ),
  )
  must(await measured.vault.approve(wallet, proposal))
  const ownNonces = [
    ...bodyOf(must(await measured.vault.makeNonces(wallet, proposal, ATTEMPT(hub))), 'pubnonces').pubnonces,
  ]
  const pubnonces = pairs.map((row, m) => (m === own ? ownNonces : row.map(pair => pair.public)))
  const aggregates = must(await measured.vault.aggregateNonces(wallet, pubnonces))
  const nonces = signed(
    hub,
    { type: 'nonces', digest: job.digest, aggregates, hashes: pubnonces.map(pubnoncesHash) },
    ATTEMPT(hub),
  )
  const ownPartials = [
    ...bodyOf(must(await measured.vault.makePartials(wallet, proposal, nonces)), 'partials').partials,
  ]
  const partials = parties.map((p, m) =>
    m === own
      ? ownPartials
      : job.inputs.map((input, i) =>
          partialSign(musigSession(input.agg, aggregates[i]!, input.message), pairs[m]![i]!.secret, p.secretKey),
        ),
  )
  const signatures = must(await measured.vault.aggregatePartials(wallet, proposal, pubnonces, partials))
  const received = [
    signed(0, { type: 'propose', proposal }),
    ...parties.flatMap((_, m) =>
      m === own || m === 0 ? [] : [signed(m, { type: 'vote', digest: job.digest, choice: 'yes' as const })],
    ),
    signed(hub, { type: 'begin', digest: job.digest }, ATTEMPT(hub)),
    nonces,
    signed(hub, { type: 'final', digest: job.digest, signatures }),
  ]
  return { wallet, proposal, hub, received, nonces, pubnonces, partials, signatures, job, context, own: parties[own]! }
}

/**
 * Everything that a co-signer's vault does for a session but the checking of messages: the wallet is opened, the keys
 * are aggregated, once.
 */
async function cosign({ vault }: TestVault, c: Case): Promise<void> {
  must(await vault.approve(c.wallet, c.proposal))
  must(await vault.makeNonces(c.wallet, c.proposal, ATTEMPT(c.hub)))
  must(await vault.makePartials(c.wallet, c.proposal, c.nonces))
  must(await vault.finalize(c.wallet, c.proposal, c.signatures))
}

/** What a hub does on top of its own signing; `finalize` takes the place of that of a co-signer. */
async function lead({ vault }: TestVault, c: Case): Promise<void> {
  must(await vault.aggregateNonces(c.wallet, c.pubnonces))
  must(await vault.aggregatePartials(c.wallet, c.proposal, c.pubnonces, c.partials))
  must(await vault.finalize(c.wallet, c.proposal, c.signatures))
}

async function messages({ vault }: TestVault, c: Case): Promise<void> {
  for (const message of c.received)
    if (!(await vault.verifyMessage(message))) throw new Error('a message does not verify')
}

function reference(c: Case): void {
  const keys = c.context.members.map(member => member.publicKey)
  const publicKey = Uint8Array.from(Buffer.from(c.own.accountKey, 'hex'))
  const made = c.job.inputs.map(({ message, tweaks }) => {
    const aggregate = keyAggExport(
      keyAggregate(
        keys,
        tweaks.map(t => t.scalar),
        tweaks.map(t => t.xOnly),
      ),
    )
    return { aggregate, nonce: referenceNonceGen(publicKey, c.own.secretKey, aggregate, message) }
  })
  const { body } = c.nonces
  c.job.inputs.forEach(({ message, tweaks }, i) => {
    const { aggregate, nonce } = made[i]!
    const session = new Session(
      body.type === 'nonces' ? body.aggregates[i]! : new Uint8Array(),
      keys,
      message,
      tweaks.map(t => t.scalar),
      tweaks.map(t => t.xOnly),
    )
    session.sign(nonce.secret, c.own.secretKey)
    if (!verifySignature(c.signatures[i]!, message, aggregate)) throw new Error('a final signature does not verify')
  })
}

/** Processor time of this process, user and system, milliseconds. */
async function cpu(work: () => Promise<void> | void): Promise<number> {
  const from = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(from)
  return (user + system) / 1000
}

const [runs = 1, quick = 0] = process.argv.slice(2).map(Number)
const small = await prepare(2, 5)
for (let i = 0; i < WARM_UP; i++) {
  const vault = await freshVault()
  await cosign(vault, small)
  await lead(vault, small)
  await messages(vault, small)
  reference(small)
}
for (const [n, inputs] of SIZES.filter(size => quick === 0 || (size[0] <= 15 && size[1] <= 20))) {
  console.error(`bench:sign: ${n} members, ${inputs} inputs`)
  const made = await prepare(n, inputs)
  const times: Record<'signer' | 'reference' | 'hub' | 'messages', number[]> = {
    signer: [],
    reference: [],
    hub: [],
    messages: [],
  }
  // the first is made to warm up; the four take turns, so that what else happens on the machine meets them alike
  for (let run = -1; run < runs; run++) {
    const vault = await freshVault()
    const took = {
      signer: await cpu(() => cosign(vault, made)),
      reference: await cpu(() => reference(made)),
      hub: await cpu(() => lead(vault, made)),
      messages: await cpu(() => messages(vault, made)),
    }
    if (run < 0) continue
    for (const what of ['signer', 'reference', 'hub', 'messages'] as const) times[what].push(took[what])
  }
  const params = { n, inputs }
  report([
    summarize('signer_cpu', params, 'ms', times.signer),
    summarize('signer_cpu_reference', params, 'ms', times.reference),
    summarize(
      'signer_cpu_to_reference',
      params,
      'ratio',
      times.signer.map((ms, i) => ms / (times.reference[i] ?? 0)),
      n === TARGET.n && inputs === TARGET.inputs ? { target: TARGET.ratio } : {},
    ),
    summarize('hub_cpu', params, 'ms', times.hub),
    ...(inputs === 1 ? [summarize('messages_cpu', { n }, 'ms', times.messages)] : []),
  ])
}
