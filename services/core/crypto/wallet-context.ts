/**
 * A Tandem wallet as its descriptor gives it: `tr(musig(KEY1,KEY2,...)/<0;1>/*)`, every KEY an extended public key with its
 * origin, in the order of the 33-byte keys (docs/protocol.md, "Keys"). Key aggregation and the two branches are computed once.
 */
import { compareBytes, equalBytes, toHex, utf8ToBytes, fromHex } from '../domain/bytes'
import type { Hex } from '../domain/bytes'
import type { AccountKey, Branch, WalletId } from '../domain/ids'
import { NETWORKS, type NetworkName, type NetworkParams } from '../domain/network'
import { err, ok, type Result } from '../domain/result'
import type { AccountInfo, KeyOrigin } from '../domain/wallet'
import { LIMITS } from '../wire/limits'
import { scriptToAddress } from './address'
import { childPublic, decodeExtendedKey, HARDENED, p2trScript, syntheticKey, tapTweak } from './bip328'
import { parseDescriptor, printDescriptor, type DescriptorError, type PartKey } from './descriptor'
import { applyTweaks, keyAgg, plainKey, xOnlyKey, type KeyAgg, type Tweak } from './musig2'
import { tagged, TAGS } from './tagged'

export interface WalletMember extends AccountInfo {
  /** 33 bytes */
  readonly publicKey: Uint8Array
}

/** One address of the wallet and what signers need for it. */
export interface WalletOutput {
  readonly script: Uint8Array
  readonly address: string
  /** [branch, index, taptweak], x-only flags [false, false, true] (BIP328) */
  readonly tweaks: readonly Tweak[]
  /** aggregation with the tweaks applied: its x-only key is the output key */
  readonly agg: KeyAgg
}

export interface WalletContext {
  readonly id: WalletId
  readonly network: NetworkParams
  readonly descriptor: string
  /** in roster order: that of the 33-byte keys */
  readonly members: readonly WalletMember[]
  /** untweaked */
  readonly agg: KeyAgg
  /** undefined for an index that is no unhardened number (or, with probability below 2^-127, has no child) */
  output(branch: Branch, index: number): WalletOutput | undefined
}

/** Addresses kept per wallet, about 1 kB each: those of all that one proposer may have undecided, at the limits, so that none pushes out another's. */
const CACHE_OUTPUTS = LIMITS.undecidedPerProposer * (LIMITS.inputs + LIMITS.outputs)

/**
 * Canonical descriptor of accounts in any order.
 * Errors: `bad-key` or `bad-origin` with the account's position in the list, `duplicate-key`, `wrong-network`, `key-count`.
 */
export function makeDescriptor(network: NetworkName, accounts: readonly AccountInfo[]): Result<string, DescriptorError> {
  const parts: PartKey[] = []
  for (const [position, account] of accounts.entries()) {
    const extended = decodeExtendedKey(account.xpub)
    if (extended === undefined || toHex(extended.publicKey) !== account.accountKey) return err({ code: 'bad-key', position })
    if (!isOrigin(account.origin)) return err({ code: 'bad-origin', position })
    parts.push({ kind: 'part', origin: account.origin, publicKey: extended.publicKey, extended, steps: [], position })
  }
  const sorted = parts.sort((a, b) => compareBytes(a.publicKey, b.publicKey))
  const text = printDescriptor({ kind: 'tr', key: { kind: 'musig', parts: sorted, steps: [[0, 1], '*'] } })
  const read = readWallet(network, text)
  return read.ok ? ok(text) : read
}

function isOrigin(origin: KeyOrigin): boolean {
  return /^[0-9a-f]{8}$/.test(origin.fingerprint) && origin.path.length <= LIMITS.pathBytes
    && /^\d{1,10}h(\/\d{1,10}h)*$/.test(origin.path) && origin.path.split('/').every(step => Number.parseInt(step, 10) < HARDENED)
}

/** Wallet id: commits to the chain and to the canonical descriptor. */
export function walletIdOf(genesis: Hex, descriptor: string): WalletId {
  return toHex(tagged(TAGS.walletId, fromHex(genesis), utf8ToBytes(descriptor)))
}

