/**
 * From a person's yes to partial signatures. Invariants:
 *  1. No nonce is made and nothing is signed without the stored yes for exactly this digest.
 *  2. A yes is stored before it is returned; a withdrawn one never becomes a yes again.
 *  3. One live attempt per session; an older name is refused, a newer one erases the older nonces.
 *  4. `nonces` of the hub is checked before the handle is touched; from there on the handle is gone whatever happens.
 * 5. Partials are stored with the hash of the `nonces` they answer before they are returned: the same `nonces` gets the
 * same
 *     bytes, a different one for that attempt gets nothing.
 * @see docs/protocol.md, "Attempts and nonces"
 */
import { messageHash, pubnoncesHash } from '../../core/crypto/message-hash'
import { signHash, verifySignedMessage } from '../../core/crypto/signature'
import { signingJob, type SigningJob } from '../../core/crypto/proposal-id'
import { concatBytes, equalBytes, fromHex, toHex } from '../../core/domain/bytes'
import type { SessionId } from '../../core/domain/ids'
import { sameAttempt, type AttemptName, type Proposal } from '../../core/domain/proposal'
import { err, ok, type Result } from '../../core/domain/result'
import { le, tagged, TAGS } from '../../core/crypto/tagged'
import type { WalletContext } from '../../core/crypto/wallet-context'
import { xOnlyKey } from '../../core/crypto/musig2'
import { LIMITS } from '../../core/wire/limits'
import type { SignBody, SignedMessage } from '../../core/wire/messages'
import type { SignerError, WalletKeys } from '../../ports/signer'
import { NEWER_VERSION } from '../../ports/storage'
import type { OwnWallet } from './keys'
import { NonceBook, type NonceHandle } from './nonce-book'
import type { Unlocked, VaultDeps } from './profiles'
import { openWith, sealWith } from './seal'
import { signWithHandle } from './signing'
import { decodeVote, encodeVote, isNewerVote, type VoteRecord } from './votes'

type Signed = Result<SignedMessage, SignerError>
const fail = (code: SignerError['code'], detail: string): { readonly ok: false; readonly error: SignerError } =>
  err({ code, detail })

/** The higher counter wins, a tie goes to the lower member index. */
const isNewer = (a: AttemptName, than: AttemptName): boolean =>
  a.counter > than.counter || (a.counter === than.counter && a.hub < than.hub)

/** What was sent for the live attempt of a session; public. */
interface Live {
  readonly attempt: AttemptName
  readonly message: SignedMessage
  readonly ownHash: Uint8Array
}

interface Entered {
  readonly open: Unlocked
  readonly own: OwnWallet
  readonly job: SigningJob
}

