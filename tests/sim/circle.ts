import { createVault } from '../../services/adapters/keyworker/vault'
import { entropyOf, Keys, wordsOf } from '../../services/adapters/keyworker/keys'
import type { ProfileRecord } from '../../services/adapters/keyworker/ports'
import { makeDescriptor } from '../../services/core/crypto/public-wallet'
import { openWallet, type WalletContext } from '../../services/core/crypto/wallet-context'
import { toHex, utf8ToBytes, type Hex } from '../../services/core/domain/bytes'
import type { Branch } from '../../services/core/domain/ids'
import { NETWORKS } from '../../services/core/domain/network'
import type { WalletRecord } from '../../services/core/domain/wallet'
import { sha256 } from '@noble/hashes/sha2.js'
import { createFakeEntropy } from '../fakes/entropy'
import { cheapHash, createMemoryLocks, createMemoryVaultStore } from '../fakes/vault'

/** Who the members of a wallet are: made once for each number of members and used by all runs. */
export interface CircleOf {
  readonly context: WalletContext
  readonly records: readonly WalletRecord[]
  readonly profiles: readonly ProfileRecord[]
  /** account secret keys in roster order, with which hostile members sign what they like */
  readonly secrets: readonly Uint8Array[]
  /** the places that a run can use; the wallet looks at no others */
  readonly scripts: ReadonlyArray<{ readonly branch: Branch; readonly index: number; readonly script: Hex }>
}

/** per branch */
const PLACES = 30
export const PASSWORD = 'correct horse'
export const peerOf = (member: number): string => `peer-${member}`

const circles = new Map<number, Promise<CircleOf>>()

export function circleOf(members: number): Promise<CircleOf> {
  const known = circles.get(members) ?? make(members)
  circles.set(members, known)
  return known
}

async function make(members: number): Promise<CircleOf> {
  const people = await Promise.all(
    Array.from({ length: members }, async (_, i) => {
      const words = wordsOf(sha256(utf8ToBytes(`person ${i}`)).slice(0, 16))
      const keys = await Keys.fromEntropy(entropyOf(words), '')
      const info = keys.accountAt('regtest', 7 + i)
      const store = createMemoryVaultStore()
      const vault = createVault({
        store,
        locks: createMemoryLocks(),
        hash: cheapHash,
        entropy: createFakeEntropy(`profile ${i}`),
        clock: { now: () => 0, after: () => () => undefined },
      })
      const made = await vault.createProfile({ name: `Member ${i}`, words, password: PASSWORD, wordsChecked: true })
      const profile = made.ok ? await store.profile(made.value.id) : undefined
      const account = keys.account('regtest', info.origin)
      if (profile === undefined || account === undefined) throw new Error('no profile')
      return { info, profile, secret: account.secretKey }
    }),
  )
  people.sort((a, b) => (a.info.accountKey < b.info.accountKey ? -1 : 1))
  const descriptor = makeDescriptor(
    'regtest',
    people.map(p => p.info),
  )
  const context = descriptor.ok ? openWallet('regtest', descriptor.value) : descriptor
  if (!context.ok) throw new Error(context.error.code)
  const zero: Hex = '00'.repeat(64)
  const roster = people.map(({ info }, m) => ({
    ...info,
    name: `Member ${m}`,
    peerId: peerOf(m),
    proofNumber: 1,
    proof: zero,
  }))
  const shared = {
    id: context.value.id,
    name: 'Boat',
    network: 'regtest' as const,
    genesis: NETWORKS.regtest.genesis,
    policy: { kind: 'all' as const },
    descriptor: context.value.descriptor,
    roster,
    groupSecret: '42'.repeat(32),
    relayList: { number: 1, relays: [], by: people[0]?.info.accountKey ?? '', signature: zero },
    draftId: '01'.repeat(32),
    confirmations: {},
    saved: [],
    fileDeferred: false,
    createdAt: 0,
  }
  return {
    context: context.value,
    profiles: people.map(p => p.profile),
    secrets: people.map(p => p.secret),
    scripts: ([0, 1] as const).flatMap(branch =>
      Array.from({ length: PLACES }, (_, index) => ({
        branch,
        index,
        script: toHex(context.value.output(branch, index)?.script ?? new Uint8Array()),
      })),
    ),
    records: people.map(({ info }): WalletRecord => ({ ...shared, self: info.accountKey })),
  }
}
