import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyTweaks, keyAgg, keySort, xOnlyKey } from '../../../services/core/crypto/musig2'
import { childPublic, decodeExtendedKey, tapTweak } from '../../../services/core/crypto/bip328'
import { descriptorChecksum } from '../../../services/core/crypto/checksum'
import { descriptorScript, parseDescriptor } from '../../../services/core/crypto/descriptor'
import { printDescriptor } from '../../../services/core/crypto/descriptor-text'
import { encodeExtendedKey } from '../../../services/core/crypto/extended-key'
import { makeDescriptor, memberIndexOf } from '../../../services/core/crypto/public-wallet'
import { isOutputOf, openWallet } from '../../../services/core/crypto/wallet-context'
import { Keys, entropyOf } from '../../../services/adapters/keyworker/keys'
import { fromHex, toHex } from '../../../services/core/domain/bytes'
import type { AccountInfo } from '../../../services/core/domain/wallet'
import { TEST_WORDS } from '../../fakes/vault'
import { bounded, mutatedText } from '../../support/fuzz'
import { LONG_LIMIT, times } from '../../support/long'
import { must } from '../../support/signing'

const accounts = await Promise.all(
  [0, 1, 2].map(async i => (await Keys.fromEntropy(entropyOf(TEST_WORDS[i]!), '')).accountAt('regtest', 7 + i)),
)
const descriptor = must(makeDescriptor('regtest', accounts))
const [one, two] = accounts as [AccountInfo, AccountInfo, AccountInfo]
const checked = (body: string): string => `${body}#${descriptorChecksum(body)}`
const body = descriptor.split('#')[0]!
const failing = (text: string) => {
  const result = openWallet('regtest', text)
  return result.ok ? 'ok' : result.error.code
}

