/**
 * The sessions of one open wallet: those that are stored, and what comes of them. It joins the runner, the inbox, the
 * transcripts, the spend service and the chain watch. What a person does is in propose.ts and approve.ts.
 */
import type { Clock } from '../../ports/clock'
import type { Entropy } from '../../ports/entropy'
import type { Log } from '../../ports/log'
import type { Aggregator, Signer } from '../../ports/signer'
import type { Storage } from '../../ports/storage'
import { toHex } from '../domain/bytes'
import type { MemberIndex, PeerId, SessionId, WalletId } from '../domain/ids'
import { InTurn } from '../domain/in-turn'
import { err, ok, type Result } from '../domain/result'
import type { FieldError } from '../domain/views'
import type { GateOptions, GateResult, GateTarget } from '../net/gate'
import { SpendService, type SpendingWallet } from '../spend/service'
import { earlierSessionOf, type ReviewedSpend, type SpendRequest } from '../spend/requests'
import { LIMITS } from '../wire/limits'
import type { SignedMessage } from '../wire/messages'
import type { Effect } from './protocol/events'
import type { Session } from './protocol/state'
import { isLive, isOpen } from './protocol/table'
import { overlaps, payableAgain, replaceable } from './rules/between-sessions'
import { cardsOf, type SessionCard } from './rules/cards'
import { sessionFacts, sessionHolds, type SessionHolds } from './rules/session-facts'
import { inRounds, isWatched, lookAtChain, neighbours } from './runtime/chain-watch'
import { Inbox } from './runtime/inbox'
import { SessionRunner } from './runtime/runner'
import { encodeSession } from './runtime/store'
import { Transcripts } from './runtime/transcript'

/** What signing needs of its wallet. */
export interface SigningWallet extends SpendingWallet {
  /** Looks at the chain now; resolves when it has. */
  refresh(): Promise<void>
  /** A payment is complete: whoever broadcasts comes first, so the chain is looked at soon. */
  refreshSoon(): void
}

/** What signing needs of the network. */
export interface SigningNetwork {
  send(peerId: PeerId, protocol: 'sign', message: SignedMessage): Promise<boolean>
  offence(peerId: PeerId, code: string): void
  isLinkUp(peerId: PeerId, protocol: 'sign'): boolean
  ensureConnected(targets: readonly GateTarget[], options?: GateOptions): Promise<GateResult>
}

export interface WalletSessionsDeps {
  readonly wallet: SigningWallet
  readonly network: SigningNetwork
  readonly signer: Signer & Aggregator
  readonly storage: Storage
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  /** Screens have something new to show; `now`: somebody is asked something. */
  changed(now?: 'now'): void
  /** other coins are held than before */
  holdsChanged(): void
}

export const sessionField = (code: string): FieldError => ({ field: 'session', code })

export class WalletSessions {
  readonly wallet: SigningWallet
  readonly spend: SpendService
  readonly runner: SessionRunner
  readonly transcripts: Transcripts
  readonly #inbox: Inbox
  /** checks of one session answer in the order in which they were asked: the newest word is the last one */
  readonly #checks = new InTurn<SessionId>()
  readonly #waiters = new Set<(unstored?: SessionId) => void>()
  #holds: SessionHolds = { outpoints: new Set(), change: new Set() }
  #awaited = false
  #looking = false
  #resumed = false
  /** a sync that ended before `resume`: whether it had news */
  #earlySync: boolean | undefined
  #stopped = false

