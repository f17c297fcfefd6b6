import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, equalBytes, fromHex, toHex, utf8ToBytes } from '../../services/core/domain/bytes'
import type { MemberIndex } from '../../services/core/domain/ids'
import type { AttemptName, NamedProposal, Proposal } from '../../services/core/domain/proposal'
import type { SessionState, Verdict } from '../../services/core/domain/signing-state'
import { messageHash } from '../../services/core/crypto/message-hash'
import { parseTx, serializeTx, withKeyPathWitnesses } from '../../services/core/crypto/transaction'
import { rawTxid } from '../../services/core/domain/txid'
import { decodeSession, encodeSession } from '../../services/core/signing/runtime/store'
import type { ChainFact, Effect, Fact, UserAction, VerifyPurpose } from '../../services/core/signing/protocol/events'
import { step } from '../../services/core/signing/protocol/step'
import { isBody, newSession, signatureCount, type Session } from '../../services/core/signing/protocol/state'
import { askAbout } from '../../services/core/signing/protocol/sync'
import { mayMove } from '../../services/core/signing/protocol/table'
import { decodeSigned, encodeSigned } from '../../services/core/wire/codec'
import type { SignBody, SignedMessage } from '../../services/core/wire/messages'

/**
 * Members with their machines over a network and a clock that are stepped by hand. Curve work is replaced by hashes (a
 * partial is the hash of who, attempt, nonces and input), everything else is the real code: machine, storage form, wire
 * form. Each step is checked: changes of state are in the table, what is sent was stored, partials need a standing yes.
 */
export const START = 1_800_000_000_000
const WALLET = 'aa'.repeat(32)

export interface Weather {
  /** next pseudo-random number in [0, 1) */
  readonly random: () => number
  readonly drop: number
  readonly duplicate: number
  readonly reorder: number
}

/** A small linear congruential generator: the same weather for the same seed. */
export function weather(seed: number, drop: number, duplicate: number, reorder: number): Weather {
  let x = seed >>> 0
  return {
    random: () => {
      x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0
      return x / 2 ** 32
    },
    drop,
    duplicate,
    reorder,
  }
}

interface Node {
  session: Session | undefined
  stored: Uint8Array | undefined
  run: number
  yes: boolean
  voided: boolean
  handle: AttemptName | undefined
  locked: boolean
  timer: number | undefined
  verdict: Verdict
  online: boolean
  signsWrongly: boolean
  readonly log: Effect[]
  readonly states: SessionState[]
}

type Task =
  | { readonly kind: 'deliver'; readonly to: number; readonly from: number; readonly bytes: Uint8Array }
  | { readonly kind: 'answer'; readonly to: number; readonly run: number; readonly fact: Fact }

export const accountKey = (m: MemberIndex): string => `02${toHex(sha256(utf8ToBytes(`member ${m}`)))}`

export function spendProposal(
  p: {
    inputs?: number
    expiresAt?: number
    salt?: string
    proposer?: MemberIndex
    from?: string
    replaces?: string
    sats?: bigint
  } = {},
): NamedProposal {
  const count = p.inputs ?? 2
  const tx = serializeTx({
    version: 2,
    locktime: 0,
    inputs: Array.from({ length: count }, (_, vout) => ({
      txid: p.from ?? '11'.repeat(32),
      vout,
      script: new Uint8Array(),
      sequence: 0xfffffffd,
      witness: [],
    })),
    outputs: [{ sats: p.sats ?? 10_000n, script: concatBytes(Uint8Array.of(0x51, 32), new Uint8Array(32).fill(7)) }],
  })
  const salt = p.salt ?? '01'.repeat(32)
  const proposal: Proposal = {
    kind: 'spend',
    walletId: WALLET,
    proposer: accountKey(p.proposer ?? 0),
    expiresAt: p.expiresAt ?? START / 1000 + 86_400,
    note: 'rent',
    salt,
    tx,
    inputs: Array.from({ length: count }, (_, index) => ({ amountSats: 6_000n, branch: 0 as const, index })),
    ownOutputs: [],
    replaces: p.replaces,
  }
  const digest = toHex(sha256(tx))
  return { proposal, digest, sessionId: toHex(sha256(concatBytes(fromHex(digest), fromHex(salt)))) }
}

