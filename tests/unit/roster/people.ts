import { schnorr } from '@noble/curves/secp256k1.js'
import { HDKey } from '@scure/bip32'
import { base58 } from '@scure/base'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, fromHex, toHex, utf8ToBytes } from '../../../services/core/domain/bytes'
import { NETWORKS } from '../../../services/core/domain/network'
import type { RosterEntry, WalletRecord } from '../../../services/core/domain/wallet'
import { statementHash } from '../../../services/core/crypto/message-hash'
import { verifySignedStatement } from '../../../services/core/crypto/signature'
import type { Invite } from '../../../services/core/roster/invite'
import { checkEntries, relaysClaim } from '../../../services/core/roster/join'
import { buildRecord } from '../../../services/core/roster/wallet-record'
import type { Statement } from '../../../services/core/domain/statement'

/** People with real keys and signatures, the same in every run (auxiliary randomness is zero). */
export const NOW = 1_795_000_000
export const DRAFT = toHex(sha256(utf8ToBytes('draft')))
const GENESIS = NETWORKS.regtest.genesis

export const peerIdOf = (name: string): string =>
  base58.encode(concatBytes(Uint8Array.of(0, 0x24, 8, 1, 0x12, 0x20), sha256(utf8ToBytes(`peer ${name}`))))

export function person(name: string, options: { readonly shownAs?: string; readonly draftId?: string } = {}) {
  const root = HDKey.fromMasterSeed(sha256(utf8ToBytes(`seed of ${name}`)), NETWORKS.regtest.bip32)
  const path = `87h/1h/${sha256(utf8ToBytes(name))[0] ?? 0}h`
  const account = root.derive(`m/${path.replaceAll('h', "'")}`)
  const { privateKey, publicKey } = account
  if (privateKey === null || publicKey === null) throw new Error('no key')
  const accountKey = toHex(publicKey)
  const sign = (statement: Statement): string =>
    toHex(schnorr.sign(statementHash(statement), privateKey, new Uint8Array(32)))
  const entry = (
    change: Partial<Pick<RosterEntry, 'name' | 'peerId' | 'proofNumber' | 'accountKey'>> = {},
  ): RosterEntry => {
    const said = {
      accountKey,
      origin: { fingerprint: root.fingerprint.toString(16).padStart(8, '0'), path },
      xpub: account.publicExtendedKey,
      name: options.shownAs ?? name,
      peerId: peerIdOf(name),
      proofNumber: 1,
      ...change,
    }
    return { ...said, proof: sign({ type: 'join', draftId: options.draftId ?? DRAFT, genesis: GENESIS, ...said }) }
  }
  return { accountKey, peerId: peerIdOf(name), entry: entry(), entryWith: entry, sign }
}
export type Person = ReturnType<typeof person>

export const verify = verifySignedStatement
export const RELAY = `/dns4/relay.example/tcp/443/wss/p2p/${peerIdOf('relay')}`

export const inviteOf = (creator: Person, n: number, change: Partial<Invite> = {}): Invite => ({
  network: 'regtest',
  draftId: DRAFT,
  relays: [RELAY],
  creatorPeerId: creator.peerId,
  creatorName: creator.entry.name,
  secret: toHex(sha256(utf8ToBytes('secret')).slice(0, 16)),
  walletName: 'Holiday fund',
  n,
  expiresAt: NOW + 86_400,
  ...change,
})

export const GROUP = toHex(sha256(utf8ToBytes('group')))

export function relayListBy(creator: Person, walletId: string, number = 1, relays: readonly string[] = [RELAY]) {
  const list = { number, relays, by: creator.accountKey, signature: '' }
  return { ...list, signature: creator.sign(relaysClaim(walletId, list).statement) }
}

export const byKey = (entries: readonly RosterEntry[]): RosterEntry[] =>
  [...entries].sort((a, b) => (a.accountKey < b.accountKey ? -1 : 1))

export function recordOf(self: Person, members: readonly Person[]): WalletRecord {
  const checked = checkEntries('regtest', DRAFT, byKey(members.map(m => m.entry)), verify)
  if (!checked.ok) throw new Error(checked.error.code)
  const creator = members[0] ?? self
  return buildRecord({
    checked: checked.value,
    name: 'Holiday fund',
    network: 'regtest',
    draftId: DRAFT,
    groupSecret: GROUP,
    relayList: relayListBy(creator, checked.value.walletId),
    self: self.accountKey,
    now: NOW,
  })
}

export const flip = (hex: string): string => toHex(fromHex(hex).map((b, i) => (i === 0 ? b ^ 1 : b)))
