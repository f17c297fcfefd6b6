import { equalBytes } from '../../domain/bytes'
import type { AccountKey, MemberIndex, SessionId, Txid } from '../../domain/ids'
import type { AttemptName, Proposal } from '../../domain/proposal'
import { err, ok, type Result } from '../../domain/result'
import { rawTxid } from '../../domain/txid'
import { finalize } from '../../crypto/aggregate'
import { contradict, messageHash, pubnoncesHash } from '../../crypto/message-hash'
import { verifySignedMessage, verifySignedStatement } from '../../crypto/signature'
import { musigSession, partialVerify } from '../../crypto/musig2'
import { nameProposal, signingJob, type SigningJob } from '../../crypto/proposal-id'
import { openWallet, type WalletContext } from '../../crypto/wallet-context'
import { decodeSigned } from '../../wire/codec'
import type { SignBody, SignedMessage } from '../../wire/messages'
import { isBody, type SignedOf } from '../protocol/state'
import { decodeTranscript, transcriptStatement, type Transcript } from './transcript'

/** One thing that was said. */
export interface Said {
  /** unix milliseconds by the exporter's clock */
  readonly at: number
  readonly member: MemberIndex
  readonly type: SignBody['type']
  readonly attempt?: AttemptName
  /** what of it a reader wants to know: the choice of a vote, the code of a failure */
  readonly detail?: string
}

/** What the signed messages alone prove, whoever exported them. */
export type Finding =
  /** two different contributions of one kind for one attempt: no honest program says both */
  | {
      readonly kind: 'said-two-things'
      readonly member: MemberIndex
      readonly type: SignBody['type']
      readonly attempt: AttemptName
    }
  /** a partial signature that does not verify against the nonces that it names and the member's own */
  | {
      readonly kind: 'wrong-partial'
      readonly member: MemberIndex
      readonly input: number
      readonly attempt: AttemptName
    }
  /** a `nonces` of the hub that does not hold what the member sent */
  | {
      readonly kind: 'left-out'
      readonly hub: MemberIndex
      readonly member: MemberIndex
      readonly attempt: AttemptName
    }
  /** signatures that are not valid for what was proposed */
  | { readonly kind: 'wrong-final'; readonly member: MemberIndex }
  /** everybody's signature is there: the payment is complete */
  | { readonly kind: 'complete'; readonly txid?: Txid }

export interface TranscriptReport {
  readonly session: SessionId
  readonly members: readonly AccountKey[]
  readonly exporter: MemberIndex
  readonly complete: boolean
  readonly proposal?: Proposal
  readonly said: readonly Said[]
  readonly findings: readonly Finding[]
}

export interface TranscriptFault {
  readonly code:
    /** not a transcript, or of a newer version */
    | 'unreadable'
    /** the descriptor is no wallet of this network */
    | 'wallet'
    | 'exporter'
    /** the signature over the chain: something was changed, moved or taken out */
    | 'chain'
    /** an entry that is no message of this session by a member, or does not carry its sender's signature */
    | 'entry'
    | 'order'
  /** of the entry, from 0 */
  readonly entry?: number
}

/** Checks an exported transcript with nothing but itself. Linear in its entries; total. */
export function verifyTranscript(bytes: Uint8Array): Result<TranscriptReport, TranscriptFault> {
  const read = decodeTranscript(bytes)
  if (!read.ok) return err({ code: 'unreadable' })
  const t = read.value
  const opened = openWallet(t.network, t.descriptor)
  if (!opened.ok) return err({ code: 'wallet' })
  const wallet = opened.value
  const members = wallet.members.map(m => m.accountKey)
  const exporter = members.indexOf(t.exporter)
  if (exporter < 0) return err({ code: 'exporter' })
  if (!verifySignedStatement(transcriptStatement(wallet.id, t), t.signature)) return err({ code: 'chain' })
  const messages = readEntries(t, wallet, members)
  if (!messages.ok) return messages
  const said = messages.value.map(({ at, message }): Said => {
    const detail = detailOf(message.body)
    return {
      at,
      member: members.indexOf(message.sender),
      type: message.body.type,
      ...(message.attempt ? { attempt: message.attempt } : {}),
      ...(detail === undefined ? {} : { detail }),
    }
  })
  const proposal = messages.value.map(m => m.message).find(m => isBody(m, 'propose'))
  return ok({
    session: t.session,
    members,
    exporter,
    complete: t.complete,
    said,
    findings: findings(
      wallet,
      members,
      messages.value.map(m => m.message),
      proposal,
    ),
    ...(proposal === undefined ? {} : { proposal: proposal.body.proposal }),
  })
}

interface Read {
  readonly at: number
  readonly message: SignedMessage
}

