/**
 * The signing door (docs/protocol.md, ARCHITECTURE.md "Connectivity"). It connects before it proposes, runs the
 * sessions of the open profile, and reports plain pictures. Module-level functions act on the one instance that
 * `initMuSig2` made. Long because the whole public contract stands in one place: options, misuse checks, gate. The
 * rules, and what a card shows, are in core/signing.
 */
import type { Clock } from './ports/clock'
import type { Entropy } from './ports/entropy'
import type { Log } from './ports/log'
import type { Aggregator, Signer } from './ports/signer'
import type { Storage } from './ports/storage'
import { equalBytes, fromHex, toHex } from './core/domain/bytes'
import type { ParticipantStatus } from './core/domain/connectivity'
import type { AccountKey, MemberIndex, PeerId, SessionId, WalletId } from './core/domain/ids'
import type { PracticeProposal, Proposal, SpendProposal } from './core/domain/proposal'
import { createThrottle, SCREEN_MS } from './core/domain/throttle'
import { err, ok } from './core/domain/result'
import type { Result } from './core/domain/result'
import { cleanText, isCleanText } from './core/domain/text'
import { rawTxid } from './core/domain/txid'
import type { FieldError } from './core/domain/views'
import type { WalletRecord } from './core/domain/wallet'
import { LIMITS } from './core/wire/limits'
import type { GateFailure, GateOptions, GateResult, GateTarget } from './core/net/gate'
import { memberOfPeer } from './core/roster/wallet-record'
import { cardsOf, type SessionCard } from './core/signing/rules/cards'
import { decodeSession, encodeSession } from './core/signing/runtime/store'
import { createIntake } from './core/signing/runtime/inbox'
import { sessionView } from './core/signing/rules/progress'
import type { SessionView } from './core/signing/rules/progress'
import {
  admit,
  beforeYes,
  changeInUse,
  equivocates,
  holdsOf,
  overlaps,
  payableAgain,
  replaceable,
  replacedTxids,
  sessionOfTx,
} from './core/signing/rules/wallet-sessions'
import { createRunner } from './core/signing/runtime/runner'
import { newSession } from './core/signing/protocol/state'
import type { Session } from './core/signing/protocol/state'
import { isChainEnd, isLive, isOpen } from './core/signing/protocol/table'
import { encodeTranscript, Transcripts, transcriptStatement } from './core/signing/runtime/transcript'
import { inRounds, isWatched, lookAtChain, neighbours } from './core/signing/runtime/chain-watch'
import { createDesk } from './core/spend/service'
import type { Reviewed, SessionFacts, SpendRequest } from './core/spend/service'
import type { P2P } from './p2p'
import type { Wallets } from './wallets'

export { ConnectivityErrorType } from './core/domain/connectivity'
export type { ConnectivityError } from './core/domain/connectivity'
export type { SessionCard } from './core/signing/rules/cards'
export { classifyConnectivityError } from './core/net/classify'

/** A 33-byte compressed public key. */
export type PublicKey = Uint8Array

/** An opaque signing handle of the vault, never secret bytes: it only names whose account signs. */
export interface PrivateKey {
  readonly kind: 'vault-account'
  readonly walletId: WalletId
  readonly accountKey: AccountKey
}

export interface SessionMetadata {
  readonly walletId: WalletId
  /** the spend to sign; every sighash is recomputed from it */
  readonly proposal?: SpendProposal
  /** or a text to practise with, shown to every member */
  readonly practice?: string
}

export interface CreateSessionOptions {
  /** account keys of all signers, in any order */
  readonly signerPublicKeys: readonly PublicKey[]
  readonly myPrivateKey: PrivateKey
  /** one 32-byte hash, or one per input; only compared with what the proposal gives */
  readonly message: Uint8Array | readonly Uint8Array[]
  readonly metadata?: SessionMetadata
  /** everybody of the wallet when omitted */
  readonly participantPeerIds?: readonly PeerId[]
  /**
   * proposes although somebody is missing; he receives it as soon as he connects, and it cannot complete without him
   */
  readonly allowPartialConnectivity?: boolean
  /** other members that must be there then; 1 when omitted */
  readonly minConnectedParticipants?: number
  /** milliseconds, 30 000 when omitted */
  readonly connectivityTimeoutMs?: number
  readonly signal?: AbortSignal
  readonly onStatus?: (status: ParticipantStatus) => void
}

