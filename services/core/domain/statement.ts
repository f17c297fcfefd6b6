import type { Hex } from './bytes'
import type { AccountKey, MemberIndex, SessionId } from './ids'
import type { AttemptName } from './proposal'
import type { KeyOrigin } from './wallet'

/**
 * Things that an account key signs beside session messages. The tagged hash is made in the vault from these fields
 * only.
 */
export type Statement =
  | {
      readonly type: 'join'
      readonly draftId: Hex
      readonly genesis: Hex
      readonly accountKey: AccountKey
      readonly origin: KeyOrigin
      readonly xpub: string
      readonly peerId: string
      readonly name: string
      readonly proofNumber: number
    }
  | {
      readonly type: 'confirm'
      readonly walletId: Hex
      readonly accountKey: AccountKey
      /** 32 bytes hex, the full safety hash */ readonly safetyHash: Hex
    }
  | {
      readonly type: 'relays'
      readonly walletId: Hex
      readonly accountKey: AccountKey
      readonly number: number
      readonly relays: readonly string[]
    }
  /** the last hash of a session's transcript, over `count` entries (core/signing/runtime/transcript.ts) */
  | {
      readonly type: 'transcript'
      readonly walletId: Hex
      readonly accountKey: AccountKey
      readonly session: SessionId
      /** 32 bytes hex */ readonly head: Hex
      readonly count: number
      readonly complete: boolean
    }

/** A `fail` as it came in, with the attempt that it ended. `evidence`: encoded signed messages. */
export interface Accusation {
  readonly attempt: AttemptName
  readonly culprit: MemberIndex
  readonly input?: number
  readonly evidence: readonly Uint8Array[]
}