function readEntries(
  t: Transcript,
  wallet: WalletContext,
  members: readonly AccountKey[],
): Result<readonly Read[], TranscriptFault> {
  const out: Read[] = []
  for (const [entry, { at, message: bytes }] of t.entries.entries()) {
    const message = decodeSigned(bytes)
    if (!message.ok) return err({ code: 'entry', entry })
    const { session, walletId, sender, body } = message.value
    if (
      session !== t.session ||
      walletId !== wallet.id ||
      !members.includes(sender) ||
      !verifySignedMessage(message.value)
    )
      return err({ code: 'entry', entry })
    if (body.type === 'propose') {
      const named = nameProposal(wallet, body.proposal)
      if (!named.ok || named.value.sessionId !== session || body.proposal.proposer !== sender)
        return err({ code: 'entry', entry })
    }
    if (at < (out.at(-1)?.at ?? 0)) return err({ code: 'order', entry })
    out.push({ at, message: message.value })
  }
  return ok(out)
}

function detailOf(body: SignBody): string | undefined {
  switch (body.type) {
    case 'vote':
      return body.choice
    case 'fail':
      return body.code
    case 'cancel':
      return body.reason
    default:
      return undefined
  }
}

const attemptKey = (m: SignedMessage): string => `${m.attempt?.counter} ${m.attempt?.hub}`

function findings(
  wallet: WalletContext,
  members: readonly AccountKey[],
  messages: readonly SignedMessage[],
  propose: SignedOf<'propose'> | undefined,
): Finding[] {
  const out: Finding[] = []
  const first = new Map<string, SignedMessage>()
  /** by attempt and member; a disk that was set back has made others for the same attempt */
  const pubnonces = new Map<string, Array<SignedOf<'pubnonces'>>>()
  for (const message of messages) {
    const { attempt, body } = message
    if (attempt === undefined) continue
    const by = `${attemptKey(message)} ${message.sender}`
    if (isBody(message, 'pubnonces')) pubnonces.set(by, [...(pubnonces.get(by) ?? []), message])
    if (body.type !== 'nonces' && body.type !== 'partials') continue
    const key = `${by} ${body.type}`
    const before = first.get(key)
    if (before === undefined) first.set(key, message)
    else if (contradict(before, message))
      out.push({ kind: 'said-two-things', member: members.indexOf(message.sender), type: body.type, attempt })
  }
  const job = propose && signingJob(wallet, propose.body.proposal)
  if (propose === undefined || job?.ok !== true) return out
  const noncesOf = (message: SignedMessage, hub: AccountKey | undefined): SignedOf<'nonces'> | undefined => {
    const found = first.get(`${attemptKey(message)} ${hub} nonces`)
    return found && isBody(found, 'nonces') ? found : undefined
  }
  const pubnoncesOf = (message: SignedMessage, sender: AccountKey | undefined) =>
    pubnonces.get(`${attemptKey(message)} ${sender}`) ?? []
  const isHashOf = (hash: Uint8Array) => (m: SignedOf<'pubnonces'>) => equalBytes(hash, pubnoncesHash(m.body.pubnonces))
  let complete = false
  for (const message of messages) {
    const member = members.indexOf(message.sender)
    const { attempt } = message
    if (isBody(message, 'nonces') && attempt) {
      for (const [m, hash] of message.body.hashes.entries()) {
        const own = pubnoncesOf(message, members[m])
        if (own.length > 0 && !own.some(isHashOf(hash))) out.push({ kind: 'left-out', hub: member, member: m, attempt })
      }
    }
    if (isBody(message, 'partials') && attempt) {
      const nonces = noncesOf(message, members[attempt.hub])
      const input = wrongInput(
        job.value,
        member,
        message,
        nonces,
        pubnoncesOf(message, message.sender).find(isHashOf(nonces?.body.hashes[member] ?? new Uint8Array())),
      )
      if (input !== undefined) out.push({ kind: 'wrong-partial', member, input, attempt })
    }
    if (isBody(message, 'final')) {
      const made = finalize(wallet, propose.body.proposal, message.body.signatures)
      if (!made.ok) out.push({ kind: 'wrong-final', member })
      else if (!complete) {
        complete = true
        const txid = propose.body.proposal.kind === 'spend' ? rawTxid(made.value) : undefined
        out.push({ kind: 'complete', ...(txid === undefined ? {} : { txid }) })
      }
    }
  }
  return out
}

/** The first input whose partial signature is provably wrong; undefined when all are right, or nothing can be said. */
function wrongInput(
  job: SigningJob,
  member: MemberIndex,
  partials: SignedOf<'partials'>,
  nonces: SignedOf<'nonces'> | undefined,
  pubnonces: SignedOf<'pubnonces'> | undefined,
): number | undefined {
  if (!nonces || !pubnonces || !equalBytes(partials.body.noncesHash, messageHash(nonces))) return undefined
  const wrong = job.inputs.findIndex((input, i) => {
    const [aggregate, partial, own] = [
      nonces.body.aggregates[i],
      partials.body.partials[i],
      pubnonces.body.pubnonces[i],
    ]
    // what the hub did not say is not this member's fault
    if (!aggregate) return false
    if (!partial || !own) return true
    try {
      return !partialVerify(musigSession(input.agg, aggregate, input.message), member, partial, own)
    } catch {
      // an aggregate or nonce that is no point is not this member's partial signature
      return false
    }
  })
  return wrong < 0 ? undefined : wrong
}
