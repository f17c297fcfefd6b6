/** Version 1 knows test networks only; mainnet is a later decision, not a flag. */
export const NETWORK_NAMES = ['regtest', 'signet', 'testnet4'] as const
export type NetworkName = (typeof NETWORK_NAMES)[number]

export interface NetworkParams {
  readonly name: NetworkName
  /** BIP173 human-readable part */
  readonly bech32: 'bcrt' | 'tb'
  /** BIP32 version bytes of extended public and private keys (tpub/tprv on every test network) */
  readonly bip32: { readonly public: number; readonly private: number }
  /** BIP44 coin type: 1 for all test networks (SLIP44) */
  readonly coinType: 1
  /** `regtest` is the local chain: test coins on demand, backups may be put off */
  readonly local: boolean
  /** hash of block 0, display order; tells signet from testnet4, which share the `tb1` prefix */
  readonly genesis: string
}

const TEST_BIP32 = { public: 0x043587cf, private: 0x04358394 } as const

export const NETWORKS: Readonly<Record<NetworkName, NetworkParams>> = {
  regtest: {
    name: 'regtest',
    bech32: 'bcrt',
    bip32: TEST_BIP32,
    coinType: 1,
    local: true,
    genesis: '0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206',
  },
  signet: {
    name: 'signet',
    bech32: 'tb',
    bip32: TEST_BIP32,
    coinType: 1,
    local: false,
    genesis: '00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6',
  },
  testnet4: {
    name: 'testnet4',
    bech32: 'tb',
    bip32: TEST_BIP32,
    coinType: 1,
    local: false,
    genesis: '00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043',
  },
}

export function isNetworkName(value: unknown): value is NetworkName {
  return typeof value === 'string' && (NETWORK_NAMES as readonly string[]).includes(value)
}
