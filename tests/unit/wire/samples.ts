import { toHex } from '../../../services/core/domain/bytes'
import type { WalletRecord, RosterEntry, RelayList } from '../../../services/core/domain/wallet'
import type { PracticeProposal, SpendProposal } from '../../../services/core/domain/proposal'
import { LIMITS } from '../../../services/core/wire/limits'
import type {
  Announcement,
  Hello,
  JoinMessage,
  SignBody,
  SignedMessage,
  WalletMessage,
} from '../../../services/core/wire/messages'
import type { Statement } from '../../../services/core/domain/statement'

/**
 * Messages at their limits and of usual size. Keys and signatures are of the right form only: the codec checks no
 * curve.
 */
export const filled = (length: number, value = 0xff): Uint8Array => new Uint8Array(length).fill(value)
export const hexOf = (length: number, value = 0xff): string => toHex(filled(length, value))
const many = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))
export const keyOf = (i: number): string => `02${(i + 1).toString(16).padStart(2, '0').repeat(32)}`
const widest = (bytes: number): string => 'ü'.repeat(bytes / 2)

export interface Size {
  readonly members: number
  readonly inputs: number
  readonly outputs: number
  readonly wide: boolean
}
export const MAX: Size = { members: LIMITS.members, inputs: LIMITS.inputs, outputs: LIMITS.outputs, wide: true }
export const USUAL: Size = { members: 3, inputs: 2, outputs: 2, wide: false }

