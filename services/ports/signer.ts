import type { Hex } from '../core/domain/bytes'
import type { ScriptPlace, ProfileId, SessionId } from '../core/domain/ids'
import type { NetworkName } from '../core/domain/network'
import type { AttemptName, Proposal } from '../core/domain/proposal'
import type { Result } from '../core/domain/result'
import type { Accusation, Statement } from '../core/domain/statement'
import type { AccountInfo, KeyOrigin } from '../core/domain/wallet'
import type { SignBody, SignedMessage } from '../core/wire/messages'

export interface ProfileInfo {
  readonly id: ProfileId
  readonly name: string
  /** unix milliseconds */
  readonly createdAt: number
  /** false while the word check is put off (local chain only): the reminder stands */
  readonly wordsChecked: boolean
}

export interface UnlockedProfile extends ProfileInfo {
  /**
   * Ed25519 private key, 32 bytes: the one secret that leaves the vault (protocol.md, "Keys"). It authorises nothing
   * but a connection.
   */
  readonly peerKey: Uint8Array
}

export interface VaultError {
  readonly code:
    | 'wrong-password'
    | 'bad-words'
    | 'empty-name'
    | 'weak-password'
    | 'unknown-profile'
    /** the profile is unlocked in another tab of this browser: offer takeover */
    | 'open-elsewhere'
    | 'locked'
    | 'storage-failed'
    /** the profile was stored by a newer version of the app; nothing was changed */
    | 'newer-version'
    /** file is damaged, of another profile, or of a newer version */
    | 'bad-file'
}

export interface SignerError {
  readonly code:
    | 'locked'
    /** own key is not in the descriptor, or the descriptor is malformed */
    | 'not-a-member'
    /** proposal does not decode, or breaks a form rule (version, sequence, sighash, annex, locktime form) */
    | 'bad-proposal'
    /** no stored yes for this session and digest */
    | 'not-approved'
    /** handle unknown, consumed, expired or of an older attempt */
    | 'no-nonce'
    | 'bad-nonces'
    | 'expired'
    | 'attempt'
    /** the yes or the partials could not be stored, so nothing was released */
    | 'storage-failed'
  readonly detail: string
}

/** What the vault needs to know of a wallet: it derives everything else itself. `tip` bounds the locktime. */
export interface WalletKeys {
  readonly network: NetworkName
  /** canonical descriptor */
  readonly descriptor: string
}

/**
 * The vault: seed, account keys and secret nonces live behind it and never come out. The app's implementation runs in a
 * worker; tests may run the same code in-process. Every function is safe to call while locked and then answers
 * `locked`.
 */
export interface Signer {
  profiles(): Promise<ProfileInfo[]>
  createProfile(p: {
    name: string
    words: string
    passphrase?: string
    password: string
    wordsChecked: boolean
  }): Promise<Result<ProfileInfo, VaultError>>
  unlock(p: { profileId: ProfileId; password: string; takeover: boolean }): Promise<Result<UnlockedProfile, VaultError>>
  lock(): Promise<void>
  /** true and remembered when every given word (position from 0) is right */
  checkWords(words: ReadonlyArray<{ position: number; word: string }>): Promise<Result<boolean, VaultError>>
  /** the words again, for writing them down later: asked for by a person with the password */
  revealWords(password: string): Promise<Result<string, VaultError>>
  /** `locked` comes by user, by another tab's takeover, by lost leadership */
  onLocked(listener: (reason: 'user' | 'takeover') => void): () => void

  /** AES-256-GCM under the profile's storage key; `context` is bound as additional data */
  seal(context: string, plain: Uint8Array): Promise<Uint8Array>
  open(context: string, sealed: Uint8Array): Promise<Result<Uint8Array, VaultError>>
  /** wallet file body under a key derived from the seed, so that words + file restore a wallet anywhere */
  sealFile(plain: Uint8Array): Promise<Uint8Array>
  openFile(sealed: Uint8Array): Promise<Result<Uint8Array, VaultError>>