export class Approvals {
  readonly #book: NonceBook
  readonly #live = new Map<SessionId, Live>()
  /** withdrawn while the store could not write it: as void as if it had */
  readonly #void = new Set<SessionId>()
  #tail: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly deps: VaultDeps,
    private readonly opened: () => Unlocked | undefined,
    private readonly contextOf: (wallet: WalletKeys) => WalletContext | undefined,
  ) {
    this.#book = new NonceBook(deps.clock, LIMITS.nonceLifeS * 1000)
  }

  approve(wallet: WalletKeys, proposal: Proposal): Promise<Signed> {
    return this.#serial(async () => {
      const entered = this.#enter(wallet, proposal)
      if (!entered.ok) return entered
      const { open, own, job } = entered.value
      const stored = await this.#vote(open, job.sessionId)
      if (!stored.ok) return stored
      if (stored.value?.kind === 'void') return fail('not-approved', 'this yes was withdrawn')
      if (stored.value !== undefined) return ok(stored.value.vote)
      if (this.#expired(proposal)) return fail('expired', 'the proposal has expired')
      // a lock during the read has wiped the key
      if (this.opened() !== open) return fail('locked', '')
      const vote = this.sign(own, job.sessionId, undefined, { type: 'vote', digest: job.digest, choice: 'yes' })
      const saved = await this.#put(open, job.sessionId, { kind: 'yes', digest: job.digest, vote })
      return saved.ok ? ok(vote) : saved
    })
  }

  retract(session: SessionId): Promise<void> {
    this.eraseNonces(session)
    return this.#serial(async () => {
      this.eraseNonces(session)
      this.#live.delete(session)
      this.#void.add(session)
      const open = this.opened()
      if (open === undefined) return
      // where there was no yes there is nothing to take back, and a proposer who cancels again and again fills no store
      const stored = await this.#stored(open, session)
      const gone = stored.ok && stored.value === undefined
      if (gone || (await this.#put(open, session, { kind: 'void' })).ok) this.#void.delete(session)
    })
  }

  makeNonces(wallet: WalletKeys, proposal: Proposal, attempt: AttemptName): Promise<Signed> {
    return this.#serial(async () => {
      const entered = this.#enter(wallet, proposal)
      if (!entered.ok) return entered
      const { open, own, job } = entered.value
      const { sessionId: session, digest } = job
      if (!isAttempt(attempt, own.context)) return fail('attempt', 'no such attempt')
      const yes = await this.#yes(open, job)
      if (!yes.ok) return yes
      const { released } = yes.value
      if (released !== undefined && !isNewer(attempt, released.attempt))
        return fail('attempt', 'signed in this attempt or a later one')
      const handle: NonceHandle = { session, digest, attempt: { counter: attempt.counter, hub: attempt.hub } }
      const live = this.#live.get(session)
      if (live !== undefined && sameAttempt(live.attempt, attempt)) {
        return this.#book.has(handle) ? ok(live.message) : fail('attempt', 'the nonces of this attempt are gone')
      }
      if (live !== undefined && !isNewer(attempt, live.attempt)) return fail('attempt', 'an older attempt')
      if (this.opened() !== open) return fail('locked', '')
      const publicKey = own.context.members[own.index]?.publicKey ?? new Uint8Array()
      const pubnonces = this.#book.make(
        handle,
        job.inputs.map((input, i) => ({
          random: this.deps.entropy.bytes(32),
          publicKey,
          secretKey: own.secretKey,
          aggregateKey: xOnlyKey(input.agg),
          message: input.message,
          extra: nonceExtra(handle, i),
        })),
      )
      const message = this.sign(own, session, handle.attempt, { type: 'pubnonces', digest, pubnonces })
      this.#live.set(session, { attempt: handle.attempt, message, ownHash: pubnoncesHash(pubnonces) })
      return ok(message)
    })
  }

  makePartials(wallet: WalletKeys, proposal: Proposal, nonces: SignedMessage): Promise<Signed> {
    return this.#serial(async () => {
      const entered = this.#enter(wallet, proposal)
      if (!entered.ok) return entered
      const { open, own, job } = entered.value
      const yes = await this.#yes(open, job)
      if (!yes.ok) return yes
      const checked = checkNonces(own.context, job, nonces)
      if (!checked.ok) return checked
      const { attempt, aggregates, hashes, hash } = checked.value
      const { released, vote } = yes.value
      if (released !== undefined && sameAttempt(released.attempt, attempt)) {
        return released.noncesHash === toHex(hash)
          ? ok(released.message)
          : fail('bad-nonces', 'another nonces message was answered in this attempt')
      }
      const live = this.#live.get(job.sessionId)
      if (live === undefined || !sameAttempt(live.attempt, attempt))
        return fail(live === undefined ? 'no-nonce' : 'attempt', 'not the live attempt')
      if (!equalBytes(hashes[own.index] ?? new Uint8Array(), live.ownHash))
        return fail('bad-nonces', 'own pubnonces are not among them')
      if (this.#expired(proposal)) return fail('expired', 'the proposal has expired')
      if (this.opened() !== open) return fail('locked', '')
      const handle: NonceHandle = { session: job.sessionId, digest: job.digest, attempt }
      const partials = signWithHandle(
        this.#book,
        handle,
        job.inputs.map((input, i) => ({ ...input, aggnonce: aggregates[i] ?? new Uint8Array() })),
        own.secretKey,
      )
      if (!partials.ok) return partials
      const message = this.sign(own, job.sessionId, attempt, {
        type: 'partials',
        digest: job.digest,
        noncesHash: hash,
        partials: partials.value,
      })
      const saved = await this.#put(open, job.sessionId, {
        kind: 'yes',
        digest: job.digest,
        vote,
        released: { attempt, noncesHash: toHex(hash), message },
      })
      if (!saved.ok) return saved
      return this.opened() === open ? ok(message) : fail('locked', '')
    })
  }

  /** Erases at once, not in the queue: it must not wait for a signature in progress. */
  eraseNonces(session?: SessionId): void {
    this.#book.erase(session)
  }

  /** On lock: attempts are forgotten too; stored partials keep their order. */
  forget(): void {
    this.#book.erase()
    this.#live.clear()
  }

  /** A session message signed by the own account key of this wallet. */
  sign(own: OwnWallet, session: SessionId, attempt: AttemptName | undefined, body: SignBody): SignedMessage {
    const unsigned = {
      sender: own.context.members[own.index]?.accountKey ?? '',
      walletId: own.context.id,
      session,
      ...(attempt && { attempt }),
      body,
    }
    return { ...unsigned, signature: signHash(messageHash(unsigned), own.secretKey, this.deps.entropy.bytes(32)) }
  }

  #enter(wallet: WalletKeys, proposal: Proposal): Result<Entered, SignerError> {
    const open = this.opened()
    if (open === undefined) return fail('locked', '')
    const context = this.contextOf(wallet)
    const own = context && open.keys.member(context)
    if (own === undefined) return fail('not-a-member', 'own key is not in this descriptor')
    const job = signingJob(own.context, proposal)
    if (!job.ok) return fail('bad-proposal', job.error.rule)
    return ok({ open, own, job: job.value })
  }

  #expired(proposal: Proposal): boolean {
    return proposal.expiresAt * 1000 <= this.deps.clock.now()
  }

  async #yes(open: Unlocked, job: SigningJob): Promise<Result<Extract<VoteRecord, { kind: 'yes' }>, SignerError>> {
    const stored = await this.#vote(open, job.sessionId)
    if (!stored.ok) return stored
    return stored.value?.kind === 'yes' && stored.value.digest === job.digest
      ? ok(stored.value)
      : fail('not-approved', 'no stored yes for this session')
  }

  async #vote(open: Unlocked, session: SessionId): Promise<Result<VoteRecord | undefined, SignerError>> {
    return this.#void.has(session) ? ok({ kind: 'void' }) : this.#stored(open, session)
  }

  async #stored(open: Unlocked, session: SessionId): Promise<Result<VoteRecord | undefined, SignerError>> {
    try {
      const sealed = await this.deps.store.vote(open.record.id, session)
      if (sealed === undefined) return ok(undefined)
      const plain = await openWith(open.storageKey, votePurpose(open, session), sealed)
      if (plain !== undefined && isNewerVote(plain)) return fail('storage-failed', NEWER_VERSION)
      // one that cannot be read may have been a withdrawal, or have known of partials that are out: nothing is signed
      // under it
      return ok((plain && decodeVote(plain)) ?? { kind: 'void' })
    } catch {
      return fail('storage-failed', 'reading the stored yes')
    }
  }

  async #put(open: Unlocked, session: SessionId, record: VoteRecord): Promise<Result<void, SignerError>> {
    try {
      const sealed = await sealWith(
        open.storageKey,
        this.deps.entropy.bytes(12),
        votePurpose(open, session),
        encodeVote(record),
      )
      await this.deps.store.putVote(open.record.id, session, sealed)
      return ok(undefined)
    } catch {
      return fail('storage-failed', 'storing the yes')
    }
  }

  /** One after the other: a second call for the same attempt must see what the first one stored. */
  #serial<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#tail.then(work, work)
    this.#tail = run.catch(() => undefined)
    return run
  }
}