export function practiceProposal(): NamedProposal {
  const proposal: Proposal = {
    kind: 'practice',
    walletId: WALLET,
    proposer: accountKey(0),
    expiresAt: START / 1000 + 86_400,
    note: '',
    salt: '02'.repeat(32),
    text: 'hello',
  }
  return { proposal, digest: toHex(sha256(utf8ToBytes('hello'))), sessionId: '33'.repeat(32) }
}

export class Harness {
  now = START
  /** compares the session before and after each step; slow */
  checkPurity = false
  readonly nodes: Node[]
  readonly members: readonly string[]
  tasks: Task[] = []
  /** every frame that was handed to a stream */
  readonly wire: Array<{ readonly from: number; readonly to: number; readonly message: SignedMessage }> = []
  readonly broadcasts: Array<{ readonly by: number; readonly raw: Uint8Array }> = []
  readonly offences: Array<{ readonly by: number; readonly member: number; readonly code: string }> = []
  broadcastAnswer: { ok: boolean; code?: string } = { ok: true }
  /** pairs without a connection, as `a-b` with a < b */
  readonly cut = new Set<string>()
  /** changes messages on their way; undefined swallows one */
  tamper: (message: SignedMessage, from: number, to: number) => SignedMessage | undefined = m => m

  constructor(
    n = 3,
    readonly named: NamedProposal = spendProposal(),
    readonly climate?: Weather,
  ) {
    this.members = Array.from({ length: n }, (_, m) => accountKey(m))
    this.nodes = this.members.map(() => ({
      session: undefined,
      stored: undefined,
      run: 0,
      yes: false,
      voided: false,
      handle: undefined,
      locked: false,
      timer: undefined,
      verdict: { kind: 'ok' },
      online: true,
      signsWrongly: false,
      log: [],
      states: [],
    }))
  }

  node(m: number): Node {
    return this.nodes[m] as Node
  }
  session(m: number): Session {
    return this.node(m).session as Session
  }
  state(m: number): SessionState | undefined {
    return this.node(m).session?.state
  }
  states(): Array<SessionState | undefined> {
    return this.nodes.map((_, m) => this.state(m))
  }

  connected(a: number, b: number): boolean {
    return a !== b && this.node(a).online && this.node(b).online && !this.cut.has(`${Math.min(a, b)}-${Math.max(a, b)}`)
  }

  peersOf(m: number): number[] {
    return this.nodes.map((_, o) => o).filter(o => this.connected(m, o))
  }

  /** Tells everybody who has a session whom he can reach now. */
  tellPeers(): void {
    for (const [m, node] of this.nodes.entries())
      if (node.session) this.feed(m, { type: 'peers', connected: this.peersOf(m) })
  }

  propose(m = 0): void {
    const node = this.node(m)
    node.session = newSession(this.named, this.members, accountKey(m))
    this.feed(m, { type: 'peers', connected: this.peersOf(m) })
    this.feed(m, { type: 'opened' })
    this.settle()
  }

  user(m: number, action: UserAction, reason?: string): void {
    this.feed(m, { type: 'user', action, reason })
  }
  chain(m: number, fact: ChainFact): void {
    this.feed(m, { type: 'chain', fact })
  }
  approveAll(...who: number[]): void {
    for (const m of who) {
      this.user(m, 'approve')
      this.settle()
    }
  }

  feed(m: number, fact: Fact): void {
    const node = this.node(m)
    const before = node.session
    if (!before) return
    const event = { ...fact, at: this.now }
    const frozen = this.checkPurity && picture(before)
    const { session, effects } = step(before, event)
    if (this.checkPurity && picture(before) !== frozen) throw new Error('a step changed its input')
    if (session.state !== before.state) {
      // one step may take two lawful moves (signed, then confirmed, for a practice)
      const direct =
        mayMove(before.state, session.state) || (mayMove(before.state, 'signed') && mayMove('signed', session.state))
      if (!direct) throw new Error(`${before.state} -> ${session.state} is not in the table`)
      node.states.push(session.state)
    }
    node.session = session
    for (const effect of effects) this.perform(m, node, session, effect)
  }