export interface CreateSessionResult {
  readonly sessionId: SessionId | null
  readonly error?: string
  readonly connectivityIssues?: GateFailure[]
  readonly connectedParticipants?: PeerId[]
}

/**
 * amounts in satoshis; `recipient` as typed. With `replaces` it takes the place of an earlier payment, with `again` it
 * is one anew.
 */
export type SpendProposalParams = SpendRequest

export interface ProposeOptions {
  /**
   * proposes to those who are there, at least one; who is missing gets it when he comes, and it cannot complete without
   * him
   */
  readonly partial?: boolean
  /** gives the gate up: its dials end, and nothing is proposed */
  readonly signal?: AbortSignal
}

export interface ProposeResult {
  readonly success: boolean
  readonly sessionId?: SessionId
  readonly error?: string
  /** what is wrong with the form, when that is why nothing was proposed */
  readonly field?: FieldError
  readonly connectivityIssues?: readonly GateFailure[]
}

export interface MuSig2Events {
  sessions(cards: SessionCard[]): void
  /** live link of a participant of a session */
  participant(sessionId: SessionId, status: ParticipantStatus): void
}

export interface MuSig2Deps {
  readonly signer: Signer & Aggregator
  readonly storage: Storage
  readonly p2p: P2P
  readonly wallets: Wallets
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  readonly events: MuSig2Events
}

export type MuSig2 = ReturnType<typeof createMuSig2>

const sessionField = (code: string): FieldError => ({ field: 'session', code })

