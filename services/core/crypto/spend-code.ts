import { wordlist } from '@scure/bip39/wordlists/english.js'
import { fromHex, type Hex } from '../domain/bytes'

/**
 * Six words from the first 66 bits of the digest (BIP39 English list, 11 bits each, most significant first): the same on every
 * screen that shows the same transaction. In a file of its own because the word list is 13 kB of JavaScript: import it lazily.
 */
export function spendCode(digest: Hex): string[] {
  let bits = 0n
  for (const byte of fromHex(digest).subarray(0, 9)) bits = (bits << 8n) | BigInt(byte)
  // 9 bytes are 72 bits: the last 6 are not used
  bits >>= 6n
  return Array.from({ length: 6 }, (_, i) => wordlist[Number((bits >> BigInt(11 * (5 - i))) & 0x7ffn)] ?? '')
}
