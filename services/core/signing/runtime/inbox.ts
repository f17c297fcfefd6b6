import type { Clock } from '../../../ports/clock'
import type { Log } from '../../../ports/log'
import type { Aggregator, Signer } from '../../../ports/signer'
import type { AccountKey, MemberIndex, PeerId, SessionId, WalletId } from '../../domain/ids'
import type { NamedProposal, Proposal } from '../../domain/proposal'
import type { Result } from '../../domain/result'
import type { WalletRecord } from '../../domain/wallet'
import type { ProposalFault } from '../../crypto/proposal-id'
import { TokenBucket } from '../../domain/token-bucket'
import { LIMITS } from '../../wire/limits'
import type { SignedMessage } from '../../wire/messages'
import { admit, forgettable, hasTwin, overlaps } from '../rules/wallet-sessions'
import { TIMES } from '../protocol/step-context'
import type { Runner } from './runner'
import { newSession, type Session } from '../protocol/state'
import { askAbout } from '../protocol/sync'
import { isCalledOff } from '../protocol/table'

export interface IntakeDeps {
  readonly clock: Clock
  readonly log: Log
  readonly signer: Pick<Signer & Aggregator, 'verifyMessage' | 'signMessage'>
  readonly wallets: {
    record(walletId: WalletId): WalletRecord | undefined
    isActive(walletId: WalletId): boolean
  }
  readonly runner: Runner
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

/** how many proposals one member may send */
const PROPOSALS = { perSecond: LIMITS.proposalsPerMinute / 60, burst: LIMITS.proposalsAtOnce } as const
/** sessions of which is remembered that they were asked about */
const QUESTIONS_KEPT = 512

/**
 * What comes from a peer on the sign protocol: who says it is checked first, then whether its session is here; a
 * proposal is let in within the bounds of limits.ts, what costs nothing being looked at first. Gives the listener for
 * `p2p.onMessage`.
 */
export function createIntake(deps: IntakeDeps): (peerId: PeerId, message: SignedMessage) => Promise<void> {
  const { clock, log, signer, wallets, runner } = deps
  const ofWallet = (walletId: WalletId): Session[] => runner.all().filter(s => s.walletId === walletId)

  async function onMessage(peerId: PeerId, message: SignedMessage): Promise<void> {
    const record = wallets.record(message.walletId)
    const from = record === undefined ? -1 : record.roster.findIndex(e => e.peerId === peerId)
    if (record === undefined || from < 0 || !wallets.isActive(record.id)) return
    if (!record.roster.some(e => e.accountKey === message.sender) || !(await signer.verifyMessage(message))) {
      log.write('warn', 'signing.bad-signature', { from, type: message.body.type })
      return deps.offence(peerId, 'signature')
    }
    if (runner.get(message.session) === undefined && !(await meet(record, from, message))) return
    const session = runner.get(message.session)
    if (message.body.type === 'final' && session !== undefined && isCalledOff(session.state)) {
      if (hasTwin(ofWallet(record.id), session)) return
      await deps.reopen(session.id)
    }
    deps.note(message)
    await runner.tell(message.session, { type: 'message', from, message })
  }

  /**
   * How fast a member may bring proposals; one entry per member of an own wallet. What is refused comes again with a
   * later `sync`.
   */
  const paces = new Map<string, TokenBucket>()
  function paceOf(walletId: WalletId, proposer: AccountKey): TokenBucket {
    const key = `${walletId} ${proposer}`
    const pace = paces.get(key) ?? new TokenBucket(PROPOSALS, () => clock.now())
    paces.set(key, pace)
    return pace
  }

  /** When a member was last asked about a session that is not known here, unix ms; the oldest first. */
  const asked = new Map<string, number>()
  /**
   * Once in half a minute for each session. What the answer brings may be refused (it has expired, comes too fast), and
   * its last message is then asked about once more: without a pause two devices would talk about it for ever.
   */
  function asksAgain(walletId: WalletId, from: MemberIndex, session: SessionId): boolean {
    const key = `${walletId} ${from} ${session}`
    if (clock.now() - (asked.get(key) ?? -Infinity) < TIMES.sync / 2) return false
    asked.delete(key)
    asked.set(key, clock.now())
    for (const oldest of asked.keys()) {
      if (asked.size <= QUESTIONS_KEPT) break
      asked.delete(oldest)
    }
    return true
  }

  /** A session that this device does not know: a proposal is taken in, anything else is asked about. */
  async function meet(record: WalletRecord, from: MemberIndex, message: SignedMessage): Promise<boolean> {
    if (message.body.type !== 'propose') {
      const question = asksAgain(record.id, from, message.session) ? askAbout(message) : undefined
      const keys = { network: record.network, descriptor: record.descriptor }
      const signed =
        question === undefined ? undefined : await signer.signMessage(keys, message.session, undefined, question)
      const peerId = record.roster[from]?.peerId
      if (signed?.ok === true && peerId !== undefined) deps.send(peerId, signed.value)
      return false
    }
    const { proposal } = message.body
    const malformed = (rule: string) => {
      const peerId = record.roster[from]?.peerId
      log.write('warn', 'signing.malformed-proposal', { from, rule })
      if (peerId !== undefined) deps.offence(peerId, 'propose-malformed')
      return false
    }
    const refused = (code: string) => {
      log.write('warn', 'signing.not-admitted', { from, code })
      return false
    }
    // what costs nothing first: a proposer must not keep this thread, or fill this store, by proposing
    if (proposal.walletId !== record.id || message.sender !== proposal.proposer) return malformed('names')
    if (proposal.expiresAt * 1000 <= clock.now()) return refused('expired')
    const admitted = admit(ofWallet(record.id), proposal.proposer)
    if (!admitted.ok) return refused(admitted.error)
    if (!paceOf(record.id, proposal.proposer).take()) return refused('too-fast')
    const named = await deps.prepare(proposal)
    if (!named.ok || named.value.sessionId !== message.session) return malformed(named.ok ? 'names' : named.error.rule)
    // other messages were served meanwhile: one may have brought this very session, or taken the last place
    if (runner.get(message.session) !== undefined) return true
    const still = admit(ofWallet(record.id), proposal.proposer)
    if (!still.ok) return refused(still.error)
    for (const id of forgettable(ofWallet(record.id), proposal.proposer)) if (runner.remove(id)) deps.forget(id)
    await deps.begin(
      newSession(
        named.value,
        record.roster.map(e => e.accountKey),
        record.self,
      ),
    )
    // a proposer who wants one coin twice says different things: the earlier request must lose its Approve at once
    for (const other of overlaps(ofWallet(record.id), proposal, message.session))
      void runner.tell(other.id, { type: 'user', action: 'recheck' })
    return true
  }

  return onMessage
}
