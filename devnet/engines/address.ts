/** Addresses of regtest, the only network of the local chain. */
import { Address, OutScript } from '@scure/btc-signer'
import { scriptKind } from './script'

/** Address prefixes of regtest, in the form that @scure/btc-signer takes. */
export const REGTEST_ADDRESSES = { bech32: 'bcrt', pubKeyHash: 0x6f, scriptHash: 0xc4, wif: 0xef } as const

/** Address of an output script on regtest, if it has one. */
export function scriptAddress(script: Uint8Array): string | undefined {
  const kind = scriptKind(script)
  // A bare key has no address of its own; the library would make one up.
  if (!['p2pkh', 'p2sh', 'v0_p2wpkh', 'v0_p2wsh', 'v1_p2tr'].includes(kind)) return undefined
  try {
    return Address(REGTEST_ADDRESSES).encode(OutScript.decode(script))
  } catch {
    return undefined
  }
}

/** Output script of a regtest address; undefined for anything else. */
export function addressScript(address: string): Uint8Array | undefined {
  try {
    return OutScript.encode(Address(REGTEST_ADDRESSES).decode(address))
  } catch {
    return undefined
  }
}
