/**
 * BIP380 descriptor checksum: a BCH code over the descriptor's characters, 8 characters after `#`.
 * @see https://github.com/bitcoin/bips/blob/master/bip-0380.mediawiki#checksum
 */
const INPUT_CHARSET =
  '0123456789()[],\'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#"\\ '
const CHECKSUM_CHARSET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const GENERATOR = [0xf5dee51989n, 0xa9fdca3312n, 0x1bab10e32dn, 0x3706b1677an, 0x644d626ffdn]

function polymod(check: bigint, value: number): bigint {
  const top = check >> 35n
  let next = ((check & 0x7ffffffffn) << 5n) ^ BigInt(value)
  GENERATOR.forEach((generator, i) => {
    if ((top >> BigInt(i)) & 1n) next ^= generator
  })
  return next
}

/** The 8 checksum characters of a descriptor without `#`; undefined when it has a character outside BIP380's set. */
export function descriptorChecksum(text: string): string | undefined {
  let check = 1n
  let group = 0
  let count = 0
  for (const char of text) {
    const position = INPUT_CHARSET.indexOf(char)
    if (position < 0) return undefined
    check = polymod(check, position & 31)
    group = group * 3 + (position >> 5)
    if (++count === 3) {
      check = polymod(check, group)
      group = 0
      count = 0
    }
  }
  if (count > 0) check = polymod(check, group)
  for (let i = 0; i < 8; i++) check = polymod(check, 0)
  check ^= 1n
  let out = ''
  for (let i = 0; i < 8; i++) out += CHECKSUM_CHARSET.charAt(Number((check >> BigInt(5 * (7 - i))) & 31n))
  return out
}