  private answer(m: number, fact: Fact): void {
    this.tasks.push({ kind: 'answer', to: m, run: this.node(m).run, fact })
  }

  signed(m: number, body: SignBody, attempt?: AttemptName): SignedMessage {
    return {
      sender: accountKey(m),
      walletId: WALLET,
      session: this.named.sessionId,
      ...(attempt && { attempt }),
      body,
      signature: new Uint8Array(64).fill(m + 1),
    }
  }

  /** A message by `m`, as if its own program had made it. */
  forge(m: number, body: SignBody, attempt?: AttemptName): SignedMessage {
    return this.signed(m, body, attempt)
  }
  inject(from: number, to: number, message: SignedMessage): void {
    this.tasks.push({ kind: 'deliver', from, to, bytes: encodeSigned(message) })
  }

  private perform(m: number, node: Node, session: Session, effect: Effect): void {
    node.log.push(effect)
    const refuse = (request: 'sign' | 'approve' | 'nonces' | 'partials', code: string, attempt?: AttemptName): void =>
      this.answer(m, { type: 'refused', request, code, attempt })
    switch (effect.type) {
      case 'store': {
        node.stored = encodeSession(session)
        const back = decodeSession(node.stored)
        if (!back.ok) throw new Error(`does not read back: ${back.error.code} ${back.error.path}`)
        if (!equalBytes(encodeSession(back.value), node.stored)) throw new Error('reads back differently')
        return
      }
      case 'send':
        this.checkStored(node, effect.message, m)
        for (const to of effect.to) this.post(m, to, effect.message)
        return
      case 'sign':
        return node.locked
          ? refuse('sign', 'locked')
          : this.answer(m, { type: 'signed', message: this.signed(m, effect.body, effect.attempt), to: effect.to })
      case 'approve':
        if (node.locked || node.voided) return refuse('approve', node.locked ? 'locked' : 'not-approved')
        node.yes = true
        return this.answer(m, {
          type: 'approved',
          message: this.signed(m, { type: 'vote', digest: this.named.digest, choice: 'yes' }),
        })
      case 'retract':
        node.voided = true
        node.yes = false
        node.handle = undefined
        return
      case 'erase-nonces':
        node.handle = undefined
        return
      case 'make-nonces': {
        if (node.locked || !node.yes) return refuse('nonces', node.locked ? 'locked' : 'not-approved', effect.attempt)
        node.handle = effect.attempt
        const pubnonces = this.each(i => this.bytes(66, m, effect.attempt, 'nonce', i))
        return this.answer(m, {
          type: 'nonces-made',
          message: this.signed(m, { type: 'pubnonces', digest: this.named.digest, pubnonces }, effect.attempt),
        })
      }
      case 'make-partials': {
        const held = node.handle
        node.handle = undefined
        if (node.locked || !node.yes) return refuse('partials', node.locked ? 'locked' : 'not-approved', effect.attempt)
        if (!held || held.counter !== effect.attempt.counter || held.hub !== effect.attempt.hub)
          return refuse('partials', 'no-nonce', effect.attempt)
        const noncesHash = messageHash(effect.nonces)
        const partials = this.each(i =>
          node.signsWrongly ? new Uint8Array(32).fill(9) : this.partial(m, noncesHash, i),
        )
        return this.answer(m, {
          type: 'partials-made',
          message: this.signed(
            m,
            { type: 'partials', digest: this.named.digest, noncesHash, partials },
            effect.attempt,
          ),
        })
      }
      case 'verify':
        return this.answer(m, {
          type: 'verdict',
          purpose: effect.purpose,
          attempt: effect.attempt,
          verdict: node.verdict,
        })
      case 'aggregate-nonces':
        return this.answer(m, {
          type: 'nonces-aggregated',
          attempt: effect.attempt,
          aggregates: this.each(i => this.bytes(66, m, effect.attempt, 'agg', i)),
        })
      case 'aggregate-partials': {
        const nonces = session.live?.hub?.nonces
        for (const [member, partials] of effect.partials.entries()) {
          const input = partials.findIndex(
            (p, i) => !nonces || !equalBytes(p, this.partial(member, messageHash(nonces), i)),
          )
          if (input >= 0)
            return this.answer(m, {
              type: 'aggregation-failed',
              attempt: effect.attempt,
              phase: 'partials',
              member,
              input,
            })
        }
        return this.answer(m, { type: 'partials-aggregated', attempt: effect.attempt, signatures: this.signatures() })
      }
      case 'finalize': {
        const input = effect.signatures.findIndex((s, i) => !equalBytes(s, this.signatures()[i] as Uint8Array))
        if (input >= 0) return this.answer(m, { type: 'finalize-failed', from: effect.from, input })
        const { proposal } = this.named
        return this.answer(
          m,
          proposal.kind === 'spend'
            ? { type: 'finalized', signatures: effect.signatures, raw: proposal.tx, txid: rawTxid(proposal.tx) }
            : { type: 'finalized', signatures: effect.signatures },
        )
      }
      case 'check-evidence':
        return this.answer(m, { type: 'evidence-checked', attempt: effect.attempt, proven: true })
      case 'broadcast':
        if (!node.stored || !decodeStored(node.stored).signed) throw new Error('broadcast before it was stored')
        this.broadcasts.push({ by: m, raw: effect.raw })
        return this.answer(m, { type: 'broadcast-done', ...this.broadcastAnswer })
      case 'timer':
        node.timer = effect.at
        return
      case 'offence':
        this.offences.push({ by: m, member: effect.member, code: effect.code })
        return
      case 'holds':
      case 'notify':
    }
  }

