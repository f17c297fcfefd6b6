import type { Statement } from '../domain/statement'
import { isHex, toHex, type Hex } from '../domain/bytes'
import type { AccountKey, PeerId, WalletId } from '../domain/ids'
import { NETWORKS, type NetworkName } from '../domain/network'
import { err, ok, type Result } from '../domain/result'
import type { RelayList, RosterEntry } from '../domain/wallet'
import { readExtendedKey } from '../crypto/extended-key'
import { makeDescriptor, walletIdOf } from '../crypto/public-wallet'
import type { JoinMessage } from '../wire/messages'

/** A statement with the signature that claims to be its key's. */
export interface Claim {
  readonly statement: Statement
  readonly signature: Hex
}

/**
 * True when the signature is that of the key which the statement names: `verifySignedStatement`, or a table made by
 * `preverify`.
 */
export type Verify = (statement: Statement, signature: Hex) => boolean

/**
 * Curve work belongs in the worker, decisions in pure functions: the claims of a message are verified first, then the
 * synchronous step looks the answers up. A claim that was not in the list is false.
 */
export async function preverify(
  claims: readonly Claim[],
  verify: (statement: Statement, signature: Hex) => boolean | Promise<boolean>,
): Promise<Verify> {
  const good = new Set<string>()
  const name = (statement: Statement, signature: Hex): string => JSON.stringify([statement, signature])
  await Promise.all(
    claims.map(async c => {
      if (await verify(c.statement, c.signature)) good.add(name(c.statement, c.signature))
    }),
  )
  return (statement, signature) => good.has(name(statement, signature))
}

/**
 * What the join proof of an entry says (protocol.md, "Making a wallet"); also what a later entry with a new peer id
 * says.
 */
export function joinClaim(draftId: Hex, genesis: Hex, entry: RosterEntry): Claim {
  const { accountKey, origin, xpub, peerId, name, proofNumber, proof } = entry
  return {
    statement: {
      type: 'join',
      draftId,
      genesis,
      accountKey,
      origin: { fingerprint: origin.fingerprint, path: origin.path },
      xpub,
      peerId,
      name,
      proofNumber,
    },
    signature: proof,
  }
}

export function relaysClaim(walletId: WalletId, list: RelayList): Claim {
  return {
    statement: { type: 'relays', walletId, accountKey: list.by, number: list.number, relays: [...list.relays] },
    signature: list.signature,
  }
}

/**
 * An entry on its own: its extended key has the form of one, is of this network, and the one that the account key
 * names. That it is a point its join proof says.
 */
export function isSoundEntry(network: NetworkName, entry: RosterEntry): boolean {
  const key = readExtendedKey(entry.xpub)
  return (
    key !== undefined &&
    key.version === NETWORKS[network].bip32.public &&
    isHex(entry.accountKey, 33) &&
    toHex(key.publicKey) === entry.accountKey
  )
}

/** The 32 bytes by which two keys are the same for BIP340, whatever their parity. */
export const xOf = (key: AccountKey): Hex => key.slice(2)

export type RosterFault =
  /** of another draft, network, wallet name or size than the invite said */
  | 'draft'
  | 'network'
  | 'name'
  | 'count'
  | 'order'
  | 'duplicate-key'
  | 'duplicate-peer'
  | 'bad-entry'
  | 'bad-proof'
  /** my own entry is missing or was changed */
  | 'own-entry'
  /** nobody in it has the peer id and name of the invite */
  | 'creator'
  | 'relay-list'
export interface RosterError {
  readonly code: RosterFault
  /** position in the roster, when one entry is at fault */
  readonly index?: number
}

export interface CheckedRoster {
  readonly roster: readonly RosterEntry[]
  readonly descriptor: string
  readonly walletId: WalletId
}

type RosterMessage = Extract<JoinMessage, { readonly type: 'roster' }>

/** What the receiver knows from the invite and from itself. */
export interface RosterExpectation {
  readonly draftId: Hex
  readonly network: NetworkName
  readonly walletName: string
  readonly n: number
  readonly creatorPeerId: PeerId
  readonly creatorName: string
  readonly own: RosterEntry
}