export function samples(s: Size) {
  const name = (i: number) => (s.wide ? widest(LIMITS.nameBytes) : (['Anna', 'Bob', 'Çağla'][i % 3] ?? 'Anna'))
  const peer = (i: number) =>
    s.wide ? 'z'.repeat(LIMITS.peerIdBytes) : `12D3KooW${'abcdefghij'.charAt(i % 10).repeat(44)}`
  const addr = (i: number) =>
    s.wide ? `/${'a'.repeat(LIMITS.multiaddrBytes - 1)}` : `/dns4/relay${i}.example/tcp/443/wss/p2p/${peer(i)}`
  const u32 = s.wide ? 2 ** 32 - 1 : 1
  const millis = s.wide ? 2 ** 48 : 1_795_000_000_000
  const seconds = s.wide ? 2 ** 40 : 1_795_000_000
  const entry = (i: number): RosterEntry => ({
    accountKey: keyOf(i),
    origin: {
      fingerprint: hexOf(4, i),
      path: s.wide ? '2147483647h/2147483647h/21474836h'.slice(0, LIMITS.pathBytes - 1) + 'h' : `87h/1h/${1000 + i}h`,
    },
    xpub: 'x'.repeat(s.wide ? LIMITS.xpubBytes : 111),
    name: name(i),
    peerId: peer(i),
    proofNumber: u32,
    proof: hexOf(64, i),
  })
  const roster = many(s.members, entry)
  const relayList: RelayList = {
    number: u32,
    relays: many(s.wide ? LIMITS.relays : 1, addr),
    by: keyOf(0),
    signature: hexOf(64),
  }
  const hello: Hello = {
    type: 'hello',
    versions: many(s.wide ? LIMITS.versions : 1, i => (s.wide ? 256 - LIMITS.versions + i : 1)),
    instance: hexOf(16, 7),
    startedAt: millis,
    clock: millis,
    build: s.wide ? 'b'.repeat(LIMITS.codeBytes) : '0.1.0+abc',
  }
  const draftId = hexOf(32, 0xd1)
  const common = {
    walletId: hexOf(32, 0xaa),
    proposer: keyOf(0),
    expiresAt: seconds,
    note: s.wide ? widest(LIMITS.noteBytes) : 'Rent for June',
    salt: hexOf(32, 0x5a),
  }
  const spend: SpendProposal = {
    kind: 'spend',
    ...common,
    tx: filled(s.wide ? LIMITS.txBytes : 180, 2),
    inputs: many(s.inputs, i => ({
      amountSats: s.wide ? 2_100_000_000_000_000n : 50_000n + BigInt(i),
      branch: 1 as const,
      index: s.wide ? 2 ** 31 - 1 : i,
    })),
    ownOutputs: many(s.wide ? s.outputs : 1, i => ({ vout: i, branch: 1 as const, index: s.wide ? 2 ** 31 - 1 : 4 })),
    ...(s.wide ? { replaces: hexOf(32, 3) } : {}),
  }
  const practice: PracticeProposal = {
    kind: 'practice',
    ...common,
    text: s.wide ? widest(LIMITS.practiceBytes) : 'We can sign together',
  }
  const digest = hexOf(32, 0xd9)
  const code = s.wide ? 'c'.repeat(LIMITS.codeBytes) : 'bad-partial'
  const attempt = s.wide ? { counter: LIMITS.attempts, hub: LIMITS.members - 1 } : { counter: 1, hub: 0 }
  const bodies: Record<string, SignBody> = {
    'propose-spend': { type: 'propose', proposal: spend },
    'propose-practice': { type: 'propose', proposal: practice },
    'vote-yes': { type: 'vote', digest, choice: 'yes' },
    'vote-withdraw': { type: 'vote', digest, choice: 'withdraw' },
    begin: { type: 'begin', digest },
    pubnonces: { type: 'pubnonces', digest, pubnonces: many(s.inputs, i => filled(66, i % 256)) },
    nonces: {
      type: 'nonces',
      digest,
      aggregates: many(s.inputs, i => filled(66, i % 256)),
      hashes: many(s.members, i => filled(32, i)),
    },
    partials: {
      type: 'partials',
      digest,
      noncesHash: filled(32, 9),
      partials: many(s.inputs, i => filled(32, i % 256)),
    },
    final: { type: 'final', digest, signatures: many(s.inputs, i => filled(64, i % 256)) },
    fail: {
      type: 'fail',
      code,
      culprit: s.wide ? LIMITS.members - 1 : 1,
      input: s.wide ? LIMITS.inputs - 1 : 0,
      evidence: s.wide
        ? many(LIMITS.evidenceItems, () => filled(LIMITS.evidenceBytes / LIMITS.evidenceItems))
        : [filled(20)],
    },
    cancel: { type: 'cancel', reason: s.wide ? widest(LIMITS.noteBytes) : 'Wrong amount' },
    sync: {
      type: 'sync',
      digest,
      state: s.wide ? code : 'signing',
      attempt,
      have: many(s.members, keyOf),
      locked: true,
      reply: false,
    },
  }
  const signed = Object.fromEntries(
    Object.entries(bodies).map(([key, body]): [string, SignedMessage] => [
      key,
      {
        sender: keyOf(0),
        walletId: common.walletId,
        session: hexOf(32, 0x51),
        body,
        signature: filled(64, 0x0f),
        ...(['begin', 'pubnonces', 'nonces', 'partials', 'fail'].includes(key) ? { attempt } : {}),
      },
    ]),
  )
  const join: Record<string, JoinMessage> = {
    hello,
    join: { type: 'join', draftId, secret: hexOf(16, 0x5e), entry: entry(1) },
    seats: { type: 'seats', draftId, state: 'waiting', seats: many(s.members, name), n: s.members },
    roster: {
      type: 'roster',
      draftId,
      name: name(0),
      network: 'regtest',
      genesis: hexOf(32, 6),
      roster,
      groupSecret: hexOf(32, 0x65),
      relayList,
    },
    rosterOk: { type: 'rosterOk', draftId, walletId: common.walletId },
    leave: { type: 'leave', draftId },
  }
  const wallet: Record<string, WalletMessage> = {
    hello,
    record: {
      type: 'record',
      walletId: common.walletId,
      confirmations: many(s.members, i => ({ accountKey: keyOf(i), signature: hexOf(64, i) })),
      saved: many(s.members, keyOf),
      relayList,
      roster,
    },
  }
  const statements: Record<string, Statement> = {
    join: {
      type: 'join',
      draftId,
      genesis: hexOf(32, 6),
      accountKey: keyOf(1),
      origin: entry(1).origin,
      xpub: entry(1).xpub,
      peerId: peer(1),
      name: name(1),
      proofNumber: u32,
    },
    confirm: { type: 'confirm', walletId: common.walletId, accountKey: keyOf(1), safetyHash: hexOf(32, 0x5f) },
    relays: { type: 'relays', walletId: common.walletId, accountKey: keyOf(0), number: u32, relays: relayList.relays },
    transcript: {
      type: 'transcript',
      walletId: common.walletId,
      accountKey: keyOf(0),
      session: hexOf(32, 0x51),
      head: hexOf(32, 0x52),
      count: u32,
      complete: true,
    },
  }
  const announcement: Announcement = {
    sender: keyOf(0),
    peerId: peer(0),
    addresses: many(s.wide ? LIMITS.announcedAddresses : 2, addr),
    startedAt: millis,
    counter: u32,
    instance: hexOf(16, 1),
    at: millis,
  }
  const record: WalletRecord = {
    id: common.walletId,
    name: name(0),
    network: 'signet',
    genesis: hexOf(32, 6),
    policy: { kind: 'all' },
    descriptor: s.wide
      ? `tr(musig(${'k'.repeat(s.members * (LIMITS.xpubBytes + LIMITS.pathBytes + 12))})/<0;1>/*)#abcdefgh`
      : 'tr(musig(a,b)/<0;1>/*)#abcdefgh',
    roster,
    groupSecret: hexOf(32, 0x65),
    relayList,
    draftId,
    self: keyOf(0),
    confirmations: Object.fromEntries(many(s.members, i => [keyOf(i), hexOf(64, i)])),
    saved: many(s.members, keyOf),
    fileDeferred: false,
    createdAt: seconds,
  }
  return { proposals: { spend, practice }, signed, join, wallet, statements, announcement, record, hello }
}
