import { messageHash, pubnoncesHash } from '../../services/core/crypto/message-hash'
import { signHash } from '../../services/core/crypto/signature'
import { concatBytes, equalBytes } from '../../services/core/domain/bytes'
import { nameProposal } from '../../services/core/crypto/proposal-id'
import type { MemberIndex } from '../../services/core/domain/ids'
import type { Proposal } from '../../services/core/domain/proposal'
import { encodeSigned } from '../../services/core/wire/codec'
import type { SignBody, SignedMessage } from '../../services/core/wire/messages'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import type { CircleOf } from './circle'
import type { Mischief } from './plan'
import type { Random } from './random'

const { Point } = secp256k1

/** One frame to one member. */
export interface Frame {
  readonly to: MemberIndex
  readonly bytes: Uint8Array
}

/**
 * A member that runs the app and makes of what it says something else: it may sign what it likes with its own key, say
 * different things to different members, pass on what others signed, keep silent. It cannot sign for others.
 */
export class Hostile {
  readonly #heard: SignedMessage[] = []

  constructor(
    readonly member: MemberIndex,
    private readonly mischief: readonly Mischief[],
    private readonly circle: CircleOf,
    private readonly random: Random,
  ) {}

  hear(message: SignedMessage): void {
    if (this.#heard.length < 400) this.#heard.push(message)
  }

  /** What goes out instead of `message`. */
  instead(to: MemberIndex, message: SignedMessage): Frame[] {
    const honest = [{ to, bytes: encodeSigned(message) }]
    const tricks = this.mischief.filter(() => this.random.chance(0.6))
    return sayable(() => tricks.reduce<Frame[]>((frames, what) => this.#spoil(what, to, message) ?? frames, honest))
  }

  /** From time to time, whatever else happens. */
  unasked(others: readonly MemberIndex[]): Frame[] {
    return sayable(() => this.#unasked(others))
  }

  #unasked(others: readonly MemberIndex[]): Frame[] {
    const to = this.random.pick(others)
    const last = this.#heard.at(-1)
    if (last === undefined) return []
    const of = (type: SignBody['type']): SignedMessage | undefined => this.#heard.findLast(m => m.body.type === type)
    const digest = 'digest' in last.body ? last.body.digest : undefined
    const say = (body: SignBody, attempt = last.attempt): Frame[] => [
      { to, bytes: encodeSigned(this.#sign({ ...last, attempt, body })) },
    ]
    switch (this.random.pick(this.mischief)) {
      case 'replays':
        return [{ to, bytes: encodeSigned(this.random.pick(this.#heard)) }]
      case 'lying-sync':
        return digest === undefined
          ? []
          : say(
              {
                type: 'sync',
                digest,
                state: this.random.pick(['declined', 'signed', 'unknown', 'released', 'nonsense']),
                attempt: { counter: this.random.between(1, 40), hub: to },
                have: [],
                locked: this.random.chance(0.3),
                reply: this.random.chance(0.5),
              },
              undefined,
            )
      case 'strange-begin':
        return digest === undefined
          ? []
          : say(
              { type: 'begin', digest },
              { counter: this.random.between(0, 33), hub: this.random.pick([this.member, to]) },
            )
      case 'cancels-others':
        return say({ type: 'cancel', reason: 'because' }, undefined)
      case 'accuses': {
        const evidence = [of('pubnonces'), of('partials'), of('nonces')]
          .filter(m => m !== undefined && encodeSigned(m).length < 20_000)
          .map(m => encodeSigned(m!))
        return last.attempt === undefined
          ? []
          : say(
              { type: 'fail', code: 'partial-invalid', culprit: to, input: 0, evidence },
              { ...last.attempt, hub: this.member },
            )
      }
      case 'wrong-final':
        return digest === undefined ? [] : say({ type: 'final', digest, signatures: [this.#bytes(64)] }, undefined)
      case 'garbage':
        return [{ to, bytes: this.#bytes(this.random.between(0, 300)) }]
      default:
        return []
    }
  }

  /** undefined: this trick has nothing to do with such a message */
  #spoil(what: Mischief, to: MemberIndex, message: SignedMessage): Frame[] | undefined {
    const { body } = message
    const say = (changed: SignBody, more: Partial<SignedMessage> = {}): Frame[] => [
      { to, bytes: encodeSigned(this.#sign({ ...message, ...more, body: changed })) },
    ]
    switch (what) {
      case 'silent':
        return []
      case 'wrong-partials':
        return body.type === 'partials' ? say({ ...body, partials: body.partials.map(p => this.#flip(p)) }) : undefined
      case 'wrong-pubnonces':
        return body.type === 'pubnonces'
          ? say({
              ...body,
              pubnonces: body.pubnonces.map(() =>
                this.random.chance(0.3) ? this.#bytes(66) : concatBytes(this.#point(), this.#point()),
              ),
            })
          : undefined
      case 'old-pubnonces': {
        const old = this.#heard.find(m => m.body.type === 'pubnonces')
        return body.type === 'pubnonces' &&
          old?.body.type === 'pubnonces' &&
          old.body.pubnonces.length === body.pubnonces.length
          ? say({ ...body, pubnonces: old.body.pubnonces })
          : undefined
      }
      case 'cancelling-pubnonces': {
        // the sum with those of another is the point at infinity
        const other = this.#heard.findLast(m => m.body.type === 'pubnonces' && m.session === message.session)
        if (body.type !== 'pubnonces' || other?.body.type !== 'pubnonces') return undefined
        return say({
          ...body,
          pubnonces: other.body.pubnonces.map(p => concatBytes(negated(p.subarray(0, 33)), negated(p.subarray(33)))),
        })
      }
      case 'hub-two-nonces':
        return body.type === 'nonces'
          ? say({ ...body, aggregates: body.aggregates.map(() => concatBytes(this.#point(), this.#point())) })
          : undefined
      case 'hub-wrong-aggregates':
        return body.type === 'nonces'
          ? say({ ...body, aggregates: body.aggregates.map(a => concatBytes(a.slice(0, 33), this.#point())) })
          : undefined
      case 'hub-without-yours':
        return body.type === 'nonces'
          ? say({ ...body, hashes: body.hashes.map((h, m) => (m === to ? pubnoncesHash([this.#bytes(66)]) : h)) })
          : undefined
      case 'two-faced-votes':
        return body.type === 'vote' ? say({ ...body, choice: this.random.pick(['yes', 'no', 'withdraw']) }) : undefined
      case 'accuses':
        return body.type === 'fail'
          ? say({
              ...body,
              culprit: to,
              evidence: this.#heard
                .slice(-2)
                .filter(m => m.body.type !== 'propose')
                .map(encodeSigned),
            })
          : undefined
      case 'wrong-final':
        return body.type === 'final' ? say({ ...body, signatures: body.signatures.map(s => this.#flip(s)) }) : undefined
      case 'keeps-final':
        return body.type === 'final' ? [] : undefined
      case 'lying-sync':
        return body.type === 'sync'
          ? say({
              ...body,
              attempt: { counter: this.random.between(1, 33), hub: this.random.between(0, this.circle.records.length) },
              have: [],
              reply: this.random.chance(0.5),
            })
          : undefined
      case 'strange-begin':
        return body.type === 'begin' && message.attempt
          ? say(body, { attempt: { counter: message.attempt.counter + this.random.between(-2, 3), hub: this.member } })
          : undefined
      case 'two-proposals':
        return body.type === 'propose' ? this.#propose(to, message, { ...body.proposal, note: `for ${to}` }) : undefined
      case 'changes-transaction': {
        if (body.type !== 'propose' || body.proposal.kind !== 'spend') return undefined
        const tx = body.proposal.tx.slice()
        tx[tx.length - 12] = (tx[tx.length - 12] ?? 0) ^ 1
        return this.#propose(to, message, { ...body.proposal, tx })
      }
      case 'bad-signatures':
        return this.random.chance(0.3)
          ? [{ to, bytes: encodeSigned({ ...message, signature: this.#bytes(64) }) }]
          : undefined
      case 'replays':
        return this.#heard.length === 0
          ? undefined
          : [
              { to, bytes: encodeSigned(message) },
              { to, bytes: encodeSigned(this.random.pick(this.#heard)) },
            ]
      case 'garbage':
        return this.random.chance(0.1) ? [{ to, bytes: this.#bytes(this.random.between(0, 300)) }] : undefined
      case 'cancels-others':
        return undefined
    }
  }

  /** Another proposal under its own right name. */
  #propose(to: MemberIndex, message: SignedMessage, proposal: Proposal): Frame[] {
    const named = nameProposal(this.circle.context, proposal)
    const session = named.ok ? named.value.sessionId : message.session
    return [{ to, bytes: encodeSigned(this.#sign({ ...message, session, body: { type: 'propose', proposal } })) }]
  }

  #sign(message: Omit<SignedMessage, 'sender' | 'signature'>): SignedMessage {
    const unsigned = { ...message, sender: this.circle.records[this.member]!.self }
    return {
      ...unsigned,
      signature: signHash(messageHash(unsigned), this.circle.secrets[this.member]!, new Uint8Array(32)),
    }
  }

  #bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.random.between(0, 255))
  }
  #point(): Uint8Array {
    return Point.BASE.multiply(BigInt(this.random.between(1, 2 ** 31))).toBytes(true)
  }
  #flip(bytes: Uint8Array): Uint8Array {
    const out = bytes.slice()
    out[out.length - 1] = (out[out.length - 1] ?? 0) ^ 1
    return equalBytes(out, bytes) ? bytes : out
  }
}

/** What has no encoding cannot be said. */
function sayable(frames: () => Frame[]): Frame[] {
  try {
    return frames()
  } catch {
    return []
  }
}

function negated(point: Uint8Array): Uint8Array {
  const out = point.slice()
  out[0] = point[0] === 2 ? 3 : 2
  return out
}