describe('wallet descriptor', () => {
  it('has one text, whatever the order of the accounts, and it parses back', () => {
    expect(must(makeDescriptor('regtest', [...accounts].reverse()))).toBe(descriptor)
    expect(descriptor).toMatch(/^tr\(musig\(\[[0-9a-f]{8}\/87h\/1h\/\d+h\]tpub\w+,.*\)\/<0;1>\/\*\)#[a-z0-9]{8}$/)
    expect(printDescriptor(must(parseDescriptor(descriptor)))).toBe(descriptor)
    const wallet = must(openWallet('regtest', descriptor))
    const keys = wallet.members.map(member => member.accountKey)
    expect(keys).toEqual([...keys].sort())
    expect(wallet.members.map(({ accountKey, origin, xpub }) => ({ accountKey, origin, xpub }))).toEqual(
      keys.map(key => accounts.find(a => a.accountKey === key)),
    )
    expect(memberIndexOf(wallet, keys[2]!)).toBe(2)
    expect(memberIndexOf(wallet, '02')).toBeUndefined()
  })

  it("checksum of BIP380's own example", () => {
    expect(descriptorChecksum('raw(deadbeef)')).toBe('89f8spxm')
    expect(descriptorChecksum('raw(Ü)')).toBeUndefined()
  })

  it('any changed character is refused', () => {
    for (let i = 0; i < descriptor.length; i += 5) {
      const changed = `${descriptor.slice(0, i)}${descriptor[i] === 'x' ? 'y' : 'x'}${descriptor.slice(i + 1)}`
      expect(openWallet('regtest', changed).ok, changed).toBe(false)
    }
  })

  it('every other spelling of the same wallet is refused, so that it has one id', () => {
    expect(failing(body), 'no checksum').toBe('not-canonical')
    expect(failing(checked(body.replaceAll('h/', "'/"))), 'apostrophes').toBe('not-canonical')
    const [, first, second] = /^tr\(musig\(([^,]+),([^,]+),/.exec(body)!
    expect(failing(checked(body.replace(`${first},${second}`, `${second},${first}`))), 'order').toBe('not-canonical')
    const upper = body.replaceAll(/\[[0-9a-f]{8}/g, origin => origin.toUpperCase())
    expect(upper).not.toBe(body)
    expect(failing(checked(upper)), 'upper-case fingerprints').toBe('not-canonical')
    expect(failing(checked(body.replace('/<0;1>/*', '/<1;0>/*')))).toBe('not-canonical')
    expect(failing(checked(body.replace('/<0;1>/*', '/0/*')))).toBe('not-canonical')
    expect(failing(checked(body.replace('tr(', 'rawtr(')))).toBe('not-canonical')
    expect(
      failing(
        checked(
          body.replace(
            /\/<0;1>\/\*\)$/,
            `/<0;1>/*,pk(02${'79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'}))`,
          ),
        ),
      ),
    ).toBe('not-canonical')
  })

  it('keys: duplicates by x-coordinate, other networks, counts, wrong origin', () => {
    expect(makeDescriptor('regtest', [one])).toMatchObject({ ok: false, error: { code: 'key-count' } })
    expect(makeDescriptor('regtest', [one, one])).toMatchObject({ ok: false, error: { code: 'duplicate-key' } })
    const key = decodeExtendedKey(one.xpub)!
    const negated = {
      ...key,
      publicKey: Uint8Array.from([key.publicKey[0]! ^ 1, ...key.publicKey.slice(1)]),
      chainCode: new Uint8Array(32),
    }
    const twin: AccountInfo = {
      accountKey: toHex(negated.publicKey),
      xpub: encodeExtendedKey(negated),
      origin: two.origin,
    }
    expect(makeDescriptor('regtest', [one, twin]), 'same x, other sign and chain code').toMatchObject({
      ok: false,
      error: { code: 'duplicate-key' },
    })
    const main: AccountInfo = { ...one, xpub: encodeExtendedKey({ ...key, version: 0x0488b21e }) }
    expect(makeDescriptor('regtest', [main, two])).toMatchObject({ ok: false, error: { code: 'wrong-network' } })
    expect(makeDescriptor('regtest', [{ ...one, accountKey: two.accountKey }, two])).toMatchObject({
      ok: false,
      error: { code: 'bad-key', position: 0 },
    })
    expect(makeDescriptor('regtest', [one, { ...two, xpub: 'tpub' }])).toMatchObject({
      ok: false,
      error: { code: 'bad-key', position: 1 },
    })
    for (const path of ['', '87h/1h/7', 'm/87h', '87h/1h/2147483648h', '87h//7h']) {
      expect(makeDescriptor('regtest', [{ ...one, origin: { ...one.origin, path } }, two]), path).toMatchObject({
        ok: false,
        error: { code: 'bad-origin', position: 0 },
      })
    }
  })

  it('parser: positions and codes', () => {
    const code = (text: string) => {
      const parsed = parseDescriptor(text)
      return parsed.ok ? 'ok' : [parsed.error.code, parsed.error.position]
    }
    expect(code('')).toEqual(['syntax', 0])
    expect(code('tr')).toEqual(['syntax', 2])
    expect(code('tr()')).toEqual(['bad-key', 3])
    expect(code(`tr(02${'ff'.repeat(32)})`)).toEqual(['bad-key', 3])
    expect(code(`tr(${one.xpub}`)).toEqual(['syntax', 3 + one.xpub.length])
    expect(code(`tr(${one.xpub}))`)).toEqual(['syntax', 4 + one.xpub.length])
    expect(code(`tr(${one.xpub}/0h)`)).toEqual(['unsupported', 3 + one.xpub.length + 1])
    expect(code(`tr(${one.xpub}/*/0)`)).toEqual(['bad-path', 3 + one.xpub.length + 3])
    expect(code(`tr(${one.xpub}/<0;0>)`)).toMatchObject(['bad-path', expect.any(Number)])
    expect(code(`tr(${one.xpub}/01)`)).toMatchObject(['bad-path', expect.any(Number)])
    expect(code(`tr([1234567]${one.xpub})`)).toEqual(['bad-origin', 4])
    expect(code('wpkh(02)')).toEqual(['unsupported', 0])
    expect(code('tr(musig(musig(02)))')).toMatchObject([expect.stringMatching(/bad-key|syntax/), expect.any(Number)])
    expect(code(`tr(${one.xpub},{pk(02),pk(02)})`)).toEqual(['unsupported', 4 + one.xpub.length])
    expect(code(`${body}#aaaaaaaa`)).toEqual(['checksum', body.length + 1])
    expect(code('x'.repeat(30_000))).toEqual(['syntax', 24_576])
  })
})

describe('reading a descriptor is total', LONG_LIMIT, () => {
  const key = '02'.padEnd(66, '7')
  const samples = [
    body,
    `tr(${one.xpub}/0/<1;2>/*)`,
    `rawtr([01234567/86'/0h]${key})`,
    `tr(${key},pk(musig(${one.xpub},${two.xpub})/<0;1>/*))`,
  ]
  const words = fc.constantFrom(
    'tr(',
    'rawtr(',
    'musig(',
    'pk(',
    ')',
    ',',
    '/',
    '*',
    '<0;1>',
    '<',
    ';',
    '>',
    '#',
    '[',
    ']',
    'h',
    "'",
    '0',
    '2147483647',
    '2147483648',
    '01234567',
    one.xpub,
    key,
    key.slice(2),
    'xprv9s21Z',
    '{',
    '\u00e9',
  )

  /** What is read has one printed form, which reads back the same; a wallet is opened from its one spelling only. */
  function holds(text: string): void {
    const parsed = bounded(() => parseDescriptor(text))
    if (parsed.ok) {
      const printed = printDescriptor(parsed.value)
      const again = parseDescriptor(printed)
      if (!again.ok || printDescriptor(again.value) !== printed) throw new Error(`${printed} does not read back`)
    } else if (!(parsed.error.position >= 0 && parsed.error.position <= text.length))
      throw new Error(JSON.stringify(parsed.error))
    const opened = bounded(() => openWallet('regtest', text))
    if (opened.ok && opened.value.descriptor !== text) throw new Error('opened from another spelling')
  }

  it('any text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 100 }),
          fc.array(words, { maxLength: 20 }).map(list => list.join('')),
        ),
        holds,
      ),
      { numRuns: times(500, 20_000) },
    )
  })

  it('a descriptor with characters changed, without and with a right checksum', () => {
    fc.assert(
      fc.property(mutatedText(samples), fc.boolean(), (text, sum) =>
        holds(sum ? `${text}#${descriptorChecksum(text) ?? ''}` : text),
      ),
      { numRuns: times(500, 40_000) },
    )
  })
})