export function createMuSig2(deps: MuSig2Deps) {
  const { signer, storage, p2p, wallets, clock, entropy, log, events } = deps
  const desk = createDesk({ wallets, signer, clock, entropy })
  const looking = new Set<WalletId>()
  const release: Array<() => void> = []
  let stopped = false

  const transcripts = new Transcripts({
    storage,
    clock,
    onError: error =>
      log.write('warn', 'signing.transcript-failed', { error: error instanceof Error ? error.message : 'unknown' }),
  })

  const runner = createRunner({
    signer,
    clock,
    log,
    keys: walletId => {
      const record = wallets.record(walletId)
      return record && { network: record.network, descriptor: record.descriptor }
    },
    // my yes is on the vault's disk before it is sent, and from `released` on the session is; before that a lost write
    // costs an attempt
    save: session =>
      storage.put('sessions', session.id, encodeSession(session), isOpen(session.state) ? 'relaxed' : 'strict'),
    send(walletId, to, message) {
      transcripts.note(message)
      const record = wallets.record(walletId)
      for (const member of to) {
        const peerId = record?.roster[member]?.peerId
        if (peerId !== undefined) void p2p.send(peerId, 'sign', message)
      }
    },
    async verify(session) {
      const verdict = await inTurn(session.id, () => desk.verify(session.proposal, () => factsOf(session)))
      // a coin that is younger than the own last look: the next one shows it, and the check comes again with its news
      if (verdict.kind === 'not-yet-seen') void wallets.sync(session.walletId)
      return verdict
    },
    async broadcast(walletId, raw) {
      const chain = wallets.chainOf(walletId)
      if (chain === undefined) return err({ code: 'unreachable', detail: 'network not configured', retryable: false })
      const sent = await chain.broadcast(raw)
      void wallets.sync(walletId)
      return sent
    },
    offence: (walletId, member, code) => {
      const peerId = wallets.record(walletId)?.roster[member]?.peerId
      log.write('warn', 'signing.offence', { member, code })
      if (peerId !== undefined) p2p.offence(peerId, code)
    },
    txidOf: rawTxid,
    stepped(session, effects) {
      if (effects.some(e => e.type === 'holds' || e.type === 'store')) hold(session.walletId)
      if (effects.some(e => e.type === 'notify')) {
        wallets.expect(
          session.walletId,
          ofWallet(session.walletId).some(s => s.state === 'signed' || s.state === 'broadcast'),
        )
        // what overlapped it may be in order now
        if (effects.some(e => e.type === 'notify' && e.what === 'end')) {
          for (const other of overlaps(runner.all(), session.proposal, session.id))
            void runner.tell(other.id, { type: 'user', action: 'recheck' })
        }
        if (effects.some(e => e.type === 'notify' && e.what === 'request')) changed.now()
        else changed()
      }
    },
  })

  /** Checks of one session answer in the order in which they were asked: the newest word is the last one. */
  const checks = new Map<SessionId, Promise<unknown>>()
  function inTurn<T>(id: SessionId, check: () => Promise<T>): Promise<T> {
    const mine = (checks.get(id) ?? Promise.resolve()).then(check, check)
    checks.set(id, mine)
    const done = () => {
      if (checks.get(id) === mine) checks.delete(id)
    }
    mine.then(done, done)
    return mine
  }

  const ofWallet = (walletId: WalletId): Session[] => runner.all().filter(s => s.walletId === walletId)

  /** Coins and change addresses of live sessions, so that neither is taken twice. */
  function hold(walletId: WalletId) {
    const sessions = ofWallet(walletId)
    const change = [...changeInUse(sessions)].flatMap(place => (place.startsWith('1/') ? [Number(place.slice(2))] : []))
    wallets.setHolds(walletId, new Set(holdsOf(sessions).map(h => h.outpoint)), new Set(change))
  }

  /** What the other sessions say to the check of this one. */
  function factsOf(session: Session): SessionFacts {
    const { proposal } = session
    const others = ofWallet(session.walletId)
    const facts = { changeInUse: changeInUse(others, session), equivocates: equivocates(others, proposal, session.id) }
    const old =
      proposal.kind === 'spend' && proposal.replaces !== undefined ? sessionOfTx(others, proposal.replaces) : undefined
    if (old?.proposal.kind !== 'spend') return facts
    const mine = isChainEnd(old.state) || (isLive(old.state) && !isOpen(old.state))
    return {
      ...facts,
      replacedBefore: replacedTxids(others, proposal),
      ...(mine ? { replaced: { proposal: old.proposal, confirmed: old.state === 'confirmed' } } : {}),
    }
  }

  /** Builds what a person asks for, once; nothing is sent and nothing held. */
  async function build(wish: SpendRequest): Promise<Result<Reviewed, FieldError>> {
    const about = 'replaces' in wish ? wish.replaces : 'again' in wish ? wish.again : undefined
    if (about === undefined) return desk.build(wish)
    const session = runner.get(about)
    if (session?.proposal.kind !== 'spend' || session.walletId !== wish.walletId)
      return err(sessionField('unknown-session'))
    const may =
      'replaces' in wish
        ? replaceable(ofWallet(wish.walletId), session)
        : payableAgain(session, clock.now())
          ? ok(undefined)
          : err('too-late' as const)
    return may.ok ? desk.build(wish, { session: session.id, proposal: session.proposal }) : err(sessionField(may.error))
  }

  const cards = (): SessionCard[] =>
    cardsOf(
      runner.all(),
      { roster: walletId => wallets.record(walletId)?.roster, drawn: desk.drawn, replaced: desk.replaced },
      clock.now(),
    )
  const changed = createThrottle(clock, SCREEN_MS, () => events.sessions(cards()))

  /**
   * The pictures that are missing: of ended sessions of an earlier run, and of those whose wallet came later. One after
   * the other.
   */
  async function drawMissing() {
    for (const { proposal } of runner.all()) {
      if (stopped) return
      if (proposal.kind === 'practice' || desk.drawn(proposal) !== null) continue
      await desk.prepare(proposal)
      changed()
    }
  }

  const indexOfPeer = (record: WalletRecord, peerId: PeerId): MemberIndex =>
    record.roster.findIndex(e => e.peerId === peerId)

  /** Members of a wallet to whom a session message can go now. */
  function linked(record: WalletRecord): MemberIndex[] {
    return record.roster.flatMap((entry, i) =>
      entry.accountKey !== record.self && p2p.isLinkUp(entry.peerId, 'sign') ? [i] : [],
    )
  }

  async function tellPeers(walletId: WalletId) {
    const record = wallets.record(walletId)
    if (record !== undefined) await runner.tellAll({ type: 'peers', connected: linked(record) }, walletId)
  }

  const intake = createIntake({
    clock,
    log,
    signer,
    wallets,
    runner,
    begin,
    send: (peerId, message) => {
      void p2p.send(peerId, 'sign', message)
    },
    offence: (peerId, code) => p2p.offence(peerId, code),
    prepare: proposal => desk.prepare(proposal),
    note: message => transcripts.note(message),
    reopen: id => transcripts.open(id, false),
    forget(id) {
      transcripts.forget(id)
      void storage.delete('sessions', id)
    },
  })

  async function begin(session: Session) {
    await transcripts.open(session.id, true)
    runner.add(session)
    const record = wallets.record(session.walletId)
    if (record === undefined) return
    for (const entry of record.roster) {
      const status = entry.accountKey === record.self ? undefined : p2p.status(entry.peerId)
      if (status !== undefined) events.participant(session.id, status)
    }
    await runner.tell(session.id, { type: 'peers', connected: linked(record) })
  }

  /** After a sync of the wallet: what the chain says of its sessions. */
  async function look(walletId: WalletId, news: boolean) {
    const chain = wallets.chainOf(walletId)
    if (chain === undefined || looking.has(walletId)) return
    looking.add(walletId)
    try {
      const sessions = ofWallet(walletId)
      const about = neighbours(sessions, new Set(wallets.chainView(walletId)?.history.map(item => item.txid)))
      const looks = await Promise.all(
        sessions.map(async session => ({
          session,
          facts: isWatched(session, about.paid) ? await lookAtChain(session, chain, about) : [],
        })),
      )
      for (const round of inRounds(looks)) {
        await Promise.all(
          round.map(async ({ session, facts }) => {
            for (const fact of facts) await runner.tell(session.id, { type: 'chain', fact })
          }),
        )
      }
      if (news) await runner.tellAll({ type: 'chain', fact: { kind: 'tip' } }, walletId)
    } finally {
      looking.delete(walletId)
    }
    changed()
  }

  const targetsOf = (record: WalletRecord): GateTarget[] =>
    record.roster.map(e => ({ ...(e.peerId === '' ? {} : { peerId: e.peerId }), member: e.accountKey }))

  function gate(targets: readonly GateTarget[], options: GateOptions): Promise<GateResult> {
    return p2p.ensureConnected(targets, options)
  }

  /** Misuse throws here; network trouble comes back as a result later. */
  async function checkOptions(
    o: CreateSessionOptions,
  ): Promise<{ record: WalletRecord; proposal: Proposal; targets: GateTarget[] }> {
    const { metadata } = o
    const record = metadata && wallets.record(metadata.walletId)
    if (metadata === undefined || record === undefined)
      throw new TypeError('metadata.walletId: not a wallet of this profile')
    const keys = new Set(o.signerPublicKeys.map(toHex))
    if (keys.size !== record.roster.length || record.roster.some(e => !keys.has(e.accountKey)))
      throw new TypeError('signerPublicKeys: not exactly the members of the wallet')
    if (
      o.myPrivateKey.kind !== 'vault-account' ||
      o.myPrivateKey.walletId !== record.id ||
      o.myPrivateKey.accountKey !== record.self
    )
      throw new TypeError("myPrivateKey: not this profile's account in the wallet")
    if (o.participantPeerIds?.length === 0) throw new TypeError('participantPeerIds: empty')
    const min = o.minConnectedParticipants
    if (min !== undefined && (!Number.isInteger(min) || min < 0 || min >= record.roster.length))
      throw new TypeError('minConnectedParticipants: not between 0 and the number of other members')
    const timeout = o.connectivityTimeoutMs
    if (timeout !== undefined && !(Number.isFinite(timeout) && timeout > 0))
      throw new TypeError('connectivityTimeoutMs: not a positive number')
    const proposal = metadata.proposal ?? practice(record, metadata.practice)
    if (proposal === undefined) throw new TypeError('metadata.proposal: missing (nobody signs a bare hash)')
    const hashes = await desk.hashes(proposal)
    if (!hashes.ok || proposal.proposer !== record.self)
      throw new TypeError(`metadata.proposal: ${hashes.ok ? 'proposer' : hashes.error.rule}`)
    const messages = o.message instanceof Uint8Array ? [o.message] : o.message
    const same =
      messages.length === hashes.value.length &&
      hashes.value.every((hash, i) => equalBytes(hash, messages[i] ?? new Uint8Array()))
    if (!same) throw new TypeError('message: differs from what the proposal signs')
    const targets = o.participantPeerIds?.map((peerId): GateTarget => {
      const member = memberOfPeer(record, peerId)?.accountKey
      return { peerId, ...(member === undefined ? {} : { member }) }
    })
    return { record, proposal, targets: targets ?? targetsOf(record) }
  }

  function practice(record: WalletRecord, text: string | undefined): PracticeProposal | undefined {
    if (text === undefined) return undefined
    if (text === '' || !isCleanText(text)) throw new TypeError('metadata.practice: empty or with invisible characters')
    return {
      kind: 'practice',
      walletId: record.id,
      proposer: record.self,
      expiresAt: expiry(),
      note: '',
      salt: toHex(entropy.bytes(32)),
      text,
    }
  }

  const expiry = () => Math.floor(clock.now() / 1000) + LIMITS.defaultExpiryS

  async function createWithOptions(o: CreateSessionOptions): Promise<CreateSessionResult> {
    const { record, proposal, targets } = await checkOptions(o)
    const { allConnected, connected, failed } = await gate(targets, {
      ...(o.connectivityTimeoutMs === undefined ? {} : { connectivityTimeoutMs: o.connectivityTimeoutMs }),
      ...(o.signal === undefined ? {} : { signal: o.signal }),
      ...(o.onStatus === undefined ? {} : { onStatus: o.onStatus }),
    })
    const issues = failed.length > 0 ? { connectivityIssues: failed } : {}
    if (!allConnected && o.allowPartialConnectivity !== true) {
      return {
        sessionId: null,
        error: `Cannot reach ${failed.length} participant(s)`,
        ...issues,
        connectedParticipants: connected,
      }
    }
    const required = o.minConnectedParticipants ?? 1
    if (!allConnected && connected.length < required) {
      return {
        sessionId: null,
        error: `Only ${connected.length}/${required} required participants connected`,
        ...issues,
        connectedParticipants: connected,
      }
    }
    const named = await desk.prepare(proposal)
    if (!named.ok)
      return { sessionId: null, error: 'Wallet closed meanwhile', ...issues, connectedParticipants: connected }
    const room = admit(ofWallet(record.id), record.self)
    if (!room.ok) return { sessionId: null, error: room.error, ...issues, connectedParticipants: connected }
    const { sessionId } = named.value
    await begin(
      newSession(
        named.value,
        record.roster.map(e => e.accountKey),
        record.self,
      ),
    )
    await runner.tell(sessionId, { type: 'opened' })
    // signed and on its way, or it has failed its own check
    const made = await reached(sessionId, s => s?.propose !== undefined || (s !== undefined && !isLive(s.state)))
    if (made === undefined) {
      // nothing was sent; what is only in memory must not hold coins
      runner.remove(sessionId)
      await signer.retract(sessionId)
      hold(record.id)
      changed()
      return { sessionId: null, error: 'storage-failed', ...issues, connectedParticipants: connected }
    }
    // who is told that it stands finds it on the screen
    changed.now()
    if (!isLive(made.state))
      return { sessionId: null, error: made.end?.code ?? 'failed', ...issues, connectedParticipants: connected }
    return { sessionId, ...issues, connectedParticipants: connected }
  }

  /**
   * The session once it is as wanted, or as it is when the app stops; undefined when it is not there or a step of it
   * could not be stored.
   */
  function reached(
    sessionId: SessionId,
    wanted: (session: Session | undefined) => boolean,
  ): Promise<Session | undefined> {
    return new Promise(resolve => {
      const check = (unstored?: SessionId) => {
        const session = unstored === sessionId ? undefined : runner.get(sessionId)
        if (session !== undefined && !wanted(session) && !stopped) return
        waiters.delete(check)
        resolve(session)
      }
      waiters.add(check)
      check()
    })
  }
  const waiters = new Set<(unstored?: SessionId) => void>()
  release.push(
    runner.onStep(unstored => {
      for (const waiter of [...waiters]) waiter(unstored)
    }),
  )

  async function act(
    id: SessionId,
    action: 'decline' | 'withdraw' | 'cancel' | 'retry' | 'recheck',
    may: (view: SessionView) => boolean,
  ): Promise<Result<void, FieldError>> {
    const session = runner.get(id)
    if (session === undefined) return err(sessionField('unknown-session'))
    if (!may(sessionView(session, clock.now()))) return err(sessionField('too-late'))
    await runner.tell(id, { type: 'user', action })
    changed.now()
    return ok(undefined)
  }

  return {
    /**
     * Reads the stored sessions and tells the wallets what they hold, before anything of a wallet is shown; then
     * `start`.
     */
    async load() {
      for (const { key, value } of await storage.all('sessions')) {
        const session = decodeSession(value)
        if (session.ok) runner.add(session.value)
        else log.write('error', 'signing.unreadable-session', { key: key.slice(0, 8), code: session.error.code })
      }
      for (const id of wallets.ids()) hold(id)
    },
    async start() {
      for (const session of runner.all()) {
        // those that have ended are drawn later: their number must not keep this device from being reached
        if (!isLive(session.state)) continue
        await desk.prepare(session.proposal)
        await transcripts.open(session.id, false)
      }
      // locked while it was opening
      if (stopped) return
      release.push(
        p2p.onMessage('sign', intake),
        p2p.onLink((_peerId, protocol) => {
          if (protocol === 'sign') for (const id of wallets.ids()) void tellPeers(id)
        }),
        p2p.onEvent(event => {
          if (event.type !== 'peer') return
          for (const session of runner.all()) {
            const record = isLive(session.state) ? wallets.record(session.walletId) : undefined
            if (record !== undefined && indexOfPeer(record, event.status.peerId) >= 0)
              events.participant(session.id, event.status)
          }
        }),
        wallets.onSynced((walletId, news) => void look(walletId, news)),
        wallets.onRooms(() => {
          changed()
          void drawMissing()
        }),
      )
      await runner.tellAll({ type: 'resumed' })
      void drawMissing()
      for (const id of wallets.ids()) void tellPeers(id)
      changed()
    },
    stop() {
      stopped = true
      changed.stop()
      transcripts.stop()
      runner.stop()
      for (const off of release) off()
      for (const waiter of [...waiters]) waiter()
    },
    ensureConnected(peerIds: readonly PeerId[], excludeSelf: boolean, options: GateOptions = {}): Promise<GateResult> {
      if (peerIds.length === 0) throw new TypeError('participantPeerIds: empty')
      const member = new Map(
        wallets.ids().flatMap(id => wallets.record(id)?.roster.map(e => [e.peerId, e.accountKey] as const) ?? []),
      )
      return gate(
        peerIds.map((peerId): GateTarget => ({
          peerId,
          ...(member.has(peerId) ? { member: member.get(peerId) } : {}),
        })),
        { ...options, excludeSelf },
      )
    },
    createWithOptions,
    /** Builds the finished transaction for the review; nothing is sent and nothing held. */
    reviewSpend: build,
    async proposeSpend(
      params: SpendProposalParams,
      onStatus?: (peerId: PeerId, status: ParticipantStatus) => void,
      how: ProposeOptions = {},
    ): Promise<ProposeResult> {
      const built = await build(params)
      if (!built.ok) return { success: false, error: built.error.code, field: built.error }
      const record = wallets.record(params.walletId)
      if (record === undefined) return { success: false, error: 'Shared wallet not found' }
      const proposal: SpendProposal = {
        ...built.value.draft,
        note: cleanText(built.value.draft.note, LIMITS.noteBytes),
        expiresAt: expiry(),
        salt: toHex(entropy.bytes(32)),
      }
      const hashes = await desk.hashes(proposal)
      if (!hashes.ok) return { success: false, error: hashes.error.rule }
      const made = await createWithOptions({
        signerPublicKeys: record.roster.map(e => fromHex(e.accountKey)),
        myPrivateKey: { kind: 'vault-account', walletId: record.id, accountKey: record.self },
        message: hashes.value,
        metadata: { walletId: record.id, proposal },
        allowPartialConnectivity: how.partial === true,
        ...(how.signal === undefined ? {} : { signal: how.signal }),
        ...(onStatus === undefined ? {} : { onStatus: status => onStatus(status.peerId, status) }),
      })
      const issues = made.connectivityIssues === undefined ? {} : { connectivityIssues: made.connectivityIssues }
      if (made.sessionId !== null) return { success: true, sessionId: made.sessionId, ...issues }
      // everybody was there: what failed is the proposal itself
      const field = made.connectivityIssues === undefined ? { field: sessionField(made.error ?? 'failed') } : {}
      return { success: false, error: made.error, ...field, ...issues }
    },
    async approve(id: SessionId): Promise<Result<void, FieldError>> {
      const session = runner.get(id)
      if (session === undefined) return err(sessionField('unknown-session'))
      if (!sessionView(session, clock.now()).canApprove) return err(sessionField('too-late'))
      // a yes to one of two that want the same coin first takes my yes back from the other
      const others = beforeYes(ofWallet(session.walletId), session)
      if (!others.ok) return err(sessionField(others.error.code))
      for (const other of others.value)
        await runner.tell(other.id, {
          type: 'user',
          action: sessionView(other, clock.now()).mine ? 'cancel' : 'withdraw',
        })
      // until the end of each is signed and stored it holds the coin
      await Promise.all(others.value.map(other => reached(other.id, s => s === undefined || !isOpen(s.state))))
      // one of them may have gone past the point of no return in that moment
      const now = beforeYes(ofWallet(session.walletId), session)
      if (!now.ok) return err(sessionField(now.error.code))
      await runner.tell(id, { type: 'user', action: 'approve' })
      changed.now()
      return ok(undefined)
    },
    decline: (id: SessionId) => act(id, 'decline', v => v.canDecline),
    withdraw: (id: SessionId) => act(id, 'withdraw', v => v.canWithdraw),
    cancel: (id: SessionId) => act(id, 'cancel', v => v.canCancel),
    retry: (id: SessionId) => act(id, 'retry', v => v.canRetry),
    /** What was said in a session, chained and signed by this member, as a file (core/signing/transcript.ts). */
    async exportTranscript(
      id: SessionId,
    ): Promise<Result<{ readonly filename: string; readonly bytes: Uint8Array }, FieldError>> {
      const session = runner.get(id)
      const record = session && wallets.record(session.walletId)
      const own = record?.roster.find(e => e.accountKey === record.self)
      if (session === undefined || record === undefined || own === undefined)
        return err(sessionField('unknown-session'))
      const unsigned = { session: id, exporter: record.self, ...(await transcripts.entries(id)) }
      const signature = await signer.signStatement(record.network, own.origin, transcriptStatement(record.id, unsigned))
      if (!signature.ok) return err(sessionField(`signer-${signature.error.code}`))
      return ok({
        filename: `tandem-session-${id.slice(0, 8)}.transcript`,
        bytes: encodeTranscript({
          version: 1,
          network: record.network,
          descriptor: record.descriptor,
          ...unsigned,
          signature: signature.value,
        }),
      })
    },
    recheck: (id: SessionId) => act(id, 'recheck', v => v.live),
    /** This run may not sign any more (a newer one of the same seed is live): attempts end, votes stand. */
    async suspend(by?: PeerId): Promise<void> {
      const told = wallets.ids().filter(id => {
        const record = wallets.record(id)
        return by === undefined || (record !== undefined && memberOfPeer(record, by) !== undefined)
      })
      await Promise.all(told.map(id => runner.tellAll({ type: 'locked' }, id)))
    },
    cards,
  }
}

