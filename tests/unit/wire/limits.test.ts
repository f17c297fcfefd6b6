import { readFileSync } from 'node:fs'
import { decode, encode } from 'cborg'
import { describe, expect, it } from 'vitest'
import type { Label } from '../../../services/core/roster/file'
import { decodeWalletFile, encodeWalletFile, unwrapWalletFile } from '../../../services/core/roster/file'
import { decodeSession, encodeSession } from '../../../services/core/signing/runtime/store'
import { newSession } from '../../../services/core/signing/protocol/state'
import {
  decodeAnnouncement,
  decodeFrame,
  decodeWalletRecord,
  encodeAnnouncement,
  encodeFrame,
  encodeWalletRecord,
} from '../../../services/core/wire/codec'
import { LIMITS } from '../../../services/core/wire/limits'
import type { ProtocolName } from '../../../services/core/wire/messages'
import { accountKey, spendProposal } from '../../fakes/session-harness'
import { MAX, samples, USUAL } from './samples'

/** Which test fails when a bound is not kept: [file, words of its title]. Those of the wire are below. */
const KEPT_BY: { readonly [K in keyof typeof LIMITS]: readonly [file: string, words: string] | 'here' } = {
  frameBytes: ['tests/contract/transport.ts', 'refuses to send a frame over the limit'],
  inputs: 'here',
  outputs: 'here',
  txBytes: 'here',
  members: 'here',
  nameBytes: 'here',
  noteBytes: 'here',
  practiceBytes: 'here',
  relays: 'here',
  multiaddrBytes: 'here',
  xpubBytes: 'here',
  pathBytes: 'here',
  peerIdBytes: 'here',
  codeBytes: 'here',
  versions: 'here',
  evidenceItems: 'here',
  evidenceBytes: 'here',
  announcedAddresses: 'here',
  recordBytes: 'here',
  announcementBytes: 'here',
  labels: 'here',
  fileBytes: 'here',
  sessionBytes: 'here',
  attempts: ['tests/unit/signing/recovery.test.ts', 'never begins a 33rd attempt'],
  liveSessions: [
    'tests/unit/signing/between-sessions.test.ts',
    '16 live sessions per wallet, 4 undecided of one proposer',
  ],
  undecidedPerProposer: [
    'tests/unit/signing/between-sessions.test.ts',
    '16 live sessions per wallet, 4 undecided of one proposer',
  ],
  proposalsAtOnce: ['tests/protocol/hostile.test.ts', 'proposals that are taken back at once use up a pace'],
  proposalsPerMinute: ['tests/protocol/hostile.test.ts', 'after a pause one more is taken'],
  endedKept: [
    'tests/unit/signing/between-sessions.test.ts',
    'the last ones; what is live, or has something of mine out, stays',
  ],
  draftJoiners: ['tests/unit/roster/draft.test.ts', 'not more than 32 wait for a seat'],
  inviteChars: ['tests/unit/roster/invite.test.ts', 'one in a text that is longer than it can be is not looked for'],
  transcriptBytes: ['tests/unit/signing/transcript.test.ts', 'and not more than its bound, which it says'],
  streamsPerPeer: [
    'tests/contract/transport.ts',
    'holds at most LIMITS.streamsPerPeer streams of one peer and protocol',
  ],
  messagesPerSecond: ['tests/contract/transport.ts', 'resets a stream that carries more than LIMITS.messagesPerSecond'],
  sessionLifeS: ['tests/unit/spend/verify.test.ts', 'expiresAt: NOW + 604_800 + 601'],
  defaultExpiryS: ['tests/protocol/contract.test.ts', 'expires after a day'],
  noBeginBeforeExpiryS: ['tests/unit/signing/machine.test.ts', 'no attempt begins in the last five minutes'],
  autoRetries: ['tests/unit/signing/recovery.test.ts', 'tries five more times, then asks a person'],
  nonceLifeS: ['tests/unit/keyworker/approvals.test.ts', 'nonces end after 60 s'],
  hubTimeoutS: ['tests/unit/signing/recovery.test.ts', 'is replaced by the lowest connected member after 30 s'],
  locktimeAhead: ['tests/unit/spend/verify.test.ts', 'locktime: TIP + 4'],
  gapLimit: ['tests/unit/chain/sync.test.ts', 'exactly 20 unused scripts past the last used one'],
}

it('every bound has a test that keeps it', () => {
  for (const [limit, where] of Object.entries(KEPT_BY)) {
    if (where !== 'here') expect(readFileSync(where[0], 'utf8'), limit).toContain(where[1])
  }
})