/** Everything in a roster message that must be verified before `checkRoster`. */
export function rosterClaims(message: RosterMessage): Claim[] {
  const derived = makeDescriptor(message.network, message.roster)
  return [
    ...message.roster.map(entry => joinClaim(message.draftId, message.genesis, entry)),
    ...(derived.ok ? [relaysClaim(walletIdOf(message.genesis, derived.value), message.relayList)] : []),
  ]
}

/** Entries agree in every field. */
export const sameEntry = (a: RosterEntry, b: RosterEntry): boolean =>
  a.accountKey === b.accountKey &&
  a.xpub === b.xpub &&
  a.name === b.name &&
  a.peerId === b.peerId &&
  a.proofNumber === b.proofNumber &&
  a.proof === b.proof &&
  a.origin.fingerprint === b.origin.fingerprint &&
  a.origin.path === b.origin.path

/**
 * The rules that hold for every stored roster: entries sound, in strictly rising order of the keys, no x-coordinate and
 * no peer id twice, every proof good. Two members may have one name: `memberLabels` tells them apart.
 */
export function checkEntries(
  network: NetworkName,
  draftId: Hex,
  roster: readonly RosterEntry[],
  verify: Verify,
): Result<CheckedRoster, RosterError> {
  const { genesis } = NETWORKS[network]
  const keys = new Set<string>()
  const peers = new Set<string>()
  let last = ''
  for (const [index, entry] of roster.entries()) {
    if (keys.has(xOf(entry.accountKey))) return err({ code: 'duplicate-key', index })
    if (peers.has(entry.peerId)) return err({ code: 'duplicate-peer', index })
    if (entry.accountKey <= last) return err({ code: 'order', index })
    if (!isSoundEntry(network, entry)) return err({ code: 'bad-entry', index })
    const claim = joinClaim(draftId, genesis, entry)
    if (!verify(claim.statement, claim.signature)) return err({ code: 'bad-proof', index })
    keys.add(xOf(entry.accountKey))
    peers.add(entry.peerId)
    last = entry.accountKey
  }
  const descriptor = makeDescriptor(network, roster)
  if (!descriptor.ok) return err({ code: descriptor.error.code === 'key-count' ? 'count' : 'bad-entry' })
  return ok({ roster, descriptor: descriptor.value, walletId: walletIdOf(genesis, descriptor.value) })
}

/** A member's check of the creator's roster; the descriptor and the wallet id are derived here and come from nobody. */
export function checkRoster(
  message: RosterMessage,
  expected: RosterExpectation,
  verify: Verify,
): Result<CheckedRoster, RosterError> {
  if (message.draftId !== expected.draftId) return err({ code: 'draft' })
  if (message.network !== expected.network || message.genesis !== NETWORKS[expected.network].genesis)
    return err({ code: 'network' })
  if (message.name !== expected.walletName) return err({ code: 'name' })
  if (message.roster.length !== expected.n) return err({ code: 'count' })
  const checked = checkEntries(expected.network, expected.draftId, message.roster, verify)
  if (!checked.ok) return checked
  const own = message.roster.find(entry => entry.accountKey === expected.own.accountKey)
  if (own === undefined || !sameEntry(own, expected.own)) return err({ code: 'own-entry' })
  const creator = message.roster.find(entry => entry.peerId === expected.creatorPeerId)
  if (creator === undefined || creator.name !== expected.creatorName) return err({ code: 'creator' })
  const relays = relaysClaim(checked.value.walletId, message.relayList)
  if (
    message.relayList.number !== 1 ||
    message.relayList.by !== creator.accountKey ||
    !verify(relays.statement, relays.signature)
  )
    return err({ code: 'relay-list' })
  return checked
}

/**
 * Names as they are shown, by account key: who shares a name with an earlier entry is "Anna (2)". The same for every
 * member, by the order of the keys.
 */
export function memberLabels(
  roster: ReadonlyArray<Pick<RosterEntry, 'accountKey' | 'name'>>,
): ReadonlyMap<AccountKey, string> {
  const labels = new Map<AccountKey, string>()
  const taken = new Set<string>()
  for (const { accountKey, name } of roster) {
    let label = name
    for (let i = 2; taken.has(label); i++) label = `${name} (${i})`
    taken.add(label)
    labels.set(accountKey, label)
  }
  return labels
}
