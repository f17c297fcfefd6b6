import type { Result } from '../domain/result'
import { NETWORK_NAMES } from '../domain/network'
import type { OwnOutput, PracticeProposal, Proposal, ProposalInput, SpendProposal } from '../domain/proposal'
import type { RosterEntry, WalletRecord } from '../domain/wallet'
import type { Statement } from '../domain/statement'
import { LIMITS } from './limits'
import type {
  Announcement,
  Hello,
  JoinMessage,
  ProtocolName,
  SignBody,
  SignedMessage,
  SignStreamMessage,
  WalletMessage,
} from './messages'
import {
  array,
  ascending,
  ascii,
  bool,
  bytes,
  bytesUpTo,
  decodeWith,
  encodeWith,
  field,
  hexBytes,
  name,
  oneOf,
  oneOfNumbers,
  optional,
  refine,
  sats,
  struct,
  text,
  uint,
  union,
} from './schema'
import type { DecodeError, Schema } from './schema'
import {
  accountKey,
  attempt,
  code,
  hash,
  memberName,
  millis,
  multiaddr,
  origin,
  peerId,
  relayList,
  relays,
  roster,
  rosterEntry,
  seconds,
  serial,
  signatureHex,
  xpub,
} from './shapes'

/**
 * Every message, stated once: names on the wire, bounds, and by them encoder and total decoder. The table in
 * docs/protocol.md and tests/vectors/tandem/messages.json say the same; a change here is a change of the protocol.
 */
export type { DecodeError } from './schema'

const helloFields = {
  versions: field('versions', array(uint(255, 1), LIMITS.versions, 1)),
  instance: field('instance', hexBytes(16)),
  startedAt: field('start', millis),
  clock: field('clock', millis),
  build: field('build', code),
}
const hello = struct<Omit<Hello, 'type'>>(helloFields)

// ---------------------------------------------------------------- proposals

const branch = oneOfNumbers([0, 1] as const)
/** BIP32 unhardened child index */
const childIndex = uint(2 ** 31 - 1)
const perInput = <T>(item: Schema<T>): Schema<readonly T[]> => array(item, LIMITS.inputs, 1)

const input = struct<ProposalInput>({
  amountSats: field('sats', sats),
  branch: field('br', branch),
  index: field('ix', childIndex),
})
const ownOutput = struct<OwnOutput>({
  vout: field('out', uint(LIMITS.outputs - 1)),
  branch: field('br', branch),
  index: field('ix', childIndex),
})

const common = {
  walletId: field('wallet', hash),
  proposer: field('by', accountKey),
  expiresAt: field('expiry', seconds),
  note: field('note', text(LIMITS.noteBytes)),
  salt: field('salt', hash),
}
const proposalSchema: Schema<Proposal> = union<Proposal, 'kind'>('kind', 'kind', {
  spend: struct<Omit<SpendProposal, 'kind'>>({
    ...common,
    tx: field('tx', bytesUpTo(LIMITS.txBytes, 10)),
    inputs: field('in', perInput(input)),
    ownOutputs: field('own', array(ownOutput, LIMITS.outputs)),
    replaces: optional('replaces', hash),
  }),
  practice: struct<Omit<PracticeProposal, 'kind'>>({ ...common, text: field('text', text(LIMITS.practiceBytes)) }),
})

// ---------------------------------------------------------------- signing

type Body<T extends SignBody['type']> = Omit<Extract<SignBody, { readonly type: T }>, 'type'>

const digest = field('digest', hash)
const evidence = refine(
  array(bytesUpTo(LIMITS.frameBytes, 1), LIMITS.evidenceItems),
  items => items.reduce((sum, b) => sum + b.length, 0) <= LIMITS.evidenceBytes,
  'out-of-range',
)

const body: Schema<SignBody> = union<SignBody, 'type'>('type', 't', {
  propose: struct<Body<'propose'>>({ proposal: field('proposal', proposalSchema) }),
  vote: struct<Body<'vote'>>({ digest, choice: field('choice', oneOf(['yes', 'no', 'withdraw'] as const)) }),
  begin: struct<Body<'begin'>>({ digest }),
  pubnonces: struct<Body<'pubnonces'>>({ digest, pubnonces: field('nonces', perInput(bytes(66))) }),
  nonces: struct<Body<'nonces'>>({
    digest,
    aggregates: field('agg', perInput(bytes(66))),
    hashes: field('hashes', array(bytes(32), LIMITS.members, 1)),
  }),
  partials: struct<Body<'partials'>>({
    digest,
    noncesHash: field('nonces', bytes(32)),
    partials: field('sigs', perInput(bytes(32))),
  }),
  final: struct<Body<'final'>>({ digest, signatures: field('sigs', perInput(bytes(64))) }),
  fail: struct<Body<'fail'>>({
    code: field('code', code),
    culprit: optional('who', uint(LIMITS.members - 1)),
    input: optional('input', uint(LIMITS.inputs - 1)),
    evidence: field('evidence', evidence),
  }),
  cancel: struct<Body<'cancel'>>({ reason: field('reason', text(LIMITS.noteBytes)) }),
  sync: struct<Body<'sync'>>({
    digest,
    state: field('state', code),
    attempt: optional('attempt', attempt),
    have: field('have', array(accountKey, LIMITS.members)),
    locked: field('locked', bool),
    reply: field('reply', bool),
  }),
})

