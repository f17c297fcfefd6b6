/**
 * What of a wallet can be known without computing on the curve: its members, its canonical text, its id, and the output
 * scripts that have been derived elsewhere. Everything but signing needs no more, so it runs on the main thread;
 * `WalletContext` (wallet-context.ts) is the whole, in the worker.
 */
import { compareBytes, fromHex, toHex, utf8ToBytes } from '../domain/bytes'
import type { Hex } from '../domain/bytes'
import type { AccountKey, Branch, WalletId } from '../domain/ids'
import { NETWORKS, type NetworkName, type NetworkParams } from '../domain/network'
import { err, ok, type Result } from '../domain/result'
import type { AccountInfo, KeyOrigin } from '../domain/wallet'
import { LIMITS } from '../wire/limits'
import { printDescriptor, type DescriptorError, type PartKey } from './descriptor-text'
import { HARDENED, readExtendedKey } from './extended-key'
import { tagged, TAGS } from './tagged'

export interface WalletMember extends AccountInfo {
  /** 33 bytes */
  readonly publicKey: Uint8Array
}

/** One address of the wallet. */
export interface OutputScript {
  readonly script: Uint8Array
  readonly address: string
}

export interface PublicWallet {
  readonly id: WalletId
  readonly network: NetworkParams
  readonly descriptor: string
  /** in roster order: that of the 33-byte keys */
  readonly members: readonly WalletMember[]
  /** undefined for an index that is no unhardened number (or, with probability below 2^-127, has no child) */
  output(branch: Branch, index: number): OutputScript | undefined
}

/**
 * Outputs kept per wallet, about 1 kB each: those of all that one proposer may have undecided, at the limits, so that
 * none pushes out another's.
 */
export const OUTPUTS_KEPT = LIMITS.undecidedPerProposer * (LIMITS.inputs + LIMITS.outputs)

/**
 * Canonical descriptor of accounts in any order. It is not looked whether the keys are points: a join proof by the key
 * says so, and nothing is opened from a descriptor in which one is not.
 * Errors: `bad-key` or `bad-origin` with the account's position in the list, `duplicate-key`, `wrong-network`,
 * `key-count`.
 */
export function makeDescriptor(
  network: NetworkName,
  accounts: readonly AccountInfo[],
): Result<string, DescriptorError> {
  const parts: PartKey[] = []
  for (const [position, account] of accounts.entries()) {
    const extended = readExtendedKey(account.xpub)
    if (extended === undefined || toHex(extended.publicKey) !== account.accountKey)
      return err({ code: 'bad-key', position })
    if (!isOrigin(account.origin)) return err({ code: 'bad-origin', position })
    parts.push({ kind: 'part', origin: account.origin, publicKey: extended.publicKey, extended, steps: [], position })
  }
  const sorted = parts.sort((a, b) => compareBytes(a.publicKey, b.publicKey))
  const fault = keysFault(NETWORKS[network], sorted)
  return fault === undefined
    ? ok(printDescriptor({ kind: 'tr', key: { kind: 'musig', parts: sorted, steps: [[0, 1], '*'] } }))
    : err(fault)
}

function isOrigin(origin: KeyOrigin): boolean {
  return (
    /^[0-9a-f]{8}$/.test(origin.fingerprint) &&
    origin.path.length <= LIMITS.pathBytes &&
    /^\d{1,10}h(\/\d{1,10}h)*$/.test(origin.path) &&
    origin.path.split('/').every(step => Number.parseInt(step, 10) < HARDENED)
  )
}

/** The rules for the keys of a wallet: their number, kind, network and origin; no x-coordinate twice. */
export function keysFault(network: NetworkParams, parts: readonly PartKey[]): DescriptorError | undefined {
  if (parts.length < 2 || parts.length > LIMITS.members) return { code: 'key-count', position: 0 }
  const seen = new Set<string>()
  for (const { position, origin, extended, publicKey, steps } of parts) {
    if (extended === undefined || steps.length > 0) return { code: 'not-canonical', position }
    if (extended.version !== network.bip32.public) return { code: 'wrong-network', position }
    if (origin === undefined || !isOrigin(origin)) return { code: 'bad-origin', position }
    const x = toHex(publicKey.slice(1))
    if (seen.has(x)) return { code: 'duplicate-key', position }
    seen.add(x)
  }
  return undefined
}

/** Wallet id: commits to the chain and to the canonical descriptor. */
export function walletIdOf(genesis: Hex, descriptor: string): WalletId {
  return toHex(tagged(TAGS.walletId, fromHex(genesis), utf8ToBytes(descriptor)))
}

/** Position of an account key in the roster order; undefined when it is no member. */
export function memberIndexOf(wallet: Pick<PublicWallet, 'members'>, key: AccountKey): number | undefined {
  const index = wallet.members.findIndex(member => member.accountKey === key)
  return index < 0 ? undefined : index
}