let current: MuSig2 | null = null

/** Sets the one current instance. */
export function initMuSig2(deps: MuSig2Deps): MuSig2 {
  current = createMuSig2(deps)
  return current
}

const NOT_INITIALIZED = 'MuSig2 not initialized'

/**
 * Connects to every participant and proves it by a live ping; never rejects for network trouble. `TypeError`: an empty
 * list.
 */
export async function ensureSessionParticipantsConnected(
  participantPeerIds: readonly PeerId[],
  excludeSelf = true,
  options?: GateOptions,
): Promise<GateResult> {
  if (current !== null) return current.ensureConnected(participantPeerIds, excludeSelf, options)
  const { ConnectivityErrorType } = await import('./core/domain/connectivity')
  return {
    allConnected: false,
    connected: [],
    failed: participantPeerIds.map(peerId => ({
      peerId,
      error: 'P2P not initialized',
      errorType: ConnectivityErrorType.NETWORK_ERROR,
      retryable: true,
    })),
  }
}

/** Creates a session once everybody is connected. `TypeError` names the wrong parameter. */
export function createSigningSession(
  signerPublicKeys: readonly PublicKey[],
  myPrivateKey: PrivateKey,
  message: Uint8Array | readonly Uint8Array[],
  metadata?: SessionMetadata,
  participantPeerIds?: readonly PeerId[],
): Promise<CreateSessionResult> {
  return createSigningSessionWithOptions({
    signerPublicKeys,
    myPrivateKey,
    message,
    ...(metadata === undefined ? {} : { metadata }),
    ...(participantPeerIds === undefined ? {} : { participantPeerIds }),
  })
}

export async function createSigningSessionWithOptions(options: CreateSessionOptions): Promise<CreateSessionResult> {
  return current === null ? { sessionId: null, error: NOT_INITIALIZED } : current.createWithOptions(options)
}

/** The instance for the calls that screens make. */
export function musig2(): MuSig2 {
  if (current === null) throw new TypeError(NOT_INITIALIZED)
  return current
}