const unsignedFields = {
  sender: field('from', accountKey),
  walletId: field('wallet', hash),
  session: field('session', hash),
  attempt: optional('attempt', attempt),
  body: field('body', body),
}
const unsigned = struct<Omit<SignedMessage, 'signature'>>(unsignedFields)
const signed = struct<SignedMessage>({ ...unsignedFields, signature: field('sig', bytes(64)) })

// ---------------------------------------------------------------- joining and the wallet record

type Join<T extends JoinMessage['type']> = Omit<Extract<JoinMessage, { readonly type: T }>, 'type'>

const draftId = field('draft', hash)
const network = oneOf(NETWORK_NAMES)

const joinFrame = union<JoinMessage, 'type'>('type', 't', {
  hello,
  join: struct<Join<'join'>>({ draftId, secret: field('secret', hexBytes(16)), entry: field('entry', rosterEntry) }),
  seats: struct<Join<'seats'>>({
    draftId,
    state: field(
      'state',
      oneOf([
        'waiting',
        'admitted',
        'removed',
        'closed',
        'full',
        'unknown',
        'expired',
        'duplicate',
        'bad-proof',
      ] as const),
    ),
    seats: field('seats', array(memberName, LIMITS.members)),
    n: field('n', uint(LIMITS.members)),
  }),
  roster: struct<Join<'roster'>>({
    draftId,
    name: field('name', name(LIMITS.nameBytes)),
    network: field('network', network),
    genesis: field('genesis', hash),
    roster: field('roster', roster),
    groupSecret: field('group', hash),
    relayList: field('relays', relayList),
  }),
  rosterOk: struct<Join<'rosterOk'>>({ draftId, walletId: field('wallet', hash) }),
  leave: struct<Join<'leave'>>({ draftId }),
})

type Confirmation = Extract<WalletMessage, { readonly type: 'record' }>['confirmations'][number]
const confirmations = refine(
  array(
    struct<Confirmation>({ accountKey: field('key', accountKey), signature: field('sig', signatureHex) }),
    LIMITS.members,
  ),
  list => ascending(list.map(c => c.accountKey)),
  'bad-order',
)
const saved = refine(array(accountKey, LIMITS.members), ascending, 'bad-order')

const walletFrame = union<WalletMessage, 'type'>('type', 't', {
  hello,
  record: struct<Omit<Extract<WalletMessage, { readonly type: 'record' }>, 'type'>>({
    walletId: field('wallet', hash),
    confirmations: field('confirm', confirmations),
    saved: field('saved', saved),
    relayList: field('relays', relayList),
    roster: field('roster', roster),
  }),
})

/** A map in TypeScript, a list in the order of the account keys on the wire. */
const confirmationMap: Schema<WalletRecord['confirmations']> = {
  encode: (value, path) =>
    confirmations.encode(
      Object.keys(value)
        .sort()
        .map(key => ({ accountKey: key, signature: value[key] ?? '' })),
      path,
    ),
  decode: (wire, path) => Object.fromEntries(confirmations.decode(wire, path).map(c => [c.accountKey, c.signature])),
}

/** Exported for what contains a record: the wallet file. */
export const walletRecord = struct<WalletRecord>({
  id: field('wallet', hash),
  name: field('name', name(LIMITS.nameBytes)),
  network: field('network', network),
  genesis: field('genesis', hash),
  policy: field('policy', struct<WalletRecord['policy']>({ kind: field('kind', oneOf(['all'] as const)) })),
  descriptor: field('descriptor', ascii(/^[\x20-\x7e]+$/, LIMITS.recordBytes)),
  roster: field('roster', roster),
  groupSecret: field('group', hash),
  relayList: field('relays', relayList),
  draftId: field('draft', hash),
  self: field('self', accountKey),
  confirmations: field('confirm', confirmationMap),
  saved: field('saved', saved),
  fileDeferred: field('deferred', bool),
  createdAt: field('created', seconds),
})

// ---------------------------------------------------------------- statements and presence

type Said<T extends Statement['type']> = Omit<Extract<Statement, { readonly type: T }>, 'type'>