  /** Persist before send, for everything that binds its sender. */
  private checkStored(node: Node, message: SignedMessage, m: number): void {
    if (message.sender !== accountKey(m)) return
    const stored = node.stored && decodeStored(node.stored)
    const { body } = message
    if (body.type === 'partials' && (!stored?.released || stored.state === 'proposed' || stored.state === 'signing'))
      throw new Error('partials sent before `released` was stored')
    if (
      body.type === 'pubnonces' &&
      stored?.last?.counter !== undefined &&
      stored.last.counter < (message.attempt?.counter ?? 0)
    )
      throw new Error('pubnonces sent before the attempt was stored')
    if (body.type === 'vote' && stored?.votes[m]?.body.choice !== body.choice)
      throw new Error('vote sent before it was stored')
    if (body.type === 'final' && !stored?.signed) throw new Error('final sent before it was stored')
  }

  private each(make: (input: number) => Uint8Array): Uint8Array[] {
    return Array.from({ length: signatureCount(this.named.proposal) }, (_, i) => make(i))
  }

  private bytes(length: number, m: number, attempt: AttemptName, what: string, i: number): Uint8Array {
    const out = new Uint8Array(length)
    out.set(sha256(utf8ToBytes(`${what} ${m} ${attempt.counter} ${attempt.hub} ${i} ${this.node(m).run}`)))
    return out
  }

  private partial(m: number, noncesHash: Uint8Array, i: number): Uint8Array {
    return sha256(concatBytes(noncesHash, Uint8Array.of(m, i)))
  }
  signatures(): Uint8Array[] {
    return this.each(i => new Uint8Array(64).fill(0x40 + i))
  }

  /** the transaction with these signatures in it */
  rawWith(signatures: readonly Uint8Array[]): Uint8Array {
    const { proposal } = this.named
    const tx = proposal.kind === 'spend' ? parseTx(proposal.tx) : undefined
    if (tx?.ok !== true) throw new Error('no transaction')
    return serializeTx(withKeyPathWitnesses(tx.value, signatures))
  }

  private post(from: number, to: number, message: SignedMessage): void {
    if (!this.connected(from, to)) return
    const changed = this.tamper(message, from, to)
    if (!changed) return
    this.wire.push({ from, to, message: changed })
    const task: Task = { kind: 'deliver', from, to, bytes: encodeSigned(changed) }
    if (this.climate && this.climate.random() < this.climate.drop) return
    this.tasks.push(task)
    if (this.climate && this.climate.random() < this.climate.duplicate) this.tasks.push(task)
  }

