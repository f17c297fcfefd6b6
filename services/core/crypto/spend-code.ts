import { wordlist } from '@scure/bip39/wordlists/english.js'
import { fromHex, type Hex } from '../domain/bytes'

/**
 * Six words from the first 66 bits of the digest (BIP39 English list, 11 bits each, most significant first): the same
 * on every screen that shows the same transaction. In a file of its own because the word list is 13 kB of JavaScript:
 * import it lazily.
 */
export function spendCode(digest: Hex): string[] {
  const bytes = fromHex(digest.slice(0, 18))
  return Array.from({ length: 6 }, (_, i) => {
    // 11 bits lie in three bytes; those after the ninth are not asked for
    const first = (11 * i) >> 3
    const window = ((bytes[first] ?? 0) << 16) | ((bytes[first + 1] ?? 0) << 8) | (bytes[first + 2] ?? 0)
    return wordlist[(window >> (13 - ((11 * i) & 7))) & 0x7ff] ?? ''
  })
}
