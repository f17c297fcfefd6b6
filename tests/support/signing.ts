/** Three members with their vaults and one wallet, for tests of signing. */
import { makeDescriptor } from '../../services/core/crypto/public-wallet'
import { openWallet, type WalletContext } from '../../services/core/crypto/wallet-context'
import { pubnoncesHash } from '../../services/core/crypto/message-hash'
import { serializeTx } from '../../services/core/crypto/transaction'
import { signingJob, SPEND_SEQUENCE, SPEND_VERSION } from '../../services/core/crypto/proposal-id'
import type { AttemptName, PracticeProposal, SpendProposal, Proposal } from '../../services/core/domain/proposal'
import type { Result } from '../../services/core/domain/result'
import type { AccountInfo } from '../../services/core/domain/wallet'
import type { SignBody, SignedMessage } from '../../services/core/wire/messages'
import type { WalletKeys } from '../../services/ports/signer'
import { FakeClock } from '../fakes/clock'
import { unlockedVault, type TestVault } from '../fakes/vault'

export function must<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}

export interface Group {
  readonly clock: FakeClock
  /** in roster order */
  readonly members: ReadonlyArray<TestVault & { readonly account: AccountInfo }>
  readonly wallet: WalletKeys
  readonly context: WalletContext
}

export async function makeGroup(n = 3): Promise<Group> {
  const clock = new FakeClock()
  const made = await Promise.all(
    Array.from({ length: n }, async (_, i) => {
      const member = await unlockedVault(i, { clock })
      return { ...member, account: await member.vault.newAccount('regtest') }
    }),
  )
  const members = made.sort((a, b) => (a.account.accountKey < b.account.accountKey ? -1 : 1))
  const descriptor = must(
    makeDescriptor(
      'regtest',
      members.map(m => m.account),
    ),
  )
  return {
    clock,
    members,
    wallet: { network: 'regtest', descriptor },
    context: must(openWallet('regtest', descriptor)),
  }
}

const TXIDS = ['11', '22', '33', '44'].map(byte => byte.repeat(32))

/** What a proposal needs to know of a group. */
export interface Circle {
  readonly clock: Pick<Group['clock'], 'now'>
  readonly context: WalletContext
  readonly members: ReadonlyArray<{ readonly account: AccountInfo }>
}

/** Two inputs on both branches, one recipient, change. */
export function spendOf(
  group: Circle,
  more: Partial<SpendProposal> & { inputs?: SpendProposal['inputs'] } = {},
): SpendProposal {
  const inputs = more.inputs ?? [
    { amountSats: 60_000n, branch: 0, index: 0 },
    { amountSats: 50_000n, branch: 1, index: 3 },
  ]
  const change = group.context.output(1, 4)!
  const recipient = group.context.output(0, 19)!
  const tx = serializeTx({
    version: SPEND_VERSION,
    locktime: 100,
    inputs: inputs.map((_, i) => ({
      txid: TXIDS[i % 4]!,
      vout: i,
      script: new Uint8Array(),
      sequence: SPEND_SEQUENCE,
      witness: [],
    })),
    outputs: [
      { sats: 70_000n, script: recipient.script },
      { sats: 39_000n, script: change.script },
    ],
  })
  return {
    kind: 'spend',
    walletId: group.context.id,
    proposer: group.members[0]!.account.accountKey,
    expiresAt: Math.floor(group.clock.now() / 1000) + 86_400,
    note: 'rent',
    salt: 'ab'.repeat(32),
    tx,
    inputs,
    ownOutputs: [{ vout: 1, branch: 1, index: 4 }],
    ...more,
  }
}

export function practiceOf(group: Group): PracticeProposal {
  const { walletId, proposer, expiresAt, note, salt } = spendOf(group)
  return { kind: 'practice', walletId, proposer, expiresAt, note, salt, text: 'we sign together' }
}

const bodyOf = <T extends SignBody['type']>(message: SignedMessage, type: T): Extract<SignBody, { type: T }> => {
  if (message.body.type !== type) throw new Error(`expected ${type}, got ${message.body.type}`)
  return message.body as Extract<SignBody, { type: T }>
}

export const sessionOf = (group: Group, proposal: Proposal): string =>
  must(signingJob(group.context, proposal)).sessionId
export const digestOf = (group: Group, proposal: Proposal): string => must(signingJob(group.context, proposal)).digest

/** All members' pubnonces of an attempt, by roster order. */
export async function collectNonces(group: Group, proposal: Proposal, attempt: AttemptName): Promise<Uint8Array[][]> {
  const messages = await Promise.all(group.members.map(m => m.vault.makeNonces(group.wallet, proposal, attempt)))
  return messages.map(message => [...bodyOf(must(message), 'pubnonces').pubnonces])
}

/** The hub's signed `nonces`. */
export async function noncesMessage(
  group: Group,
  proposal: Proposal,
  attempt: AttemptName,
  pubnonces: Uint8Array[][],
  change: Partial<Extract<SignBody, { type: 'nonces' }>> = {},
): Promise<SignedMessage> {
  const hub = group.members[attempt.hub]!
  const aggregates = must(await hub.vault.aggregateNonces(group.wallet, pubnonces))
  const body: SignBody = {
    type: 'nonces',
    digest: digestOf(group, proposal),
    aggregates,
    hashes: pubnonces.map(pubnoncesHash),
    ...change,
  }
  return must(await hub.vault.signMessage(group.wallet, sessionOf(group, proposal), attempt, body))
}

/** A spend that everybody has approved. */
export async function approvedSpend(n = 3): Promise<{ readonly group: Group; readonly proposal: SpendProposal }> {
  const group = await makeGroup(n)
  const proposal = spendOf(group)
  for (const member of group.members) must(await member.vault.approve(group.wallet, proposal))
  return { group, proposal }
}

/** A whole attempt after everybody's yes; the final signatures. */
export async function signTogether(
  group: Group,
  proposal: Proposal,
  attempt: AttemptName = { counter: 1, hub: 0 },
): Promise<Uint8Array[]> {
  for (const member of group.members) must(await member.vault.approve(group.wallet, proposal))
  const pubnonces = await collectNonces(group, proposal, attempt)
  const nonces = await noncesMessage(group, proposal, attempt, pubnonces)
  const partials = await Promise.all(
    group.members.map(async m => [
      ...bodyOf(must(await m.vault.makePartials(group.wallet, proposal, nonces)), 'partials').partials,
    ]),
  )
  return must(await group.members[attempt.hub]!.vault.aggregatePartials(group.wallet, proposal, pubnonces, partials))
}

export { bodyOf }
