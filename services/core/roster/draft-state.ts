import type { Statement } from '../domain/statement'
import type { Hex } from '../domain/bytes'
import type { AccountKey, PeerId, WalletId } from '../domain/ids'
import type { RelayList, RosterEntry, WalletRecord } from '../domain/wallet'
import type { JoinMessage } from '../wire/messages'
import type { Invite } from './invite'
import type { RosterError } from './join'

/** States, events and effects of a wallet in the making; draft.ts says how they belong together. */

export interface Joiner {
  readonly entry: RosterEntry
  readonly admitted: boolean
}

/** What closing made; the relay list is there once its signature is. */
export interface MadeWallet {
  readonly roster: readonly RosterEntry[]
  readonly descriptor: string
  readonly walletId: WalletId
  readonly groupSecret: Hex
  /** unix seconds */
  readonly createdAt: number
  readonly relayList?: RelayList
}

export interface CreatorDraft {
  readonly role: 'creator'
  readonly invite: Invite
  readonly own: RosterEntry
  readonly phase: 'open' | 'sealing' | 'closed' | 'done'
  /** in order of arrival */
  readonly joiners: readonly Joiner[]
  /** peers that the creator removed */
  readonly removed: readonly PeerId[]
  readonly made?: MadeWallet
  /** members that have checked and stored the roster */
  readonly acknowledged: readonly AccountKey[]
  /** members that have left since, because their check failed or by choice */
  readonly left: readonly AccountKey[]
}

export type JoinEnd =
  | 'removed'
  | 'closed'
  | 'full'
  | 'unknown'
  | 'expired'
  | 'duplicate'
  | 'bad-proof'
  | 'left'
  /** the roster broke a rule: `fault` names it */
  | 'refused'

export interface JoinerDraft {
  readonly role: 'joiner'
  readonly invite: Invite
  readonly own: RosterEntry
  readonly phase: 'asking' | 'admitted' | 'done' | 'ended'
  /** the creator has answered at least once: until then the screen says that his browser is not there yet */
  readonly heard: boolean
  readonly seats: readonly string[]
  readonly walletId?: WalletId
  readonly end?: JoinEnd
  readonly fault?: RosterError
  /** the creator has sent a second, different roster for this draft */
  readonly contradicted: boolean
}

export type DraftState = CreatorDraft | JoinerDraft

/** Times are unix seconds by the own clock. */
export type DraftEvent =
  | { readonly type: 'message'; readonly from: PeerId; readonly message: JoinMessage; readonly now: number }
  /** a join stream to or from this peer is open and its hello is done */
  | { readonly type: 'connected'; readonly peerId: PeerId }
  | { readonly type: 'admit' | 'remove'; readonly accountKey: AccountKey }
  /** the creator says that everybody is here; 32 fresh random bytes hex */
  | { readonly type: 'close'; readonly groupSecret: Hex; readonly now: number }
  /** answer to the `sign` effect */
  | { readonly type: 'signed'; readonly signature: Hex }
  /** after a reload: effects that wait for an answer are given again */
  | { readonly type: 'resume' }
  | { readonly type: 'tick'; readonly now: number }
  /** a joiner gives up */
  | { readonly type: 'leave' }

export type DraftEffect =
  | { readonly type: 'store' }
  | { readonly type: 'send'; readonly to: PeerId; readonly message: JoinMessage }
  /** have the vault sign with the own account key; answer with `signed` */
  | { readonly type: 'sign'; readonly statement: Statement }
  /** store the record unless one with its id is there already, then go on to the safety number */
  | { readonly type: 'wallet'; readonly record: WalletRecord }

export interface Step<S extends DraftState = DraftState> {
  readonly state: S
  readonly effects: readonly DraftEffect[]
}
