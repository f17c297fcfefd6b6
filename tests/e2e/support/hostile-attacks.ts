import { randomBytes } from 'node:crypto'
import { encodeFrame as framed } from '../../../services/adapters/libp2p/frames'
import { nameProposal } from '../../../services/core/crypto/proposal-id'
import { serializeTx } from '../../../services/core/crypto/transaction'
import { openWallet } from '../../../services/core/crypto/wallet-context'
import type { Proposal } from '../../../services/core/domain/proposal'
import type { Invite } from '../../../services/core/roster/invite'
import { encodeFrame } from '../../../services/core/wire/codec'
import { LIMITS } from '../../../services/core/wire/limits'
import {
  PROTOCOLS,
  type Hello,
  type JoinMessage,
  type SignBody,
  type WalletMessage,
} from '../../../services/core/wire/messages'
import type { Attack } from '../../support/hostile-page'
import type { ScriptedMember } from '../../support/scripted-member'
import { MAX, samples, USUAL } from '../../unit/wire/samples'
import { LONG } from './long'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const hex = (): string => randomBytes(32).toString('hex')
const HOUR_S = 3_600
/** milliseconds between messages that come as fast as they may */
const AT_THE_RATE = 1_000 / LIMITS.messagesPerSecond + 1
/** milliseconds that a stream is kept, unless it is ended: much longer than that takes, on however busy a machine */
const HOLD_MS = 20_000
/** how much more of everything the long form sends */
const MORE = LONG ? 20 : 1

/** All that a peer does here is one run of it: of two runs others would let the older go. */
const instance = randomBytes(16).toString('hex')

function hello(versions: readonly number[] = [1]): string {
  const now = Date.now()
  const message: Hello = { type: 'hello', versions, instance, startedAt: now, clock: now, build: 'hostile' }
  return text(framed(encodeFrame<'sign'>('sign', message)))
}

/** One more byte than a frame may have. */
const TOO_LARGE = text(framed(new Uint8Array(LIMITS.frameBytes + 1)))
const MALFORMED = text(framed(new Uint8Array(1_000).fill(0x9f)))

/** What a member signs as an app would, too much of it. */
export function signedFlood(member: ScriptedMember, walletName: string) {
  const record = member.record(walletName)
  const opened = openWallet(record.network, record.descriptor)
  if (!opened.ok) throw new Error(opened.error.code)
  const context = opened.value
  const frame = (session: string, body: SignBody): string =>
    text(
      framed(
        encodeFrame(
          'sign',
          member.sign(session, body, body.type === 'fail' ? { counter: 1, hub: 0 } : undefined, walletName),
        ),
      ),
    )
  const common = () => ({
    walletId: record.id,
    proposer: record.self,
    expiresAt: Math.floor(Date.now() / 1000) + HOUR_S,
    note: '',
    salt: hex(),
  })
  const session = (proposal: Proposal): string => {
    const named = nameProposal(context, proposal)
    if (!named.ok) throw new Error(named.error.rule)
    return named.value.sessionId
  }
  /**
   * Every input and output at a place of the wallet that nobody has looked at: all of them must be derived to read it.
   */
  const widest = (): Proposal => {
    const place = (branch: 0 | 1) => ({ branch, index: randomBytes(4).readUInt32BE() >>> 1 })
    const ownOutputs = Array.from({ length: LIMITS.outputs }, (_, vout) => ({ vout, ...place(1) }))
    const tx = serializeTx({
      version: 2,
      locktime: 0,
      inputs: Array.from({ length: LIMITS.inputs }, (_, vout) => ({
        txid: hex(),
        vout,
        sequence: 0xfffffffd,
        script: new Uint8Array(),
        witness: [],
      })),
      outputs: ownOutputs.map(({ branch, index }) => ({
        sats: 1_000n,
        script: context.output(branch, index)?.script ?? new Uint8Array(),
      })),
    })
    return {
      kind: 'spend',
      ...common(),
      tx,
      inputs: Array.from({ length: LIMITS.inputs }, () => ({ amountSats: 10_000n, ...place(0) })),
      ownOutputs,
    }
  }
  const propose = (proposal: Proposal): string => frame(session(proposal), { type: 'propose', proposal })
  /** Proposed and taken back at once, so that it stays below the number of undecided ones. */
  const proposeAndCancel = (proposal: Proposal): string[] => [
    propose(proposal),
    frame(session(proposal), { type: 'cancel', reason: '' }),
  ]
  return {
    votes: Array.from({ length: 2 * LIMITS.messagesPerSecond }, () =>
      frame(hex(), { type: 'vote', digest: hex(), choice: 'no' }),
    ),
    proposals: Array.from({ length: 2 * LIMITS.messagesPerSecond * MORE }, (_, i) =>
      propose({ kind: 'practice', ...common(), text: `look at this, ${i}` }),
    ),
    widest: Array.from({ length: 3 }, widest).flatMap(proposeAndCancel),
    evidence: [frame(hex(), samples(MAX).signed.fail?.body as SignBody)],
    records: [
      text(
        framed(
          encodeFrame('wallet', {
            ...(samples(MAX).wallet.record as Extract<WalletMessage, { type: 'record' }>),
            walletId: record.id,
          }),
        ),
      ),
    ],
  }
}