describe('addresses of a wallet', () => {
  const wallet = must(openWallet('regtest', descriptor))

  it('two ways lead to the same script: descriptor derivation and tweaks', () => {
    const parsed = must(parseDescriptor(descriptor))
    for (const [branch, index] of [
      [0, 0],
      [1, 0],
      [0, 19],
      [1, 1000],
      [0, 2 ** 31 - 1],
    ] as const) {
      const output = wallet.output(branch, index)!
      expect(toHex(output.script)).toBe(toHex(descriptorScript(parsed, branch, index)!))
      expect(output.tweaks.map(tweak => tweak.xOnly)).toEqual([false, false, true])
      const again = applyTweaks(keyAgg(keySort(wallet.members.map(m => m.publicKey))), output.tweaks)
      expect(`5120${toHex(xOnlyKey(again))}`).toBe(toHex(output.script))
      expect(isOutputOf(wallet, output.script, branch, index)).toBe(true)
      expect(isOutputOf(wallet, output.script, branch === 0 ? 1 : 0, index)).toBe(false)
      expect(output.address).toMatch(/^bcrt1p/)
    }
    for (const index of [-1, 0.5, 2 ** 31, Number.NaN]) expect(wallet.output(0, index)).toBeUndefined()
  })

  it('keeps what it has derived, within bounds', () => {
    const fresh = must(openWallet('regtest', descriptor))
    const first = fresh.output(0, 0)
    expect(fresh.output(0, 0)).toBe(first)
    for (let i = 0; i < 1280; i++) fresh.output(1, i)
    const again = fresh.output(0, 0)
    expect(again, 'the oldest was let go').not.toBe(first)
    expect(again!.address).toBe(first!.address)
  })

  it('depends on network and descriptor by id', () => {
    const signet = must(openWallet('signet', descriptor))
    expect(signet.id).not.toBe(wallet.id)
    expect(signet.output(0, 0)!.address).toMatch(/^tb1p/)
    expect(toHex(signet.output(0, 0)!.script)).toBe(toHex(wallet.output(0, 0)!.script))
  })
})

describe('extended keys', () => {
  it('BIP32 public derivation refuses hardened numbers; a merkle root changes the tweak', () => {
    const key = decodeExtendedKey(one.xpub)!
    expect(childPublic(key, 0x8000_0000)).toBeUndefined()
    expect(toHex(tapTweak(key.publicKey.slice(1)).scalar)).not.toBe(
      toHex(tapTweak(key.publicKey.slice(1), new Uint8Array(32)).scalar),
    )
  })

  it('bad texts are undefined', () => {
    const key = decodeExtendedKey(one.xpub)!
    const bad = [
      '',
      'tpub',
      one.xpub.slice(0, -1),
      `${one.xpub.slice(0, -1)}1`,
      encodeExtendedKey({ ...key, publicKey: fromHex(`02${'ff'.repeat(32)}`) }),
      encodeExtendedKey({ ...key, depth: 0 }),
      encodeExtendedKey({ ...key, publicKey: new Uint8Array(33) }),
    ]
    for (const text of bad) expect(decodeExtendedKey(text), text).toBeUndefined()
    expect(encodeExtendedKey(key)).toBe(one.xpub)
  })
})