  /** Carries out one thing that is under way; false when there is none. */
  next(): boolean {
    if (this.tasks.length === 0) return false
    const index =
      this.climate && this.climate.random() < this.climate.reorder
        ? Math.floor(this.climate.random() * this.tasks.length)
        : 0
    const [task] = this.tasks.splice(index, 1)
    if (!task) return false
    if (task.kind === 'answer') {
      if (task.run === this.node(task.to).run) this.feed(task.to, task.fact)
      return true
    }
    if (!this.connected(task.from, task.to)) return true
    const decoded = decodeSigned(task.bytes)
    if (!decoded.ok) throw new Error(`does not decode: ${decoded.error.code} at ${decoded.error.path}`)
    this.receive(task.to, task.from, decoded.value)
    return true
  }

  private receive(to: number, from: number, message: SignedMessage): void {
    const node = this.node(to)
    if (!node.session) {
      if (!isBody(message, 'propose')) {
        const ask = askAbout(message)
        if (ask) this.post(to, from, this.signed(to, ask))
        return
      }
      node.session = newSession(this.named, this.members, accountKey(to))
      this.feed(to, { type: 'peers', connected: this.peersOf(to) })
    }
    this.feed(to, { type: 'message', from, message })
  }

  settle(limit = 20_000): void {
    for (let i = 0; this.next(); i++) if (i > limit) throw new Error('does not come to rest')
  }

  /** Lets time pass, tick by tick, with everything that follows. */
  advance(ms: number): void {
    const until = this.now + ms
    this.settle()
    for (let guard = 0; ; guard++) {
      if (guard > 50_000) throw new Error('too many ticks')
      const due = this.nodes
        .filter(n => n.timer !== undefined && n.timer <= until && n.session && n.online)
        .map(n => n.timer as number)
      if (due.length === 0) break
      this.now = Math.max(this.now, Math.min(...due))
      for (const [m, node] of this.nodes.entries()) {
        if (node.session && node.online && node.timer !== undefined && node.timer <= this.now) {
          node.timer = undefined
          node.session = { ...node.session, timer: undefined }
          this.feed(m, { type: 'tick' })
        }
      }
      this.settle()
    }
    this.now = until
  }

  setOnline(m: number, online: boolean): void {
    this.node(m).online = online
    if (!online) this.tasks = this.tasks.filter(t => t.kind === 'answer' || (t.to !== m && t.from !== m))
    this.tellPeers()
  }

  /** Closes the tab: what was not stored is gone, nonces always are. */
  close(m: number): void {
    const node = this.node(m)
    node.run++
    node.session = undefined
    node.handle = undefined
    node.timer = undefined
    this.setOnline(m, false)
  }

  /** The page is put aside and shown again: its nonces are gone, and nobody told the machine. */
  hide(m: number): void {
    this.node(m).handle = undefined
  }

  /** Opens it again and unlocks. */
  open(m: number): void {
    const node = this.node(m)
    node.online = true
    node.session = node.stored && decodeStored(node.stored)
    if (node.session) this.feed(m, { type: 'resumed' })
    this.tellPeers()
  }

  reload(m: number): void {
    this.close(m)
    this.open(m)
  }

  sent(type: SignBody['type'], from?: number): SignedMessage[] {
    return this.wire
      .filter(w => w.message.body.type === type && (from === undefined || w.from === from))
      .map(w => w.message)
  }

  asked(m: number, purpose: VerifyPurpose): number {
    return this.node(m).log.filter(e => e.type === 'verify' && e.purpose === purpose).length
  }
}

/** Everybody has approved, and nobody has heard the last yes. */
export function ready(h = new Harness()): Harness {
  h.propose()
  h.approveAll(1)
  h.user(2, 'approve')
  return h
}

const picture = (s: Session): string =>
  JSON.stringify(s, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))

function decodeStored(bytes: Uint8Array): Session {
  const read = decodeSession(bytes)
  if (!read.ok) throw new Error(read.error.code)
  return read.value
}
