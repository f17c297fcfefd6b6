import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { fromHex } from '../../services/core/domain/bytes'
import { placesOf, practiceMessage, readProposal } from '../../services/core/crypto/proposal-id'
import { LIMITS } from '../../services/core/wire/limits'
import type { PracticeProposal } from '../../services/core/domain/proposal'
import {
  classifyConnectivityError,
  ConnectivityErrorType,
  createSigningSession,
  createSigningSessionWithOptions,
  ensureSessionParticipantsConnected,
} from '../../services/musig2'
import type { CreateSessionOptions, MuSig2 } from '../../services/musig2'
import { connectToDiscoveredPeer, getCachedRelayAddress, getConnectionType } from '../../services/p2p'
import { circle, createWorld, fund, OUTSIDE } from './people'
import type { Person, World } from './people'

let world: World
let everybody: Person[]
let walletId: string

beforeEach(async () => {
  world = createWorld()
  const made = await circle(world, 3)
  everybody = made.everybody
  walletId = made.walletId
}, 60_000)

afterEach(async () => {
  await Promise.all(everybody.map(p => p.close()))
})

/**
 * What `proposeSpend` would hand over: a practice text, which needs no coins. The salt is made inside, so the hash is
 * caught there.
 */
function options(person: Person, more: Partial<CreateSessionOptions> = {}): CreateSessionOptions {
  const record = person.walletsDoor.directory.get(walletId)!.record
  return {
    signerPublicKeys: record.roster.map(e => fromHex(e.accountKey)),
    myPrivateKey: { kind: 'vault-account', walletId, accountKey: record.self },
    message: new Uint8Array(32),
    metadata: { walletId, practice: 'a first try' },
    ...more,
  }
}

const create = (door: MuSig2, o: CreateSessionOptions) => door.createWithOptions(o)

async function spendOptions(person: Person, more: Partial<CreateSessionOptions> = {}): Promise<CreateSessionOptions> {
  const built = await person.musig2.reviewSpend({ walletId, recipient: OUTSIDE, amountSats: 10_000n, feeRate: 1 })
  if (!built.ok) throw new Error(built.error.code)
  const proposal = built.value.draft
  const hashes = readProposal(
    await person.walletsDoor.directory.get(walletId)!.scripts.at(placesOf(proposal)),
    proposal,
  )
  if (!hashes.ok) throw new Error(hashes.error.rule)
  return options(person, { metadata: { walletId, proposal }, message: hashes.value.messages, ...more })
}

describe('the public functions before they are set up', () => {
  it('answer as the design says', async () => {
    expect(
      await createSigningSession([], { kind: 'vault-account', walletId: '', accountKey: '' }, new Uint8Array(32)),
    ).toEqual({ sessionId: null, error: 'MuSig2 not initialized' })
    expect(await createSigningSessionWithOptions(options(everybody[0]!))).toEqual({
      sessionId: null,
      error: 'MuSig2 not initialized',
    })
    const gate = await ensureSessionParticipantsConnected(['peer1', 'peer2'])
    expect(gate).toMatchObject({
      allConnected: false,
      connected: [],
      failed: [{ peerId: 'peer1', error: 'P2P not initialized' }, { peerId: 'peer2' }],
    })
    expect(await connectToDiscoveredPeer({ peerId: 'peer1' })).toMatchObject({
      success: false,
      error: 'P2P not initialized',
    })
    expect(getCachedRelayAddress('peer1')).toBeUndefined()
    expect(getConnectionType('peer1')).toBe('none')
    expect(classifyConnectivityError('peer1', new Error('x')).type).toBe(ConnectivityErrorType.NETWORK_ERROR)
  })
})