  /** a fresh random hardened account m/87'/coin'/account' */
  newAccount(network: NetworkName): Promise<AccountInfo>
  /** true when the account is this seed's: origin re-derived and compared */
  ownsAccount(network: NetworkName, account: AccountInfo): Promise<boolean>
  signStatement(network: NetworkName, origin: KeyOrigin, statement: Statement): Promise<Result<Hex, SignerError>>
  /** Session messages except yes votes, pubnonces and partials, which have calls of their own below. */
  signMessage(
    wallet: WalletKeys,
    session: SessionId,
    attempt: AttemptName | undefined,
    body: SignBody,
  ): Promise<Result<SignedMessage, SignerError>>

  /**
   * Recomputes digest and session id, stores the yes, signs it. Idempotent. A later `retract` makes it void for good.
   */
  approve(wallet: WalletKeys, proposal: Proposal): Promise<Result<SignedMessage, SignerError>>
  /** Forgets the stored yes (decline, withdrawal, end of session) and erases its nonces. */
  retract(session: SessionId): Promise<void>
  /**
   * Makes one nonce pair per input, bound to (session, digest, attempt). Needs the stored yes. Erases those of an older
   * attempt.
   */
  makeNonces(wallet: WalletKeys, proposal: Proposal, attempt: AttemptName): Promise<Result<SignedMessage, SignerError>>
  /** Consumes the nonces of this attempt, whatever comes of it. `nonces` is the hub's signed message. */
  makePartials(
    wallet: WalletKeys,
    proposal: Proposal,
    nonces: SignedMessage,
  ): Promise<Result<SignedMessage, SignerError>>
  /** Erases all nonces of a session (or of all sessions). */
  eraseNonces(session?: SessionId): Promise<void>
}

/**
 * Curve work without secrets: none of it is done on the main thread. It runs in the same worker, whether a profile is
 * unlocked or not.
 */
export interface Aggregator {
  /**
   * The members that a canonical descriptor names, in roster order. Aggregates their keys; `code` is that of
   * `DescriptorError`.
   */
  openWallet(wallet: WalletKeys): Promise<Result<readonly AccountInfo[], { readonly code: string }>>
  /** Output scripts in the order of `places`; undefined where there is none. */
  deriveScripts(wallet: WalletKeys, places: readonly ScriptPlace[]): Promise<ReadonlyArray<Uint8Array | undefined>>
  /** whether 32 bytes are the x-coordinate of a point: coins that are sent to any other taproot key are lost */
  isXCoordinate(key: Uint8Array): Promise<boolean>
  /** per input: aggregate of all members' pubnonces. Throws nothing: names the member whose nonce is no point. */
  aggregateNonces(
    wallet: WalletKeys,
    pubnonces: ReadonlyArray<readonly Uint8Array[]>,
  ): Promise<Result<Uint8Array[], { member: number; input: number }>>
  /**
   * per input final BIP340 signatures, each verified against the output key and sighash; on failure every partial is
   * checked to name who was wrong
   */
  aggregatePartials(
    wallet: WalletKeys,
    proposal: Proposal,
    pubnonces: ReadonlyArray<readonly Uint8Array[]>,
    partials: ReadonlyArray<readonly Uint8Array[]>,
  ): Promise<Result<Uint8Array[], { member?: number; input: number }>>
  /** the signed transaction when every signature is valid */
  finalize(
    wallet: WalletKeys,
    proposal: Proposal,
    signatures: readonly Uint8Array[],
  ): Promise<Result<Uint8Array, { input: number }>>
  /**
   * whether the evidence of an accusation proves it, whoever sent it (crypto/evidence.ts); what is not proven is false
   */
  checkEvidence(wallet: WalletKeys, proposal: Proposal, claim: Accusation): Promise<boolean>
  verifyMessage(message: SignedMessage): Promise<boolean>
  verifyStatement(statement: Statement, signature: Hex): Promise<boolean>
}