const votePurpose = (open: Unlocked, session: SessionId): string => `tandem/vote/1 ${open.record.id} ${session}`

/** Session, digest, attempt, hub and input, as BIP327's extra input. 32 bytes. */
function nonceExtra(handle: NonceHandle, input: number): Uint8Array {
  return tagged(
    TAGS.nonceExtra,
    concatBytes(
      fromHex(handle.session),
      fromHex(handle.digest),
      le(handle.attempt.counter, 4),
      le(handle.attempt.hub, 4),
      le(input, 4),
    ),
  )
}

function isAttempt(attempt: AttemptName, wallet: WalletContext): boolean {
  return (
    Number.isInteger(attempt.counter) &&
    attempt.counter >= 0 &&
    attempt.counter <= LIMITS.attempts &&
    wallet.members[attempt.hub] !== undefined
  )
}

interface CheckedNonces {
  readonly attempt: AttemptName
  readonly aggregates: readonly Uint8Array[]
  readonly hashes: readonly Uint8Array[]
  readonly hash: Uint8Array
}

/** Form and signature of the hub's message; nothing secret is touched yet. */
function checkNonces(
  wallet: WalletContext,
  job: SigningJob,
  message: SignedMessage,
): Result<CheckedNonces, SignerError> {
  const { body, attempt } = message
  if (
    body.type !== 'nonces' ||
    message.walletId !== wallet.id ||
    message.session !== job.sessionId ||
    body.digest !== job.digest
  )
    return fail('bad-nonces', 'for another session')
  if (attempt === undefined || !isAttempt(attempt, wallet)) return fail('bad-nonces', 'no attempt')
  if (message.sender !== wallet.members[attempt.hub]?.accountKey) return fail('bad-nonces', 'not by the hub')
  if (body.aggregates.length !== job.inputs.length || body.hashes.length !== wallet.members.length)
    return fail('bad-nonces', 'wrong number of entries')
  try {
    if (!verifySignedMessage(message)) return fail('bad-nonces', 'signature of the hub')
    return ok({ attempt, aggregates: body.aggregates, hashes: body.hashes, hash: messageHash(message) })
  } catch {
    // a message outside the wire's bounds has no encoding, so no signature either
    return fail('bad-nonces', 'not encodable')
  }
}