type Node = unknown
const isMap = (node: Node): node is Record<string, Node> =>
  typeof node === 'object' && node !== null && !Array.isArray(node) && !(node instanceof Uint8Array)

/** A value that is one step past its bound: a character, a byte or an entry longer, or a number more. */
function oneMore(node: Node): Node {
  if (typeof node === 'string') return `${node}${node.slice(-1)}`
  if (typeof node === 'number') return node + 1
  if (node instanceof Uint8Array) return Uint8Array.from([...node, 0])
  return Array.isArray(node) ? [...node, node.at(-1)] : node
}

/** The message with one thing in it past its bound, for each thing; of a list its last entry stands for all. */
function* pastBounds(node: Node, path = ''): Generator<readonly [path: string, node: Node]> {
  if (isMap(node)) {
    for (const [key, inner] of Object.entries(node)) {
      // the name of the kind of message is no bound
      if (key === 't' || key === 'kind') continue
      for (const [where, changed] of pastBounds(inner, `${path}.${key}`)) yield [where, { ...node, [key]: changed }]
    }
    return
  }
  if (Array.isArray(node) && node.length > 0)
    for (const [where, changed] of pastBounds(node.at(-1), `${path}.*`)) yield [where, [...node.slice(0, -1), changed]]
  if (typeof node !== 'boolean') yield [path, oneMore(node)]
}

describe('a message at its bounds with any one thing past its own is refused', () => {
  const { join, wallet, signed, announcement, record } = samples(MAX)
  const frames = [
    ...Object.entries(join).map(([key, m]) => ['join', key, encodeFrame('join', m)] as const),
    ...Object.entries(wallet).map(([key, m]) => ['wallet', key, encodeFrame('wallet', m)] as const),
    ...Object.entries(signed).map(([key, m]) => ['sign', key, encodeFrame('sign', m)] as const),
  ]
  it.each(frames)('%s %s', (protocol: ProtocolName, _, frame) => {
    const wrong = [...pastBounds(decode(frame))].map(([path, changed]) => {
      const read = decodeFrame(protocol, encode(changed))
      return [path, read.ok ? 'taken' : read.error.code]
    })
    expect(wrong.length).toBeGreaterThan(0)
    expect(wrong.filter(([, code]) => code !== 'out-of-range' && code !== 'too-large')).toEqual([])
  })
  it('an announcement, and a stored record', () => {
    for (const [bytes, read] of [
      [encodeAnnouncement(announcement), decodeAnnouncement],
      [encodeWalletRecord(record), decodeWalletRecord],
    ] as const) {
      expect(read(bytes).ok).toBe(true)
      // a descriptor's bound is that of its record
      expect(
        [...pastBounds(decode(bytes))]
          .filter(([path, changed]) => path !== '.descriptor' && read(encode(changed)).ok)
          .map(([path]) => path),
      ).toEqual([])
    }
    for (const [read, most] of [
      [decodeAnnouncement, LIMITS.announcementBytes],
      [decodeWalletRecord, LIMITS.recordBytes],
    ] as const)
      expect(read(new Uint8Array(most + 1))).toEqual({ ok: false, error: { code: 'too-large', path: '' } })
  })
})

describe('what is kept', () => {
  it('a wallet file has at most 2 000 labels, and its text a bound before it is read', () => {
    const { record } = samples(USUAL)
    const labels = (count: number): Label[] => Array.from({ length: count }, (_, i) => ({ ref: `a${i}`, text: 'x' }))
    const file = encodeWalletFile(record, labels(LIMITS.labels))
    expect(decodeWalletFile(file).ok).toBe(true)
    expect(() => encodeWalletFile(record, labels(LIMITS.labels + 1))).toThrow(RangeError)
    const wire = decode(file) as { labels: unknown[] }
    expect(decodeWalletFile(encode({ ...wire, labels: [...wire.labels, { ref: 'b', text: 'x' }] }))).toEqual({
      ok: false,
      error: { code: 'damaged' },
    })
    expect(decodeWalletFile(new Uint8Array(LIMITS.fileBytes + 1))).toEqual({ ok: false, error: { code: 'damaged' } })
    expect(unwrapWalletFile(' '.repeat(LIMITS.fileBytes * 1.5 + 1))).toEqual({
      ok: false,
      error: { code: 'too-large' },
    })
  })

  it('a stored session that is longer than one can be is not read', () => {
    const stored = encodeSession(newSession(spendProposal(), [0, 1, 2].map(accountKey), accountKey(1)))
    expect(decodeSession(stored).ok).toBe(true)
    expect(decodeSession(new Uint8Array(LIMITS.sessionBytes + 1))).toEqual({
      ok: false,
      error: { code: 'too-large', path: '' },
    })
  })
})
