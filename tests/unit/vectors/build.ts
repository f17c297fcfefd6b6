import { fromHex, toHex } from '../../../services/core/domain/bytes'
import { messageHash, pubnoncesHash, statementHash } from '../../../services/core/crypto/message-hash'
import { nameProposal } from '../../../services/core/crypto/proposal-id'
import { spendCode } from '../../../services/core/crypto/spend-code'
import { serializeTx } from '../../../services/core/crypto/transaction'
import { openWallet } from '../../../services/core/crypto/wallet-context'
import type { Proposal } from '../../../services/core/domain/proposal'
import { encodeInvite } from '../../../services/core/roster/invite'
import { joinClaim, relaysClaim } from '../../../services/core/roster/join'
import { safetyHash, safetyNumber, safetyQr } from '../../../services/core/roster/safety'
import { confirmStatement, recordMessage } from '../../../services/core/roster/wallet-record'
import {
  encodeAnnouncement,
  encodeFrame,
  encodeProposal,
  encodeRosterEntry,
  encodeStatement,
  encodeUnsigned,
  encodeWalletRecord,
} from '../../../services/core/wire/codec'
import type { SignedMessage } from '../../../services/core/wire/messages'
import { samples, USUAL } from '../wire/samples'
import { inviteOf, person, recordOf } from '../roster/people'

/**
 * What stands in tests/vectors/tandem, made by the code itself once and fixed from then on: a difference is a change of
 * the protocol. Byte strings are {"bytes": hex}, satoshis {"sats": decimal}. Keys and signatures in messages.json are
 * of the right form only; in wallet.json they are real (people.ts: SHA-256 of "seed of <name>" is the BIP32 seed,
 * auxiliary randomness zero).
 */
export type Vectors = Readonly<Record<'messages' | 'wallet' | 'invite' | 'safety' | 'proposals', unknown>>

const plain = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? { sats: value.toString() } : value instanceof Uint8Array ? { bytes: toHex(value) } : value

/** The opposite, for tests that start from the file. */
export function revive(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const [key, ...more] = Object.keys(value)
  const inner: unknown = Object.values(value)[0]
  if (more.length > 0 || typeof inner !== 'string') return value
  return key === 'sats' ? BigInt(inner) : key === 'bytes' ? fromHex(inner) : value
}

export const toText = (value: unknown): string => `${JSON.stringify(value, plain, 1)}\n`

const [anna, bob, cem] = [person('Anna'), person('Bob'), person('Cem')]

function proposals() {
  const record = recordOf(anna, [anna, bob, cem])
  const wallet = openWallet('regtest', record.descriptor)
  if (!wallet.ok) throw new Error(wallet.error.code)
  const script = (branch: 0 | 1, index: number): Uint8Array =>
    wallet.value.output(branch, index)?.script ?? new Uint8Array()
  const common = {
    walletId: record.id,
    proposer: anna.accountKey,
    expiresAt: 1_795_086_400,
    note: 'Rent for June',
    salt: '5a'.repeat(32),
  }
  const input = (fill: string, vout: number) => ({
    txid: fill.repeat(32),
    vout,
    script: new Uint8Array(),
    sequence: 0xfffffffd,
    witness: [],
  })
  const tx = serializeTx({
    version: 2,
    locktime: 0,
    inputs: [input('0a', 0), input('0b', 1)],
    outputs: [
      { sats: 70_000n, script: fromHex(`0014${'77'.repeat(20)}`) },
      { sats: 29_500n, script: script(1, 4) },
    ],
  })
  const spend: Proposal = {
    kind: 'spend',
    ...common,
    tx,
    inputs: [
      { amountSats: 60_000n, branch: 0, index: 0 },
      { amountSats: 40_000n, branch: 1, index: 3 },
    ],
    ownOutputs: [{ vout: 1, branch: 1, index: 4 }],
  }
  const list: Array<[string, Proposal]> = [
    ['spend', spend],
    ['the same that replaces another', { ...spend, replaces: '0c'.repeat(32) }],
    ['the same with other salt', { ...spend, salt: '5b'.repeat(32) }],
    ['practice', { kind: 'practice', ...common, text: 'We can sign together' }],
  ]
  return list.map(([comment, proposal]) => {
    const named = nameProposal(wallet.value, proposal)
    if (!named.ok) throw new Error(`${comment}: ${named.error.rule}`)
    const { digest, sessionId } = named.value
    return {
      comment,
      descriptor: record.descriptor,
      proposal,
      encoded: toHex(encodeProposal(proposal)),
      digest,
      sessionId,
      spendCode: spendCode(digest),
    }
  })
}

export function buildVectors(): Vectors {
  const s = samples(USUAL)
  const record = recordOf(anna, [anna, bob, cem])
  const join = joinClaim(record.draftId, record.genesis, bob.entry).statement
  const relays = relaysClaim(record.id, record.relayList).statement
  const confirm = confirmStatement(record, bob.accountKey)
  const hash = safetyHash(record)
  const invite = inviteOf(anna, 3)
  return {
    messages: {
      join: Object.entries(s.join).map(([comment, message]) => ({
        comment,
        message,
        frame: toHex(encodeFrame('join', message)),
      })),
      wallet: Object.entries(s.wallet).map(([comment, message]) => ({
        comment,
        message,
        frame: toHex(encodeFrame('wallet', message)),
      })),
      sign: [
        { comment: 'hello', message: s.hello, frame: toHex(encodeFrame('sign', s.hello)) },
        ...Object.entries(s.signed).map(([comment, message]) => signed(comment, message)),
      ],
      announcement: { announcement: s.announcement, encoded: toHex(encodeAnnouncement(s.announcement)) },
      pubnoncesHash: {
        pubnonces: [new Uint8Array(66).fill(2), new Uint8Array(66).fill(3)],
        hash: toHex(pubnoncesHash([new Uint8Array(66).fill(2), new Uint8Array(66).fill(3)])),
      },
    },
    wallet: {
      record,
      encoded: toHex(encodeWalletRecord(record)),
      message: toHex(encodeFrame('wallet', recordMessage(record))),
      statements: [
        [join, bob],
        [relays, anna],
        [confirm, bob],
      ].map(([statement, by]) => {
        const [said, who] = [statement as typeof join, by as typeof bob]
        return {
          statement: said,
          encoded: toHex(encodeStatement(said)),
          hash: toHex(statementHash(said)),
          signature: who.sign(said),
        }
      }),
    },
    invite: { invite, payload: encodeInvite(invite) },
    safety: {
      network: record.network,
      descriptor: record.descriptor,
      entries: record.roster.map(entry => toHex(encodeRosterEntry(entry))),
      hash,
      number: safetyNumber(hash).join(' '),
      qr: safetyQr(hash),
    },
    proposals: proposals(),
  }
}

const signed = (comment: string, message: SignedMessage) => ({
  comment,
  message,
  unsigned: toHex(encodeUnsigned(message)),
  hash: toHex(messageHash(message)),
  frame: toHex(encodeFrame('sign', message)),
})
