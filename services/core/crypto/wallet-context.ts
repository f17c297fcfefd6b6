/**
 * A Tandem wallet as its descriptor gives it: `tr(musig(KEY1,KEY2,...)/<0;1>/*)`, every KEY an extended public key with
 * its origin, in the order of the 33-byte keys (docs/protocol.md, "Keys"). Key aggregation and the two branches are
 * computed once.
 */
import { BoundedMap } from '../domain/bounded-map'
import { compareBytes, equalBytes, toHex } from '../domain/bytes'
import { placeKey, type Branch } from '../domain/ids'
import { NETWORKS, type NetworkName, type NetworkParams } from '../domain/network'
import { err, ok, type Result } from '../domain/result'
import { p2trScript, scriptToAddress } from './address'
import { childPublic, syntheticKey, tapTweak } from './bip328'
import { parseDescriptor } from './descriptor'
import { printDescriptor, type DescriptorError } from './descriptor-text'
import { applyTweaks, keyAgg, plainKey, xOnlyKey, type KeyAgg, type Tweak } from './musig2'
import {
  keysFault,
  OUTPUTS_KEPT,
  walletIdOf,
  type OutputScript,
  type PublicWallet,
  type WalletMember,
} from './public-wallet'

/** One address of the wallet and what signers need for it. */
export interface WalletOutput extends OutputScript {
  /** [branch, index, taptweak], x-only flags [false, false, true] (BIP328) */
  readonly tweaks: readonly Tweak[]
  /** aggregation with the tweaks applied: its x-only key is the output key */
  readonly agg: KeyAgg
}

/** A wallet with what is computed of its keys. */
export interface WalletContext extends PublicWallet {
  /** untweaked */
  readonly agg: KeyAgg
  output(branch: Branch, index: number): WalletOutput | undefined
}

/**
 * Opens a canonical descriptor; every other spelling is refused, so that one wallet has one id. Aggregates the keys.
 */
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
  if (
    typeof branches !== 'object' ||
    branches.length !== 2 ||
    branches[0] !== 0 ||
    branches[1] !== 1 ||
    wildcard !== '*' ||
    more.length > 0
  )
    return err({ code: 'not-canonical', position: descriptor.lastIndexOf(')') })
  const fault = keysFault(network, key.parts)
  if (fault !== undefined) return err(fault)
  const members = key.parts.flatMap(({ position, origin, publicKey }): WalletMember[] =>
    origin === undefined
      ? []
      : [{ accountKey: toHex(publicKey), origin, xpub: descriptor.slice(position, position + 111), publicKey }],
  )
  for (let i = 1; i < members.length; i++) {
    if (compareBytes(members[i - 1]?.publicKey ?? new Uint8Array(), members[i]?.publicKey ?? new Uint8Array()) > 0)
      return err({ code: 'not-canonical', position: key.parts[i]?.position ?? 0 })
  }
  if (printDescriptor(parsed.value) !== descriptor) return err({ code: 'not-canonical', position: 0 })
  return ok(members)
}

function context(network: NetworkParams, descriptor: string, members: readonly WalletMember[]): WalletContext {
  const agg = keyAgg(members.map(member => member.publicKey))
  const root = syntheticKey(plainKey(agg), network.bip32.public)
  const branches = [childPublic(root, 0), childPublic(root, 1)]
  const cache = new BoundedMap<string, WalletOutput>(OUTPUTS_KEPT)

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
    network,
    descriptor,
    members,
    agg,
    output(branch, index) {
      const key = placeKey(branch, index)
      const known = cache.get(key)
      if (known !== undefined) return known
      const made = derive(branch, index)
      if (made !== undefined) cache.set(key, made)
      return made
    },
  }
}

/** The wallet's output with exactly this script among the given places, if any. */
export function isOutputOf(wallet: WalletContext, script: Uint8Array, branch: Branch, index: number): boolean {
  const output = wallet.output(branch, index)
  return output !== undefined && equalBytes(output.script, script)
}
