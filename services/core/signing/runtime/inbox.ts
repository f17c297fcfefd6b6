import type { Clock } from '../../../ports/clock'
import type { Log } from '../../../ports/log'
import type { Aggregator, Signer } from '../../../ports/signer'
import { BoundedMap } from '../../domain/bounded-map'
import type { AccountKey, MemberIndex, PeerId, SessionId } from '../../domain/ids'
import type { NamedProposal, Proposal } from '../../domain/proposal'
import type { Result } from '../../domain/result'
import { TokenBucket } from '../../domain/token-bucket'
import type { WalletRecord } from '../../domain/wallet'
import type { ProposalFault } from '../../crypto/proposal-id'
import { LIMITS } from '../../wire/limits'
import type { SignedMessage } from '../../wire/messages'
import { newSession, type Session } from '../protocol/state'
import { TIMES } from '../protocol/step-context'
import { askAbout } from '../protocol/sync'
import { isCalledOff } from '../protocol/table'
import { admit, forgettable, hasTwin, overlaps } from '../rules/between-sessions'
import type { SessionRunner } from './runner'

export interface InboxDeps {
  readonly clock: Clock
  readonly log: Log
  readonly signer: Pick<Signer & Aggregator, 'verifyMessage' | 'signMessage'>
  readonly wallet: { readonly record: WalletRecord; readonly active: boolean }
  readonly runner: Pick<SessionRunner, 'get' | 'all' | 'tell' | 'remove'>
  send(peerId: PeerId, message: SignedMessage): void
  offence(peerId: PeerId, code: string): void
  /** the names of a proposal, or what is wrong with its form */
  prepare(proposal: Proposal): Promise<Result<NamedProposal, ProposalFault>>
  /** a session that has been let in */
  begin(session: Session): Promise<void>
  /** a message of a session that is here */
  note(message: SignedMessage): void
  /** a session that has ended hears what may change that */
  reopen(id: SessionId): Promise<void>
  /** a session that makes room for another */
  forget(id: SessionId): void
}

/** sessions of which is remembered that they were asked about */
const QUESTIONS_KEPT = 512

/**
 * What comes from a peer on the sign protocol, for one wallet. Who says it is checked first, then whether its session
 * is here. A proposal is let in within the bounds of limits.ts; what costs nothing is looked at first.
 */
export class Inbox {
  /** how fast a member may bring proposals; what is refused comes again with a later `sync` */
  readonly #rates = new Map<AccountKey, TokenBucket>()
  /** when a member was last asked about a session that is not known here, unix ms */
  readonly #asked = new BoundedMap<string, number>(QUESTIONS_KEPT)

  constructor(private readonly d: InboxDeps) {}

  async receive(peerId: PeerId, message: SignedMessage): Promise<void> {
    const { runner, log, wallet } = this.d
    const { roster, id } = wallet.record
    const from = roster.findIndex(e => e.peerId === peerId)
    if (message.walletId !== id || from < 0 || !wallet.active) return
    if (!roster.some(e => e.accountKey === message.sender) || !(await this.d.signer.verifyMessage(message))) {
      log.write('warn', 'signing.bad-signature', { from, type: message.body.type })
      return this.d.offence(peerId, 'signature')
    }
    if (runner.get(message.session) === undefined && !(await this.#onUnknownSession(from, message))) return
    const session = runner.get(message.session)
    if (message.body.type === 'final' && session !== undefined && isCalledOff(session.state)) {
      if (hasTwin(runner.all(), session)) return
      await this.d.reopen(session.id)
    }
    this.d.note(message)
    await runner.tell(message.session, { type: 'message', from, message })
  }

  /** A proposal is taken in, anything else is asked about. True when the session is here now. */
  async #onUnknownSession(from: MemberIndex, message: SignedMessage): Promise<boolean> {
    if (message.body.type === 'propose') return this.#admit(from, message, message.body.proposal)
    await this.#ask(from, message)
    return false
  }

  async #ask(from: MemberIndex, message: SignedMessage): Promise<void> {
    const question = this.#asksAgain(from, message.session) ? askAbout(message) : undefined
    const { network, descriptor, roster } = this.d.wallet.record
    const peerId = roster[from]?.peerId
    if (question === undefined || peerId === undefined) return
    const signed = await this.d.signer.signMessage({ network, descriptor }, message.session, undefined, question)
    if (signed.ok) this.d.send(peerId, signed.value)
  }

  /**
   * Once in half a minute for each session. What the answer brings may be refused (it has expired, or comes too fast),
   * and its last message is then asked about once more. Without a pause two devices would talk about it for ever.
   */
  #asksAgain(from: MemberIndex, session: SessionId): boolean {
    const key = `${from} ${session}`
    const now = this.d.clock.now()
    if (now - (this.#asked.get(key) ?? -Infinity) < TIMES.sync / 2) return false
    this.#asked.set(key, now)
    return true
  }

  /** A proposer must not keep this thread, or fill this store, by proposing: what costs nothing is looked at first. */
  async #admit(from: MemberIndex, message: SignedMessage, proposal: Proposal): Promise<boolean> {
    const { runner, clock, wallet } = this.d
    const { record } = wallet
    if (proposal.walletId !== record.id || message.sender !== proposal.proposer) return this.#malformed(from, 'names')
    if (proposal.expiresAt * 1000 <= clock.now()) return this.#refused(from, 'expired')
    const admitted = admit(runner.all(), proposal.proposer)
    if (!admitted.ok) return this.#refused(from, admitted.error)
    if (!this.#rateOf(proposal.proposer).take()) return this.#refused(from, 'too-fast')
    const named = await this.d.prepare(proposal)
    if (!named.ok || named.value.sessionId !== message.session)
      return this.#malformed(from, named.ok ? 'names' : named.error.rule)
    // other messages were served meanwhile: one may have brought this very session, or taken the last place
    if (runner.get(message.session) !== undefined) return true
    const still = admit(runner.all(), proposal.proposer)
    if (!still.ok) return this.#refused(from, still.error)
    for (const id of forgettable(runner.all(), proposal.proposer)) if (runner.remove(id)) this.d.forget(id)
    const members = record.roster.map(e => e.accountKey)
    await this.d.begin(newSession(named.value, members, record.self))
    // a proposer who wants one coin twice says different things: the earlier request must lose its Approve at once
    for (const other of overlaps(runner.all(), proposal, message.session))
      void runner.tell(other.id, { type: 'user', action: 'recheck' })
    return true
  }

  #rateOf(proposer: AccountKey): TokenBucket {
    const rate =
      this.#rates.get(proposer) ??
      new TokenBucket({ perSecond: LIMITS.proposalsPerMinute / 60, burst: LIMITS.proposalsAtOnce }, () =>
        this.d.clock.now(),
      )
    this.#rates.set(proposer, rate)
    return rate
  }

  #malformed(from: MemberIndex, rule: string): false {
    const peerId = this.d.wallet.record.roster[from]?.peerId
    this.d.log.write('warn', 'signing.malformed-proposal', { from, rule })
    if (peerId !== undefined) this.d.offence(peerId, 'propose-malformed')
    return false
  }

  #refused(from: MemberIndex, code: string): false {
    this.d.log.write('warn', 'signing.not-admitted', { from, code })
    return false
  }
}