/** Of a peer that nobody knows, with an invite in its hands: a seat is asked for with a proof that is none. */
export function seatRequests(invite: Invite, peerId: string): string[] {
  const { entry } = samples(USUAL).join.join as Extract<JoinMessage, { type: 'join' }>
  return [invite.secret, randomBytes(16).toString('hex')].map(secret =>
    text(framed(encodeFrame('join', { type: 'join', draftId: invite.draftId, secret, entry: { ...entry, peerId } }))),
  )
}

/** Named: what it is. The protocol is one on which the peer is served, if it is on any. */
export type Attacks = ReadonlyArray<readonly [name: string, attack: Attack]>

/** What costs the peer nothing: streams and bytes without a message. None of it is an offence. */
export const streamAttacks = (protocol: string): Attacks => [
  ['unknown protocols', { protocol: '/tandem/none/1', streams: 100 * MORE, atOnce: 50 }],
  ['unknown versions', { protocol, atOnce: 8, first: hello([200]), streams: 50 * MORE }],
  [
    'a frame whose end never comes',
    {
      protocol,
      atOnce: 8,
      first: hello(),
      streams: 8,
      then: [text(Uint8Array.of(0x80, 0x80, 0x04)), text(new Uint8Array(60_000))],
      holdMs: 200,
    },
  ],
]
/** For so many of them the peer is let go. */
export const streamFlood = (protocol: string): Attacks => [
  ['many streams at once, and nothing on them', { protocol, streams: 150 * MORE, atOnce: 50, holdMs: 100 }],
]

/** A hello of a byte a second, on more streams than one peer may have: it lasts as long as it is let. */
export const slowLoris = (protocol: string): Attack => ({
  protocol,
  streams: 2 * LIMITS.streamsPerPeer,
  atOnce: 2 * LIMITS.streamsPerPeer,
  then: [...Buffer.from(hello(), 'base64')].map(byte => text(Uint8Array.of(byte))),
  gapMs: 1_000,
})

/** Messages in order, as fast as they go and as fast as they may. */
export const flood = (protocol: string, messages: readonly string[], times = 1): Attack => ({
  protocol,
  streams: 10 * MORE,
  atOnce: 4,
  first: hello(),
  then: messages,
  times,
  holdMs: HOLD_MS,
})
export const atTheRate = (protocol: string, messages: readonly string[], times = 1): Attack => ({
  protocol,
  streams: 50,
  atOnce: 1,
  patient: true,
  first: hello(),
  then: messages,
  times,
  gapMs: AT_THE_RATE,
  holdMs: 200,
})

/**
 * What no version of the protocol allows: the peer is let go for it, and tries again and again. Each wants a peer of
 * its own. Megabytes go out before the answer comes.
 */
export const offences = (protocol: string): Attacks => [
  ['a byte too much', { protocol, atOnce: 8, first: hello(), streams: 8 * MORE, then: [TOO_LARGE], holdMs: HOLD_MS }],
  [
    'a length without end',
    {
      protocol,
      atOnce: 8,
      first: hello(),
      streams: 8 * MORE,
      then: [text(new Uint8Array(10_000).fill(0x80))],
      times: 100,
      holdMs: HOLD_MS,
    },
  ],
  ['bytes that are no message', { protocol, streams: 4, atOnce: 4, first: hello(), then: [MALFORMED], times: 20 }],
  [
    'zeros, again and again',
    { protocol, streams: 4 * MORE, atOnce: 4, then: [text(new Uint8Array(60_000))], times: 50, holdMs: HOLD_MS },
  ],
]

export const { join: JOIN, wallet: WALLET, sign: SIGN } = PROTOCOLS
