import { verifySignature } from '../../services/core/crypto/signature'
import { defaultSighashes } from '../../services/core/crypto/sighash'
import { txidOf, type Tx, type TxOut } from '../../services/core/crypto/transaction'
import { equalBytes, toHex } from '../../services/core/domain/bytes'
import { outPointKey, type MemberIndex, type SessionId, type Txid } from '../../services/core/domain/ids'
import type { SessionState } from '../../services/core/domain/signing-state'
import { rawTxid } from '../../services/core/domain/txid'
import { inputsOf } from '../../services/core/signing/rules/between-sessions'
import { isChainEnd, isLive } from '../../services/core/signing/protocol/table'
import { LIMITS } from '../../services/core/wire/limits'
import type { SignedMessage } from '../../services/core/wire/messages'
import type { SessionCard } from '../../services/musig2'
import type { CircleOf } from './circle'
import type { Device } from './device'

/** milliseconds in which calls of the vault that were under way may still be answered when a newer run takes over */
const UNDER_WAY_MS = 1_000

/** A rule that was broken; its name stays the same over replays, so that a failing plan can be made simpler. */
export class Broken extends Error {
  override readonly name = 'Broken'
  constructor(
    readonly rule: string,
    detail: string,
  ) {
    super(`${rule}: ${detail}`)
  }
}

/**
 * What must hold whatever happens, looked at after everything that happens:
 * 1. no secret nonce signs twice: there is one partial signature under each public nonce, on whatever computer of a
 *    member it was made; and a run that
 *    was told of a newer one contributes nothing more to what stood then;
 * 2. no transaction is signed that an honest member has not approved in just this form, or has left before its part was
 *    out;
 * 3. honest members agree: none has ended a session as one that can never happen whose transaction is signed; who lost
 *    what he knew may have, but
 *    not in the end;
 * 4. in the end every session has ended, or there is a reason why it waits;
 * 5. no coin is held for a session that has ended, none is free whose payment may still go out;
 * 6. an honest member is never blamed on evidence, nor disconnected for an offence by another honest one;
 * 7. of a payment and what takes its place one at most is mined, and while both are about nothing new is built on the
 *    change of the first.
 */
export class Judge {
  /** by public nonce (hex) of one input */
  readonly #partials = new Map<string, Uint8Array>()
  readonly #pubnonces = new Map<string, readonly Uint8Array[]>()
  /** by member and transaction: two proposals may be for the same one */
  readonly #approved = new Map<string, Set<SessionId>>()
  /** the attempt that a public nonce (hex) was made for */
  readonly #owners = new Map<string, string>()
  /** sessions whose partials have left an honest member's device */
  readonly #released = new Map<Device, Set<SessionId>>()
  /** sessions whose proposal has been sent: before that nothing is held for them */
  readonly #proposed = new Set<SessionId>()
  /** transactions that are signed by all */
  readonly out = new Map<Txid, Tx>()

  /** `others`: a member's computers besides this one */
  constructor(
    private readonly circle: CircleOf,
    private readonly isHonest: (member: MemberIndex) => boolean,
    private readonly others: (device: Device) => readonly Device[],
  ) {}

