import { bech32, bech32m } from '@scure/base'
import { describe, expect, it } from 'vitest'
import { isXCoordinate } from '../../../services/core/crypto/bip328'
import { fromHex, toHex } from '../../../services/core/domain/bytes'
import { NETWORKS } from '../../../services/core/domain/network'
import { readRecipient } from '../../../services/core/spend/recipient'

/** generator point: an x-coordinate that exists */
const X = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'
/** from BIP340's vectors: below the field's order, and on no point */
const OFF = 'eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34'
const taproot = (key: Uint8Array): string => bech32m.encode('bcrt', [1, ...bech32.toWords(key)])

/** What comes of an address, and the keys that were asked about. */
async function read(address: string) {
  const asked: string[] = []
  const result = await readRecipient(address, NETWORKS.regtest, async key => {
    asked.push(toHex(key))
    return isXCoordinate(key)
  })
  return { outcome: result.ok ? toHex(result.value) : `${result.error.field} ${result.error.code}`, asked }
}

describe('a recipient', () => {
  it('is a taproot address whose key is a point', async () => {
    expect(await read(` ${taproot(fromHex(X))}\n`)).toEqual({ outcome: `5120${X}`, asked: [X] })
  })

  it('is refused when nobody could ever spend what is sent to it', async () => {
    for (const key of [new Uint8Array(32), new Uint8Array(32).fill(255), fromHex(OFF)]) {
      expect(await read(taproot(key)), toHex(key)).toEqual({
        outcome: 'recipient address-unsupported',
        asked: [toHex(key)],
      })
    }
  })

  it('of any other kind, or none at all, asks nothing of the curve', async () => {
    expect(await read(bech32.encode('bcrt', [0, ...bech32.toWords(new Uint8Array(20).fill(1))]))).toEqual({
      outcome: `0014${'01'.repeat(20)}`,
      asked: [],
    })
    for (const [text, code] of [
      ['', 'empty'],
      ['me', 'malformed'],
      [taproot(fromHex(X)).replace('bcrt', 'tb'), 'checksum'],
      [bech32m.encode('bcrt', [2, ...bech32.toWords(fromHex(X))]), 'unsupported'],
    ] as const) {
      expect(await read(text), text).toEqual({ outcome: `recipient address-${code}`, asked: [] })
    }
  })
})