const statement = union<Statement, 'type'>('type', 't', {
  join: struct<Said<'join'>>({
    draftId,
    genesis: field('genesis', hash),
    accountKey: field('key', accountKey),
    origin: field('origin', origin),
    xpub: field('xpub', xpub),
    peerId: field('peer', peerId),
    name: field('name', memberName),
    proofNumber: field('num', serial),
  }),
  confirm: struct<Said<'confirm'>>({
    walletId: field('wallet', hash),
    accountKey: field('key', accountKey),
    safetyHash: field('safety', hash),
  }),
  relays: struct<Said<'relays'>>({
    walletId: field('wallet', hash),
    accountKey: field('key', accountKey),
    number: field('num', serial),
    relays: field('relays', relays),
  }),
  transcript: struct<Said<'transcript'>>({
    walletId: field('wallet', hash),
    accountKey: field('key', accountKey),
    session: field('session', hash),
    head: field('head', hash),
    count: field('count', uint(2 ** 32 - 1)),
    complete: field('complete', bool),
  }),
})

const announcement = struct<Announcement>({
  sender: field('from', accountKey),
  peerId: field('peer', peerId),
  addresses: field('addrs', array(multiaddr, LIMITS.announcedAddresses)),
  startedAt: field('start', millis),
  counter: field('n', uint(2 ** 32 - 1)),
  instance: field('instance', hexBytes(16)),
  at: field('at', millis),
})

/**
 * `hello` has the key `t`, a signed message has not: the frame of a signed message is the very bytes that are stored
 * and shown as evidence.
 */
const helloFrame = union<Hello, 'type'>('type', 't', { hello })
const signFrame: Schema<SignStreamMessage> = {
  encode: (value, path) => ('type' in value ? helloFrame.encode(value, path) : signed.encode(value, path)),
  decode: (wire, path) =>
    typeof wire === 'object' && 't' in wire ? helloFrame.decode(wire, path) : signed.decode(wire, path),
}

// ---------------------------------------------------------------- entrances

interface FrameOf {
  join: JoinMessage
  wallet: WalletMessage
  sign: SignStreamMessage
}
const frames: { readonly [P in ProtocolName]: Schema<FrameOf[P]> } = {
  join: joinFrame,
  wallet: walletFrame,
  sign: signFrame,
}

/**
 * One frame of a stream, without the length prefix. Throws `RangeError` for a message outside the bounds, which only a
 * fault of ours can make.
 */
export const encodeFrame = <P extends ProtocolName>(protocol: P, message: FrameOf[P]): Uint8Array =>
  encodeWith(frames[protocol], message, LIMITS.frameBytes)
/** Any bytes give a message of this protocol or a typed error. */
export const decodeFrame = <P extends ProtocolName>(protocol: P, frame: Uint8Array): Result<FrameOf[P], DecodeError> =>
  decodeWith(frames[protocol], frame, LIMITS.frameBytes)

/** What the signature of a session message covers: the message without its `sig`. */
export const encodeUnsigned = (m: Omit<SignedMessage, 'signature'>): Uint8Array =>
  encodeWith(unsigned, m, LIMITS.frameBytes)
/**
 * Frames of messages that have been encoded or read: a session is stored with all of its messages at each of its steps.
 * Nobody writes into either.
 */
const framesOf = new WeakMap<SignedMessage, Uint8Array>()

/** The same bytes as its frame: for storage and evidence. */
export function encodeSigned(m: SignedMessage): Uint8Array {
  const known = framesOf.get(m)
  if (known !== undefined) return known
  const made = encodeWith(signed, m, LIMITS.frameBytes)
  framesOf.set(m, made)
  return made
}
export function decodeSigned(data: Uint8Array): Result<SignedMessage, DecodeError> {
  const read = decodeWith(signed, data, LIMITS.frameBytes)
  // what has been read has no other encoding than these bytes; a copy, because they may be a piece of something larger
  if (read.ok) framesOf.set(read.value, new Uint8Array(data))
  return read
}

/** What the signature of a statement covers. */
export const encodeStatement = (s: Statement): Uint8Array => encodeWith(statement, s, LIMITS.frameBytes)

export const encodeProposal = (p: Proposal): Uint8Array => encodeWith(proposalSchema, p, LIMITS.frameBytes)
export const decodeProposal = (data: Uint8Array): Result<Proposal, DecodeError> =>
  decodeWith(proposalSchema, data, LIMITS.frameBytes)

/** A member as the safety number covers it. */
export const encodeRosterEntry = (entry: RosterEntry): Uint8Array => encodeWith(rosterEntry, entry, LIMITS.frameBytes)

/** For storage and the wallet file; never sent whole. */
export const encodeWalletRecord = (r: WalletRecord): Uint8Array => encodeWith(walletRecord, r, LIMITS.recordBytes)
export const decodeWalletRecord = (data: Uint8Array): Result<WalletRecord, DecodeError> =>
  decodeWith(walletRecord, data, LIMITS.recordBytes)

/** The plain content of a sealed announcement, before the sender's peer-key signature. */
export const encodeAnnouncement = (a: Announcement): Uint8Array => encodeWith(announcement, a, LIMITS.announcementBytes)
export const decodeAnnouncement = (data: Uint8Array): Result<Announcement, DecodeError> =>
  decodeWith(announcement, data, LIMITS.announcementBytes)