/** Opens a canonical descriptor; every other spelling is refused, so that one wallet has one id. Aggregates the keys. */
export function openWallet(network: NetworkName, descriptor: string): Result<WalletContext, DescriptorError> {
  const members = readWallet(network, descriptor)
  return members.ok ? ok(context(NETWORKS[network], descriptor, members.value)) : members
}

/** The members that a canonical descriptor names; no multiplication on the curve. */
function readWallet(networkName: NetworkName, descriptor: string): Result<readonly WalletMember[], DescriptorError> {
  const network = NETWORKS[networkName]
  const parsed = parseDescriptor(descriptor)
  if (!parsed.ok) return parsed
  const { kind, key, leaf } = parsed.value
  if (kind !== 'tr' || leaf !== undefined || key.kind !== 'musig') return err({ code: 'not-canonical', position: 0 })
  const [branches, wildcard, ...more] = key.steps
  if (typeof branches !== 'object' || branches.length !== 2 || branches[0] !== 0 || branches[1] !== 1 || wildcard !== '*' || more.length > 0) return err({ code: 'not-canonical', position: descriptor.lastIndexOf(')') })
  if (key.parts.length < 2 || key.parts.length > LIMITS.members) return err({ code: 'key-count', position: 0 })
  const seen = new Set<string>()
  const members: WalletMember[] = []
  for (const part of key.parts) {
    const { position, origin, extended, publicKey } = part
    if (extended === undefined || part.steps.length > 0) return err({ code: 'not-canonical', position })
    if (extended.version !== network.bip32.public) return err({ code: 'wrong-network', position })
    if (origin === undefined || !isOrigin(origin)) return err({ code: 'bad-origin', position })
    const x = toHex(publicKey.slice(1))
    if (seen.has(x)) return err({ code: 'duplicate-key', position })
    seen.add(x)
    members.push({ accountKey: toHex(publicKey), origin, xpub: descriptor.slice(position, position + 111), publicKey })
  }
  for (let i = 1; i < members.length; i++) {
    if (compareBytes(members[i - 1]?.publicKey ?? new Uint8Array(), members[i]?.publicKey ?? new Uint8Array()) > 0) return err({ code: 'not-canonical', position: key.parts[i]?.position ?? 0 })
  }
  if (printDescriptor(parsed.value) !== descriptor) return err({ code: 'not-canonical', position: 0 })
  return ok(members)
}

function context(network: NetworkParams, descriptor: string, members: readonly WalletMember[]): WalletContext {
  const agg = keyAgg(members.map(member => member.publicKey))
  const root = syntheticKey(plainKey(agg), network.bip32.public)
  const branches = [childPublic(root, 0), childPublic(root, 1)]
  const cache = new Map<string, WalletOutput>()

  const derive = (branch: Branch, index: number): WalletOutput | undefined => {
    const parent = branches[branch]
    const child = parent && childPublic(parent, index)
    if (parent === undefined || child === undefined) return undefined
    const tweaks = [parent.tweak, child.tweak, tapTweak(child.publicKey.slice(1))]
    const tweaked = applyTweaks(agg, tweaks)
    const script = p2trScript(xOnlyKey(tweaked))
    return { script, address: scriptToAddress(script, network) ?? '', tweaks, agg: tweaked }
  }

  return {
    id: walletIdOf(network.genesis, descriptor),
    network, descriptor, members, agg,
    output(branch, index) {
      const key = `${branch}/${index}`
      const known = cache.get(key)
      if (known !== undefined) return known
      const made = derive(branch, index)
      if (made !== undefined) {
        // the oldest goes: insertion order of a Map
        const oldest = cache.keys().next()
        if (cache.size >= CACHE_OUTPUTS && !oldest.done) cache.delete(oldest.value)
        cache.set(key, made)
      }
      return made
    },
  }
}

/** Position of an account key in the roster order; undefined when it is no member. */
export function memberIndexOf(wallet: WalletContext, key: AccountKey): number | undefined {
  const index = wallet.members.findIndex(member => member.accountKey === key)
  return index < 0 ? undefined : index
}

/** The wallet's output with exactly this script among the given places, if any. */
export function isOutputOf(wallet: WalletContext, script: Uint8Array, branch: Branch, index: number): boolean {
  const output = wallet.output(branch, index)
  return output !== undefined && equalBytes(output.script, script)
}
