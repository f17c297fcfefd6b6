/** The unlocked seed and what is derived from it. Lives from unlock to lock; `wipe` zeroes it. */
import { HDKey } from '@scure/bip32'
import { entropyToMnemonic, mnemonicToEntropy, mnemonicToSeed, validateMnemonic } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { PEER_KEY_PATH, fileKey, peerKeySeed } from '../../core/crypto/peer-key'
import type { WalletContext } from '../../core/crypto/wallet-context'
import { toHex } from '../../core/domain/bytes'
import { NETWORKS, type NetworkName } from '../../core/domain/network'
import type { AccountInfo, KeyOrigin } from '../../core/domain/wallet'

/**
 * Words as BIP39 compares them: NFKD, lower case, single spaces. Undefined unless 12 or 24 words with a right checksum.
 */
export function normaliseWords(text: string): string | undefined {
  const words = text.normalize('NFKD').toLowerCase().trim().split(/\s+/)
  const joined = words.join(' ')
  return (words.length === 12 || words.length === 24) && validateMnemonic(joined, wordlist) ? joined : undefined
}

/**
 * The words behind their 16 or 32 bytes of entropy, and back: bytes can be wiped, texts cannot. `words` must be
 * normalised.
 */
export const wordsOf = (entropy: Uint8Array): string => entropyToMnemonic(entropy, wordlist)
export const entropyOf = (words: string): Uint8Array => mnemonicToEntropy(words, wordlist)

/** A wallet with this member's place in it. */
export interface OwnWallet {
  readonly context: WalletContext
  readonly index: number
  /** 32 bytes; wiped with the rest */
  readonly secretKey: Uint8Array
}

/** An own account: BIP87 path below this seed. */
export interface Account {
  readonly info: AccountInfo
  readonly secretKey: Uint8Array
}

const HARDENED = 0x8000_0000

export class Keys {
  /** by network and descriptor; only wallets of ours get in, so their number is what this person has */
  readonly #wallets = new Map<string, OwnWallet>()
  readonly #root: HDKey
  readonly #fingerprint: string
  private constructor(private readonly seed: Uint8Array) {
    const { public: pub, private: priv } = NETWORKS.regtest.bip32
    this.#root = HDKey.fromMasterSeed(seed, { public: pub, private: priv })
    this.#fingerprint = this.#root.fingerprint.toString(16).padStart(8, '0')
  }

  static async fromEntropy(entropy: Uint8Array, passphrase: string): Promise<Keys> {
    return new Keys(await mnemonicToSeed(wordsOf(entropy), passphrase))
  }

  /** Ed25519 private key of the peer id: the one secret that may leave. */
  peerKey(): Uint8Array {
    const node = this.#derive(PEER_KEY_PATH)
    const secret = node.privateKey ?? new Uint8Array()
    const seed = peerKeySeed(secret)
    secret.fill(0)
    node.wipePrivateData()
    return seed
  }

  fileKey(): Uint8Array {
    return fileKey(this.seed)
  }

  /**
   * The account at m/87h/coinh/accounth; undefined for any other path, coin or master key: no other key of the seed
   * ever signs.
   */
  account(network: NetworkName, origin: KeyOrigin): Account | undefined {
    const [, coin, number] = /^87h\/(\d{1,10})h\/(0|[1-9]\d{0,9})h$/.exec(origin.path) ?? []
    if (
      coin !== String(NETWORKS[network].coinType) ||
      number === undefined ||
      Number(number) >= HARDENED ||
      origin.fingerprint !== this.#fingerprint
    )
      return undefined
    const node = this.#derive(`m/${origin.path}`)
    const { privateKey: secretKey, publicKey, publicExtendedKey: xpub } = node
    node.wipePrivateData()
    if (secretKey === null || publicKey === null) return undefined
    return {
      info: { accountKey: toHex(publicKey), origin: { fingerprint: origin.fingerprint, path: origin.path }, xpub },
      secretKey,
    }
  }

  /** The public half of the account with this number. */
  accountAt(network: NetworkName, number: number): AccountInfo {
    const account = this.account(network, {
      fingerprint: this.#fingerprint,
      path: `87h/${NETWORKS[network].coinType}h/${number}h`,
    })
    if (account === undefined) throw new RangeError('account number out of range')
    account.secretKey.fill(0)
    return account.info
  }

  /** True when key, extended key and origin are what this seed derives. */
  owns(network: NetworkName, account: AccountInfo): boolean {
    const own = this.account(network, account.origin)
    own?.secretKey.fill(0)
    return own !== undefined && own.info.accountKey === account.accountKey && own.info.xpub === account.xpub
  }

  /** The own entry of a wallet, found by re-deriving it; undefined when we are no member. */
  member(context: WalletContext): OwnWallet | undefined {
    const name = `${context.network.name} ${context.descriptor}`
    const known = this.#wallets.get(name)
    if (known !== undefined) return known
    for (const [index, member] of context.members.entries()) {
      const account = this.account(context.network.name, member.origin)
      if (account === undefined) continue
      if (account.info.accountKey === member.accountKey && account.info.xpub === member.xpub) {
        const own = { context, index, secretKey: account.secretKey }
        this.#wallets.set(name, own)
        return own
      }
      account.secretKey.fill(0)
    }
    return undefined
  }

  wipe(): void {
    for (const own of this.#wallets.values()) own.secretKey.fill(0)
    this.#wallets.clear()
    this.#root.wipePrivateData()
    this.seed.fill(0)
  }

  /** Hardened path only; nodes on the way are wiped. */
  #derive(path: string): HDKey {
    let node = this.#root
    for (const step of path.slice(2).split('/')) {
      const child = node.deriveChild(Number.parseInt(step, 10) + HARDENED)
      if (node !== this.#root) node.wipePrivateData()
      node = child
    }
    return node
  }
}
