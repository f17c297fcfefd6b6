import { describe, expect, it } from 'vitest'
import { signHash, verifySignature } from '../../../services/core/crypto/signature'
import { individualPubkey } from '../../../services/core/crypto/musig2'
import { fromHex, toHex } from '../../../services/core/domain/bytes'
import { noVectors, readVectorText } from '../../support/vectors'

describe.skipIf(noVectors('bip340/test-vectors.csv'))('BIP340 vectors through the core', () => {
  it('signs and verifies every line', () => {
    const lines = readVectorText('bip340/test-vectors.csv').trim().split(/\r?\n/).slice(1)
    expect(lines.length).toBeGreaterThanOrEqual(19)
    for (const line of lines) {
      const [index, secret, key, aux, message, signature, result, comment] = line.split(',') as [
        string,
        string,
        string,
        string,
        string,
        string,
        string,
        string,
      ]
      if (secret !== '') {
        expect(toHex(individualPubkey(fromHex(secret)).slice(1)), index).toBe(key.toLowerCase())
        expect(toHex(signHash(fromHex(message), fromHex(secret), fromHex(aux))), index).toBe(signature.toLowerCase())
      }
      expect(verifySignature(fromHex(signature), fromHex(message), fromHex(key)), `${index} ${comment}`).toBe(
        result === 'TRUE',
      )
    }
  })
})
