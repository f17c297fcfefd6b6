import * as btc from '@scure/btc-signer'
import { bech32, bech32m } from '@scure/base'
import { describe, expect, it } from 'vitest'
import { addressToScript, scriptToAddress } from '../../../services/core/crypto/address'
import { fromHex, toHex } from '../../../services/core/domain/bytes'
import { NETWORKS } from '../../../services/core/domain/network'

const { regtest, signet } = NETWORKS
const code = (text: string, network = regtest): string => {
  const result = addressToScript(text, network)
  return result.ok ? toHex(result.value) : result.error.code
}
/** generator point: an x-coordinate that exists */
const X = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'
const h20 = '11'.repeat(20)
const scripts = [`0014${h20}`, `0020${'22'.repeat(32)}`, `5120${X}`, `76a914${h20}88ac`, `a914${h20}87`]

describe('addresses', () => {
  it('every standard kind goes to its script and back, and agrees with another library', () => {
    for (const network of [regtest, signet]) {
      const other = { bech32: network.bech32, pubKeyHash: 0x6f, scriptHash: 0xc4, wif: 0xef }
      for (const script of scripts) {
        const address = scriptToAddress(fromHex(script), network)!
        expect(address).toBe(btc.Address(other).encode(btc.OutScript.decode(fromHex(script))))
        expect(code(address, network)).toBe(script)
        expect(code(` ${address}\n`, network)).toBe(script)
      }
    }
    const segwit = scriptToAddress(fromHex(scripts[2]!), regtest)!
    expect(code(segwit.toUpperCase())).toBe(scripts[2])
  })

  it('has no address for other scripts', () => {
    for (const script of ['', '51', '6a', `0015${h20}00`, `76a914${h20}88ad`, `5121${X}00`, `a914${h20}88`])
      expect(scriptToAddress(fromHex(script), regtest), script).toBeUndefined()
  })

  it('says what is wrong', () => {
    const good = scriptToAddress(fromHex(scripts[2]!), regtest)!
    expect(code('')).toBe('empty')
    expect(code('   ')).toBe('empty')
    expect(code('hello')).toBe('malformed')
    expect(code('x'.repeat(500))).toBe('malformed')
    expect(code(`bitcoin:${good}`)).toBe('malformed')
    expect(code(`${good.slice(0, -1)}${good.endsWith('q') ? 'p' : 'q'}`)).toBe('checksum')
    expect(code(good.slice(0, 12) + good.slice(12).toUpperCase()), 'mixed case').toBe('checksum')
    expect(code(scriptToAddress(fromHex(scripts[2]!), signet)!)).toBe('wrong-network')
    expect(
      code('bc1p2wsldez5mud2yam29q22wgfh9439spgduvct83k3pm50fcxa5dps59h4z5'),
      "mainnet, from BIP341's vectors",
    ).toBe('wrong-network')
    expect(code('1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2')).toBe('wrong-network')
    expect(code('3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy')).toBe('wrong-network')
    expect(code('1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3')).toBe('checksum')
  })

  it('witness versions use their own checksum, and what nobody owns is refused', () => {
    const program = (bytes: number): number[] => bech32.toWords(new Uint8Array(bytes).fill(3))
    expect(code(bech32m.encode('bcrt', [0, ...program(20)])), 'v0 with bech32m').toBe('checksum')
    expect(code(bech32.encode('bcrt', [1, ...bech32.toWords(fromHex(X))])), 'v1 with bech32').toBe('checksum')
    expect(code(bech32.encode('bcrt', [0, ...program(21)]))).toBe('malformed')
    expect(code(bech32m.encode('bcrt', [1, ...program(41)]))).toBe('malformed')
    expect(code(bech32m.encode('bcrt', [17, ...program(32)]))).toBe('malformed')
    expect(code(bech32m.encode('bcrt', [1, ...bech32.toWords(fromHex('4e73'))])), 'pay to anchor').toBe('unsupported')
    expect(code(bech32m.encode('bcrt', [2, ...program(32)]))).toBe('unsupported')
  })
})