  /** @param stored what the disk has of this wallet; its holds stand at once, before a coin is shown as free */
  constructor(
    readonly d: WalletSessionsDeps,
    stored: readonly Session[],
  ) {
    this.wallet = d.wallet
    const { network, descriptor } = d.wallet.record
    this.spend = new SpendService(d)
    this.transcripts = new Transcripts({
      storage: d.storage,
      clock: d.clock,
      onError: error =>
        d.log.write('warn', 'signing.transcript-failed', { error: error instanceof Error ? error.message : 'unknown' }),
    })
    this.runner = new SessionRunner({
      signer: d.signer,
      clock: d.clock,
      log: d.log,
      keys: { network, descriptor },
      // my yes is on the vault's disk before it is sent, and from `released` on the session is; before that a lost
      // write costs an attempt
      save: session =>
        d.storage.put('sessions', session.id, encodeSession(session), isOpen(session.state) ? 'relaxed' : 'strict'),
      send: (to, message) => this.#send(to, message),
      verify: session => this.#verify(session),
      broadcast: raw => this.#broadcast(raw),
      offence: (member, code) => this.#offence(member, code),
      stepped: (session, effects) => this.#stepped(session, effects),
    })
    this.#inbox = new Inbox({
      clock: d.clock,
      log: d.log,
      signer: d.signer,
      wallet: d.wallet,
      runner: this.runner,
      send: (peerId, message) => void d.network.send(peerId, 'sign', message),
      offence: (peerId, code) => d.network.offence(peerId, code),
      prepare: proposal => this.spend.prepare(proposal),
      begin: session => this.begin(session),
      note: message => this.transcripts.note(message),
      reopen: id => this.transcripts.open(id, false),
      forget: id => this.#forget(id),
    })
    this.runner.onStep(unstored => {
      for (const waiter of [...this.#waiters]) waiter(unstored)
    })
    for (const session of stored) this.runner.add(session)
    this.#recountHolds()
  }

  get walletId(): WalletId {
    return this.wallet.id
  }

  get holds(): SessionHolds {
    return this.#holds
  }

  /** a payment is complete, and the chain does not show it yet or not in a block */
  get awaitsChain(): boolean {
    return this.#awaited
  }

  get stopped(): boolean {
    return this.#stopped
  }

  all(): Session[] {
    return this.runner.all()
  }

  get(id: SessionId): Session | undefined {
    return this.runner.get(id)
  }

  cards(): SessionCard[] {
    const { spend } = this
    const facts = {
      roster: this.wallet.record.roster,
      reviewOf: spend.reviewOf.bind(spend),
      replacedView: spend.replacedView.bind(spend),
    }
    return cardsOf(this.all(), facts, this.d.clock.now())
  }

  /** Prepares what is live, so that messages can be taken. Sessions go on with `resume`. */
  async load(): Promise<void> {
    for (const session of this.all()) {
      // those that have ended are prepared later: their number must not keep this device from being reached
      if (!isLive(session.state)) continue
      await this.spend.prepare(session.proposal)
      await this.transcripts.open(session.id, false)
    }
  }

  async resume(): Promise<void> {
    if (this.#stopped) return
    this.#resumed = true
    await this.runner.tellAll({ type: 'resumed' })
    void this.#prepareEnded()
    void this.linksChanged()
    if (this.#earlySync !== undefined) void this.chainChanged(this.#earlySync)
    this.d.changed()
  }

  stop(): void {
    this.#stopped = true
    this.transcripts.stop()
    this.runner.stop()
    for (const waiter of [...this.#waiters]) waiter()
  }

  /** Reviews of ended sessions of an earlier run, one after the other. */
  async #prepareEnded(): Promise<void> {
    for (const { proposal } of this.all()) {
      if (this.#stopped) return
      if (proposal.kind === 'practice' || this.spend.reviewOf(proposal) !== null) continue
      await this.spend.prepare(proposal)
      this.d.changed()
    }
  }

  // ---------------------------------------------------------------- what comes from outside

  receive(peerId: PeerId, message: SignedMessage): Promise<void> {
    return this.#inbox.receive(peerId, message)
  }

  /** A link to a member has come up or gone. */
  async linksChanged(): Promise<void> {
    await this.runner.tellAll({ type: 'peers', connected: this.#linkedMembers() })
  }

  /** After a sync of the wallet: what the chain says of its sessions. `news`: tip or transactions differ. */
  async chainChanged(news: boolean): Promise<void> {
    const { chain, view } = this.wallet
    // the chain may answer before the sessions are prepared: they hear it when they go on
    if (!this.#resumed) this.#earlySync = news || this.#earlySync === true
    if (!this.#resumed || chain === undefined || this.#looking) return
    this.#looking = true
    try {
      const sessions = this.all()
      const about = neighbours(sessions, new Set(view?.history.map(item => item.txid)))
      const looks = await Promise.all(
        sessions.map(async session => ({
          session,
          facts: isWatched(session, about.paid) ? await lookAtChain(session, chain, about) : [],
        })),
      )
      for (const round of inRounds(looks)) {
        await Promise.all(
          round.map(async ({ session, facts }) => {
            for (const fact of facts) await this.runner.tell(session.id, { type: 'chain', fact })
          }),
        )
      }
      if (news) await this.runner.tellAll({ type: 'chain', fact: { kind: 'tip' } })
    } finally {
      this.#looking = false
    }
    this.d.changed()
  }

  /** This run may not sign any more (a newer one of the same seed is live): attempts end, votes stand. */
  suspend(): Promise<void> {
    return this.runner.tellAll({ type: 'locked' })
  }

  // ---------------------------------------------------------------- what use cases build on

  /** Takes a new session in. */
  async begin(session: Session): Promise<void> {
    await this.transcripts.open(session.id, true)
    this.runner.add(session)
    await this.runner.tell(session.id, { type: 'peers', connected: this.#linkedMembers() })
  }

  /** Takes back a session of which nothing was sent: what is only in memory must not hold coins. */
  async takeBack(id: SessionId): Promise<void> {
    this.runner.remove(id)
    await this.d.signer.retract(id)
    this.#recountHolds()
    this.d.changed()
  }

  /**
   * The session once it is as wanted, or as it is when the app stops. Undefined when it is not there, or when a step of
   * it could not be stored.
   */
  reached(id: SessionId, wanted: (session: Session | undefined) => boolean): Promise<Session | undefined> {
    return new Promise(resolve => {
      const check = (unstored?: SessionId) => {
        const session = unstored === id ? undefined : this.runner.get(id)
        if (session !== undefined && !wanted(session) && !this.#stopped) return
        this.#waiters.delete(check)
        resolve(session)
      }
      this.#waiters.add(check)
      check()
    })
  }

  /** Builds what a person asks for, once; nothing is sent and nothing held. */
  async review(request: SpendRequest): Promise<Result<ReviewedSpend, FieldError>> {
    const about = earlierSessionOf(request)
    if (about === undefined) return this.spend.build(request)
    const session = this.runner.get(about)
    if (session?.proposal.kind !== 'spend') return err(sessionField('unknown-session'))
    const may =
      'replaces' in request
        ? replaceable(this.all(), session)
        : payableAgain(session, this.d.clock.now())
          ? ok(undefined)
          : err('too-late' as const)
    if (!may.ok) return err(sessionField(may.error))
    return this.spend.build(request, { session: session.id, proposal: session.proposal })
  }

  /** When a proposal that is made now runs out, unix seconds. */
  expiry(): number {
    return Math.floor(this.d.clock.now() / 1000) + LIMITS.defaultExpiryS
  }

  /** A fresh salt of a proposal, 32 bytes hex. */
  salt(): string {
    return toHex(this.d.entropy.bytes(32))
  }

  // ---------------------------------------------------------------- what the runner asks for

  #peerIdOf(member: MemberIndex): PeerId | undefined {
    return this.wallet.record.roster[member]?.peerId
  }

  /** Members to whom a session message can go now. */
  #linkedMembers(): MemberIndex[] {
    const { roster, self } = this.wallet.record
    return roster.flatMap((entry, i) =>
      entry.accountKey !== self && this.d.network.isLinkUp(entry.peerId, 'sign') ? [i] : [],
    )
  }

  #send(to: readonly MemberIndex[], message: SignedMessage): void {
    this.transcripts.note(message)
    for (const member of to) {
      const peerId = this.#peerIdOf(member)
      if (peerId !== undefined) void this.d.network.send(peerId, 'sign', message)
    }
  }

  #offence(member: MemberIndex, code: string): void {
    const peerId = this.#peerIdOf(member)
    this.d.log.write('warn', 'signing.offence', { member, code })
    if (peerId !== undefined) this.d.network.offence(peerId, code)
  }

  async #verify(session: Session) {
    const verdict = await this.#checks.do(session.id, () =>
      this.spend.verify(session.proposal, () => sessionFacts(this.all(), session)),
    )
    // a coin that is younger than the own last look: the next one shows it, and the check comes again with its news
    if (verdict.kind === 'not-yet-seen') void this.wallet.refresh()
    return verdict
  }

  async #broadcast(raw: Uint8Array) {
    const { chain } = this.wallet
    if (chain === undefined)
      return err({ code: 'unreachable' as const, detail: 'network not configured', retryable: false })
    const sent = await chain.broadcast(raw)
    void this.wallet.refresh()
    return sent
  }

  #stepped(session: Session, effects: readonly Effect[]): void {
    if (effects.some(e => e.type === 'holds' || e.type === 'store')) this.#recountHolds()
    const notices = effects.flatMap(e => (e.type === 'notify' ? e.what : []))
    if (notices.length === 0) return
    const awaited = this.all().some(s => s.state === 'signed' || s.state === 'broadcast')
    if (awaited && !this.#awaited) this.wallet.refreshSoon()
    this.#awaited = awaited
    // what overlapped it may be in order now
    if (notices.includes('end')) {
      for (const other of overlaps(this.all(), session.proposal, session.id))
        void this.runner.tell(other.id, { type: 'user', action: 'recheck' })
    }
    this.d.changed(notices.includes('request') ? 'now' : undefined)
  }

  #recountHolds(): void {
    this.#holds = sessionHolds(this.all())
    this.d.holdsChanged()
  }

  #forget(id: SessionId): void {
    this.transcripts.forget(id)
    void this.d.storage.delete('sessions', id)
  }
}
