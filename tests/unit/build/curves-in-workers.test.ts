import { describe, expect, it } from 'vitest'
import { curvesInWorkers } from '../../../scripts/curves-in-workers'
import { secp256k1 } from '../../../services/adapters/libp2p/internals/no-secp256k1'

const CURVE = '@noble/curves/secp256k1.js'
const plugin = curvesInWorkers()
const chunk = (fileName: string, ...moduleIds: string[]) => ({ [fileName]: { fileName, moduleIds } })

describe('the build keeps secp256k1 off the main thread', () => {
  it('fails when a chunk of the page has it, and names both', () => {
    const good = {
      ...chunk('a.js', '/app/services/wallets.ts', '/app/node_modules/@noble/curves/ed25519.js'),
      'style.css': { fileName: 'style.css' },
    }
    expect(() => plugin.generateBundle({}, good)).not.toThrow()
    for (const id of [`/app/node_modules/${CURVE}`, `C:\\app\\node_modules\\${CURVE.replaceAll('/', '\\')}`]) {
      expect(() => plugin.generateBundle({}, { ...good, ...chunk('b.js', id) })).toThrow(/b\.js.*secp256k1/)
    }
  })

  it('gives libp2p, and only libp2p, a curve without points', () => {
    expect(plugin.resolveId(CURVE, '/app/node_modules/@libp2p/crypto/dist/src/keys/secp256k1/utils.js')).toMatch(
      /no-secp256k1\.ts$/,
    )
    for (const importer of [
      '/app/services/core/crypto/bip328.ts',
      '/app/node_modules/@scure/bip32/index.js',
      undefined,
    ])
      expect(plugin.resolveId(CURVE, importer)).toBeUndefined()
    expect(
      plugin.resolveId('@noble/curves/ed25519.js', '/app/node_modules/@libp2p/crypto/dist/src/keys/ed25519/index.js'),
    ).toBeUndefined()
    expect(() => secp256k1.Point.fromBytes()).toThrow(/not supported/)
  })
})