  approves(member: MemberIndex, card: SessionCard): void {
    if (card.view.proposal.kind !== 'spend') return
    const txid = rawTxid(card.view.proposal.tx)
    if (txid !== undefined) set(this.#approved, `${member} ${txid}`).add(card.id)
  }

  /** Pubnonces and partials as a member's vault gives them out. */
  contributed(device: Device, message: SignedMessage, now: number): void {
    if (!this.isHonest(device.member)) return
    const attempt = `${device.name} ${message.session} ${message.attempt?.counter} ${message.attempt?.hub}`
    const { superseded } = device
    if (superseded?.sessions.has(message.session) === true && now - superseded.at > UNDER_WAY_MS)
      throw new Broken('older-signs', `${message.body.type} of ${attempt}`)
    if (message.body.type === 'pubnonces') {
      this.#pubnonces.set(attempt, message.body.pubnonces)
      for (const nonce of message.body.pubnonces) {
        const owner = this.#owners.get(toHex(nonce))
        if (owner !== undefined && owner !== attempt) throw new Broken('nonce-twice', `${owner} and ${attempt}`)
        this.#owners.set(toHex(nonce), attempt)
      }
    }
    if (message.body.type !== 'partials') return
    for (const [i, partial] of message.body.partials.entries()) {
      const nonce = toHex(this.#pubnonces.get(attempt)?.[i] ?? new Uint8Array())
      const before = this.#partials.get(nonce)
      if (before !== undefined && !equalBytes(before, partial))
        throw new Broken('nonce-reuse', `${attempt} signed twice with one nonce`)
      this.#partials.set(nonce, partial)
    }
  }

  /** An honest member's message left its device. */
  sent(device: Device, message: SignedMessage): void {
    if (message.body.type === 'propose') this.#proposed.add(message.session)
    if (message.body.type === 'partials' && message.sender === this.circle.records[device.member]?.self)
      set(this.#released, device).add(message.session)
  }

  /** What the chain accepts. `undefined`: every signature is valid. */
  accepts(tx: Tx, prevouts: readonly TxOut[]): string | undefined {
    const hashes = defaultSighashes(tx, prevouts)
    const valid = tx.inputs.every((input, i) => {
      const [signature] = input.witness
      return (
        input.witness.length === 1 &&
        signature !== undefined &&
        verifySignature(signature, hashes[i] ?? new Uint8Array(), prevouts[i]?.script.slice(2) ?? new Uint8Array())
      )
    })
    if (!valid) return 'mandatory-script-verify-flag-failed'
    const txid = txidOf(tx)
    for (const member of this.circle.records.keys()) {
      if (this.isHonest(member) && !this.#approved.has(`${member} ${txid}`))
        throw new Broken('not-approved', `member ${member} never approved what was signed`)
    }
    this.out.set(txid, tx)
    return undefined
  }

  offence(by: MemberIndex, accused: MemberIndex, code: string): void {
    if (this.isHonest(by) && this.isHonest(accused)) throw new Broken('honest-offence', `${by} of ${accused}: ${code}`)
  }

  /** What the member promised in this session the device may not know: it has lost it, or another computer did it. */
  #isBlind(device: Device, session: SessionId): boolean {
    return (
      device.forgot.has(session) ||
      this.others(device).some(other => other.forgot.has(session) || other.disk.voted(session))
    )
  }

  /**
   * The coins are spent by a payment of which the device has lost everything, and that has ended for the others, who
   * tell of it no more. An unknown spender is no fact (protocol.md, "Votes, holds and states").
   */
  #lostSpender(device: Device, view: SessionCard['view']): boolean {
    if (device.forgot.size === 0 && this.others(device).length === 0) return false
    const wanted = new Set(view.proposal.kind === 'spend' ? inputsOf(view.proposal) : [])
    const known = new Set(
      device.door
        ?.cards()
        .map(card => (card.view.proposal.kind === 'spend' ? rawTxid(card.view.proposal.tx) : undefined)),
    )
    return [...this.out].some(
      ([txid, tx]) => !known.has(txid) && tx.inputs.some(input => wanted.has(outPointKey(input))),
    )
  }

  #agrees(device: Device, view: SessionCard['view'], txid: Txid | undefined): void {
    if (txid === undefined || !this.out.has(txid) || !GONE.has(view.state)) return
    // he said yes to the same transaction under another proposal
    if ([...(this.#approved.get(`${device.member} ${txid}`) ?? [])].some(id => id !== view.id)) return
    throw new Broken('disagree', `member ${device.member} says ${view.state}, but it is signed`)
  }

  /** After something happened on this device. */
  look(device: Device): void {
    if (!this.isHonest(device.member) || !device.life.alive || device.door === undefined || !device.rests) return
    const cards = device.door.cards()
    const wanted = new Set<string>()
    /** signed by me and perhaps not yet sent: from then on they are held */
    const soon = new Set<string>()
    const byTxid = new Map(
      cards.flatMap(({ view }) => (view.proposal.kind === 'spend' ? [[rawTxid(view.proposal.tx), view] as const] : [])),
    )
    for (const { view } of cards) {
      const spends = view.proposal.kind === 'spend' ? inputsOf(view.proposal) : []
      const mine =
        view.mine && !this.#proposed.has(view.id)
          ? soon
          : holds(view.state, view.members.find(m => m.self)?.vote === 'yes')
            ? wanted
            : undefined
      for (const point of spends) mine?.add(point)
      for (const [id, old] of earlier(view, byTxid)) {
        if (old.state === 'confirmed' && view.state === 'confirmed')
          throw new Broken('both-paid', `member ${device.member}: ${id} and what replaces it`)
        for (const { vout } of old.proposal.kind === 'spend' ? old.proposal.ownOutputs : []) mine?.add(`${id}:${vout}`)
      }
      const txid = view.proposal.kind === 'spend' ? rawTxid(view.proposal.tx) : undefined
      if (!this.#isBlind(device, view.id)) this.#agrees(device, view, txid)
      if (
        this.#released.get(device)?.has(view.id) === true &&
        !this.#isBlind(device, view.id) &&
        !isChainEnd(view.state) &&
        !spends.every(point => device.held.has(point))
      )
        throw new Broken('free-after-release', `member ${device.member} in ${view.state}`)
      const { failure } = view
      const culprit =
        failure?.culprit === undefined ? -1 : view.members.findIndex(m => m.accountKey === failure.culprit)
      if (failure?.proven === true && culprit >= 0 && this.isHonest(culprit))
        throw new Broken('honest-blamed', `${culprit} by ${device.member}: ${failure.code}`)
    }
    for (const point of device.held)
      if (!wanted.has(point) && !soon.has(point))
        throw new Broken('held-without-reason', `member ${device.member}: ${point}`)
    for (const point of wanted)
      if (!device.held.has(point)) throw new Broken('not-held', `member ${device.member}: ${point}`)
  }

  /** In the end, with everybody back: has each session ended, or is there a reason why it waits? */
  atRest(devices: readonly Device[], everybodyHonest: boolean, now: number, isMined: (txid: Txid) => boolean): void {
    const honest = devices.filter(d => this.isHonest(d.member) && d.door !== undefined)
    for (const device of honest) {
      for (const { view } of device.door?.cards() ?? []) {
        const txid = view.proposal.kind === 'spend' ? rawTxid(view.proposal.tx) : undefined
        if (txid !== undefined && isMined(txid)) this.#agrees(device, view, txid)
        if (!view.live) continue
        const states = honest.map(d => d.door?.cards().find(c => c.id === view.id)?.view)
        // what has expired is not signed any more; its coins stay held where a part of it is out
        const reason =
          !everybodyHonest ||
          now >= (view.expiresAt - LIMITS.noBeginBeforeExpiryS) * 1000 ||
          states.some(other => other !== undefined && GONE.has(other.state)) ||
          states.some(other => other?.stopped) ||
          // by each one's own device: a vote that was lost on its way is no reason
          states.some(other => other !== undefined && other.members.find(m => m.self)?.vote !== 'yes') ||
          this.#lostSpender(device, view) ||
          states.some(other => (other?.attempt?.counter ?? 0) >= LIMITS.attempts) ||
          states.some(other => other?.canApprove === true)
        if (!reason)
          throw new Broken(
            'waits-for-nothing',
            `member ${device.member} in ${view.state}, everybody said yes and is here; attempt ${JSON.stringify(view.attempt)}, failure ${JSON.stringify(view.failure)}`,
          )
      }
    }
  }
}

/** Ends by which the payment can never happen. */
const GONE: ReadonlySet<SessionState> = new Set<SessionState>([
  'declined',
  'withdrawn',
  'cancelled',
  'expired',
  'failed',
])

/** What a session replaces, what that has replaced before, and so on, by transaction id. */
function earlier(
  view: SessionCard['view'],
  byTxid: ReadonlyMap<Txid | undefined, SessionCard['view']>,
): Map<Txid, SessionCard['view']> {
  const row = new Map<Txid, SessionCard['view']>()
  for (
    let at = view;
    at.proposal.kind === 'spend' && at.proposal.replaces !== undefined && !row.has(at.proposal.replaces);
  ) {
    const old = byTxid.get(at.proposal.replaces)
    if (old === undefined) break
    row.set(at.proposal.replaces, old)
    at = old
  }
  return row
}

const holds = (state: SessionState, yes: boolean): boolean =>
  (isLive(state) ? yes || (state !== 'proposed' && state !== 'signing') : false) && !isChainEnd(state)

function set<K, V>(map: Map<K, Set<V>>, key: K): Set<V> {
  const known = map.get(key) ?? new Set<V>()
  map.set(key, known)
  return known
}
