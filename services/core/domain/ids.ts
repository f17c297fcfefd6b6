import type { Hex } from './bytes'

/** 32 bytes, hex: tagged hash of (genesis hash, canonical descriptor). */
export type WalletId = Hex
/** 32 bytes, hex: tagged hash over everything a proposal commits to. */
export type SessionId = Hex
/** 33 bytes, hex: compressed account public key of a member in one wallet. It names the member. */
export type AccountKey = Hex
/** 32 bytes, hex, in display (reversed) order. */
export type Txid = Hex
/** libp2p peer id in its usual text form ("12D3KooW..."). */
export type PeerId = string
/** Random id of one profile on this device, 16 bytes hex. Means nothing outside it. */
export type ProfileId = Hex
/** Position of a member in the roster, which is in the order of the 33-byte account keys. */
export type MemberIndex = number

/** Receive branch 0 or change branch 1 of `/<0;1>/*` (BIP389). */
export type Branch = 0 | 1

/** Where an output of a wallet stands below its descriptor: `/branch/index`. */
export interface ScriptPlace {
  readonly branch: Branch
  readonly index: number
}

/** `branch/index`, the key under which a place stands in maps. */
export const placeKey = (branch: Branch, index: number): string => `${branch}/${index}`

export interface OutPoint {
  readonly txid: Txid
  readonly vout: number
}

/** `txid:vout`, the key under which a coin is held in maps. */
export const outPointKey = (o: OutPoint): string => `${o.txid}:${o.vout}`
