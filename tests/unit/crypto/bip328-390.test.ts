import { sha256 } from '@noble/hashes/sha2.js'
import { describe, expect, it } from 'vitest'
import { bip390File, extractBip390 } from '../../../scripts/bip390-page'
import { decodeExtendedKey, syntheticKey } from '../../../services/core/crypto/bip328'
import { encodeExtendedKey } from '../../../services/core/crypto/extended-key'
import { descriptorScript, parseDescriptor } from '../../../services/core/crypto/descriptor'
import { keyAgg, plainKey } from '../../../services/core/crypto/musig2'
import { fromHex, toHex, utf8ToBytes } from '../../../services/core/domain/bytes'
import { noVectors, readVectors } from '../../support/vectors'

const XPUB_VERSION = 0x0488b21e

describe.skipIf(noVectors('bip328/vectors.json'))('BIP328 vectors', () => {
  it('gives the synthetic extended key of an aggregate', () => {
    const cases = readVectors<Array<{ aggregate_pubkey: string; keys: string[]; xpub: string }>>('bip328/vectors.json')
    for (const test of cases) {
      const aggregate = plainKey(keyAgg(test.keys.map(fromHex)))
      expect(toHex(aggregate)).toBe(test.aggregate_pubkey)
      expect(encodeExtendedKey(syntheticKey(aggregate, XPUB_VERSION))).toBe(test.xpub)
      expect(toHex(decodeExtendedKey(test.xpub)!.publicKey)).toBe(test.aggregate_pubkey)
    }
    expect(cases).toHaveLength(3)
  })
})

/** Valid descriptors of the official list that our subset does not take, with the reason. */
const OUTSIDE = new Map([['rawtr(musig(KwDi', 'holds a private key in WIF: no descriptor of ours ever does']])

describe.skipIf(noVectors('bip390/vectors.json'))('BIP390 vectors', () => {
  const file = (): {
    valid: Array<{ descriptor: string; scripts: string[] }>
    invalid: Array<{ descriptor: string }>
  } => readVectors('bip390/vectors.json')

  it('derives the scripts of the valid ones', () => {
    let outside = 0
    for (const { descriptor, scripts } of file().valid) {
      const parsed = parseDescriptor(descriptor)
      if ([...OUTSIDE.keys()].some(start => descriptor.startsWith(start))) {
        expect(parsed, descriptor).toMatchObject({ ok: false, error: { code: 'unsupported' } })
        outside++
        continue
      }
      if (!parsed.ok) throw new Error(`${parsed.error.code} at ${parsed.error.position}: ${descriptor}`)
      scripts.forEach((script, index) =>
        expect(toHex(descriptorScript(parsed.value, 0, index)!), descriptor).toBe(script),
      )
    }
    expect(outside).toBe(OUTSIDE.size)
    expect(file().valid).toHaveLength(6)
  })

  it('is what the script takes out of the page', () => {
    const { valid, invalid } = file()
    const page = [
      '==Specification==',
      '* <tt>musig()</tt>: <tt>no vector</tt>',
      '==Test Vectors==',
      '',
      ...valid.flatMap(test => [
        `* <tt>${test.descriptor}</tt>`,
        ...test.scripts.map(script => `** <tt>${script}</tt>`),
      ]),
      '',
      'Invalid descriptors',
      '',
      ...invalid.map(test => `* <tt>musig()</tt> is wrong in <tt>x()</tt>: <tt>${test.descriptor}</tt>`),
      '',
      '==Backwards Compatibility==',
      '* late: <tt>no vector</tt>',
    ].join('\n')
    const taken = extractBip390(page)
    expect(taken).toEqual({ valid, invalid: invalid.map(({ descriptor }) => ({ descriptor })) })
    expect(toHex(sha256(utf8ToBytes(bip390File(taken)))), 'the hash that scripts/vectors.ts pins').toBe(
      '856d7a6f2d2e7fc4db3701283d8c3758cbc496f0f30dd07f68a5e6501162ee37',
    )
  })

  it('refuses the invalid ones as misuse of musig()', () => {
    for (const { descriptor } of file().invalid) {
      expect(parseDescriptor(descriptor), descriptor).toMatchObject({ ok: false, error: { code: 'musig' } })
    }
    expect(file().invalid).toHaveLength(14)
  })
})