describe('misuse is a TypeError that names the parameter', () => {
  it.each([
    ['signerPublicKeys', { signerPublicKeys: [] }],
    ['myPrivateKey', { myPrivateKey: { kind: 'vault-account' as const, walletId: '00', accountKey: '02' } }],
    ['metadata.walletId', { metadata: undefined }],
    ['metadata.proposal', { metadata: { walletId: 'here' } }],
    ['participantPeerIds', { participantPeerIds: [] }],
    ['minConnectedParticipants', { minConnectedParticipants: 3 }],
    ['connectivityTimeoutMs', { connectivityTimeoutMs: 0 }],
    // nobody signs a hash that somebody supplied
    ['message', {}],
  ])('%s', async (name, more) => {
    const o = options(everybody[0]!, more as Partial<CreateSessionOptions>)
    const fixed = o.metadata?.walletId === 'here' ? { ...o, metadata: { walletId } } : o
    await expect(create(everybody[0]!.musig2, fixed)).rejects.toThrow(new RegExp(`^${name.replace('.', '\\.')}:`))
    expect(everybody[0]!.sessions).toEqual([])
  })
})

describe('the gate', () => {
  beforeEach(async () => {
    await fund(world, everybody, walletId, [50_000n])
  }, 60_000)

  it('connects everybody of the wallet when no participants are named, and only then proposes', async () => {
    const [anna] = everybody as [Person]
    const made = await create(anna.musig2, await spendOptions(anna))
    expect(made.sessionId).toMatch(/^[0-9a-f]{64}$/)
    expect(made.connectivityIssues).toBeUndefined()
    expect(made.connectedParticipants).toHaveLength(2)
  })

  it('names who is missing, blames nobody else, and leaves nothing behind', async () => {
    const [anna, ben, cleo] = everybody as [Person, Person, Person]
    world.network.offline(cleo.p2p.peerId)
    const result = await create(anna.musig2, await spendOptions(anna, { connectivityTimeoutMs: 3_000 }))
    expect(result).toMatchObject({
      sessionId: null,
      error: 'Cannot reach 1 participant(s)',
      connectedParticipants: [ben.p2p.peerId],
    })
    expect(result.connectivityIssues).toHaveLength(1)
    expect(result.connectivityIssues?.[0]).toMatchObject({
      peerId: cleo.p2p.peerId,
      member: cleo.walletsDoor.directory.get(walletId)!.record.self,
    })
    expect(anna.sessions).toEqual([])
    expect(ben.sessions).toEqual([])
    expect(anna.wallet!.balance.heldSats).toBe(0n)
  })

  it('partial connectivity: created with who is there, the other gets it when he comes', async () => {
    const [anna, ben, cleo] = everybody as [Person, Person, Person]
    await cleo.close()
    const few = await create(
      anna.musig2,
      await spendOptions(anna, {
        allowPartialConnectivity: true,
        minConnectedParticipants: 2,
        connectivityTimeoutMs: 3_000,
      }),
    )
    expect(few).toMatchObject({ sessionId: null, error: 'Only 1/2 required participants connected' })
    const made = await create(
      anna.musig2,
      await spendOptions(anna, { allowPartialConnectivity: true, connectivityTimeoutMs: 3_000 }),
    )
    expect(made.sessionId).not.toBeNull()
    expect(made.connectedParticipants).toEqual([ben.p2p.peerId])
    expect(made.connectivityIssues).toHaveLength(1)
    await cleo.open()
    await vi.waitFor(() => expect(cleo.session(made.sessionId!)?.view.canApprove).toBe(true), { timeout: 20_000 })
  })

  it('counts a peer once, lists oneself only when asked, and reports an unknown member by the key', async () => {
    const [anna, ben] = everybody as [Person, Person]
    const twice = await anna.musig2.ensureConnected([ben.p2p.peerId, ben.p2p.peerId, anna.p2p.peerId], true)
    expect(twice.connected).toEqual([ben.p2p.peerId])
    const self = await anna.musig2.ensureConnected([ben.p2p.peerId, anna.p2p.peerId], false)
    expect(new Set(self.connected)).toEqual(new Set([ben.p2p.peerId, anna.p2p.peerId]))
    const unknown = await anna.p2p.ensureConnected([{ member: '02abcdef01' + '00'.repeat(28) }])
    expect(unknown.failed).toMatchObject([
      { peerId: 'unknown:02abcdef', errorType: ConnectivityErrorType.PEER_NOT_FOUND },
    ])
    expect(() => anna.musig2.ensureConnected([], true)).toThrow(TypeError)
  })

  it('a proposal that cannot be stored is not sent, says so, and holds nothing', async () => {
    const [anna, ben] = everybody as [Person, Person]
    const o = await spendOptions(anna)
    const put = anna.storage.put
    anna.storage.put = async () => {
      throw new Error('disk full')
    }
    expect(await create(anna.musig2, o)).toMatchObject({ sessionId: null, error: 'storage-failed' })
    anna.storage.put = put
    await vi.waitFor(() => expect(anna.sessions).toEqual([]))
    expect(ben.sessions).toEqual([])
    expect(anna.wallet!.balance.heldSats).toBe(0n)
  })

  it('never proposes another payment than the one that was reviewed', async () => {
    const [anna, ben] = everybody as [Person, Person]
    await fund(world, everybody, walletId, [70_000n], 50_000n)
    const ask = { walletId, recipient: OUTSIDE, amountSats: 40_000n, feeRate: 1 }
    const reviewed = await anna.musig2.reviewSpend(ask)
    if (!reviewed.ok) throw new Error(reviewed.error.code)
    const coin = reviewed.value.review.inputs.map(i => `${i.txid}:${i.vout}`)
    // the coin goes into another payment, which Anna approves; a second coin could pay just as well
    const other = await ben.musig2.proposeSpend({ ...ask, coins: coin, amountSats: 10_000n })
    await vi.waitFor(() => expect(anna.session(other.sessionId!)?.view.canApprove).toBe(true), { timeout: 20_000 })
    await anna.musig2.approve(other.sessionId!)
    await vi.waitFor(() => expect(anna.wallet!.balance.heldSats).toBeGreaterThan(0n), { timeout: 20_000 })
    // however often it is pressed: the payment on the screen, or none
    const shown = { ...ask, reviewed: reviewed.value.review.txid }
    for (let i = 0; i < 2; i++)
      expect(await anna.musig2.proposeSpend(shown)).toMatchObject({
        success: false,
        field: { field: 'coins', code: 'review-again' },
      })
    const again = await anna.musig2.reviewSpend(ask)
    if (!again.ok) throw new Error(again.error.code)
    expect(again.value.review.txid).not.toBe(reviewed.value.review.txid)
    expect(await anna.musig2.proposeSpend(shown)).toMatchObject({ success: false })
    expect((await anna.musig2.proposeSpend({ ...ask, reviewed: again.value.review.txid })).success).toBe(true)
  })

  it('a practice text is signed by all and never reaches the chain', async () => {
    const [anna, ...others] = everybody as [Person, ...Person[]]
    let sessionId: string | null = null
    // the hash of a practice covers the wallet and the text only
    const message = practiceMessage({ kind: 'practice', walletId, text: 'a first try' } as PracticeProposal)
    const asked = Math.floor(Date.now() / 1000)
    sessionId = (await create(anna.musig2, options(anna, { message }))).sessionId
    expect(sessionId).not.toBeNull()
    // expires after a day
    const lives = (anna.session(sessionId!)?.expiresAt ?? 0) - LIMITS.defaultExpiryS
    expect(lives).toBeGreaterThanOrEqual(asked)
    expect(lives).toBeLessThanOrEqual(Date.now() / 1000)
    for (const person of others) {
      await vi.waitFor(() => expect(person.session(sessionId!)?.view.canApprove).toBe(true), { timeout: 20_000 })
      expect(person.session(sessionId!)?.practiceText).toBe('a first try')
      await person.musig2.approve(sessionId!)
    }
    for (const person of everybody)
      await vi.waitFor(() => expect(person.session(sessionId!)?.view.state).toBe('confirmed'), { timeout: 20_000 })
    expect(world.chain.mempool()).toEqual([])
  })
})
