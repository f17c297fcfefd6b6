import { describe, expect, it } from 'vitest'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { HDKey } from '@scure/bip32'
import { createBase58check } from '@scure/base'
import { sha256 } from '@noble/hashes/sha2.js'
import {
  createBrowserClock,
  createBrowserEntropy,
  createBrowserLog,
  writeToConsole,
} from '../../../services/adapters/system'
import { redactText } from '../../../services/adapters/system/redact'
import { FakeClock } from '../../fakes/clock'
import { createFakeEntropy } from '../../fakes/entropy'

const entropy = createFakeEntropy('log')
const key = entropy.bytes(32)
const hex = Buffer.from(key).toString('hex')
const node = HDKey.fromMasterSeed(key, { public: 0x043587cf, private: 0x04358394 })
const words = (n: number): string[] => Array.from({ length: n }, (_, i) => wordlist[(i * 397 + 11) % 2048] ?? '')

describe('what a log never keeps', () => {
  it.each<[string, string]>([
    ['hex key', hex],
    ['hex in upper case', hex.toUpperCase()],
    ['two keys in one run', hex + hex],
    ['hex within text', `key=${hex};`],
    ['extended private key', node.privateExtendedKey],
    ['extended public key', node.publicExtendedKey],
    ['wif', createBase58check(sha256).encode(new Uint8Array([0xef, ...key, 1]))],
    ['12 words', words(12).join(' ')],
    ['24 words', words(24).join(' ')],
    ['words over lines', words(12).join('\n')],
    ['words with commas', words(12).join(', ')],
    ['words in capitals', words(12).join(' ').toUpperCase()],
    [
      'numbered words',
      words(12)
        .map((w, i) => `${i + 1}. ${w}`)
        .join(' '),
    ],
    ['base64', Buffer.from(key).toString('base64')],
    ['base64 for URLs', Buffer.from(key).toString('base64url')],
    ['base64 with slashes', Buffer.from(key.map((b, i) => (i % 3 ? b : 0xff))).toString('base64')],
    ['bytes as numbers', key.toString()],
    ['bytes as JSON', JSON.stringify([...key])],
  ])('%s', (_name, secret) => {
    const log = createBrowserLog({ clock: new FakeClock(5) })
    log.write('info', `event ${secret}`, { detail: `before ${secret} after`, [secret]: 1 })
    const kept = JSON.stringify(log.entries())
    expect(kept).not.toContain(JSON.stringify(secret).slice(1, -1))
    // not a large part of it either
    for (let at = 0; at + 24 <= secret.length; at += 4)
      expect(kept).not.toContain(JSON.stringify(secret.slice(at, at + 24)).slice(1, -1))
  })

  it('a long text is left out whole, a secret at the cut included', () => {
    for (const before of [480, 500, 16_350])
      expect(redactText('x '.repeat(before / 2) + hex)).not.toContain(hex.slice(0, 12))
    expect(redactText('x '.repeat(1_000)).length).toBeLessThan(600)
  })

  it('a field that is a secret by its name', () => {
    const log = createBrowserLog()
    log.write('info', 'e', { password: 'hunter2', seedWords: 'a b', secretNonce: 'ab', nonces: 3, passphrase: '' })
    expect(log.entries()[0]?.fields).toEqual({
      password: '[secret]',
      seedWords: '[secret]',
      secretNonce: '[secret]',
      nonces: 3,
      passphrase: '',
    })
  })
})

describe('what a log keeps', () => {
  it.each([
    '12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA',
    '/dns4/relay.example/tcp/443/wss/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA/p2p-circuit/webrtc',
    'The chain server did not answer in 10 s: HTTP 503',
    'failed to connect via relay with status NO_RESERVATION',
  ])('%s', text => {
    expect(redactText(text)).toBe(text)
  })

  it('the same value can be followed, another is told from it', () => {
    const other = Buffer.from(entropy.bytes(32)).toString('hex')
    expect(redactText(hex)).toBe(redactText(hex))
    expect(redactText(hex)).not.toBe(redactText(other))
  })

  it('as much as fits, the oldest leave first', () => {
    const clock = new FakeClock(1_000)
    const log = createBrowserLog({ clock, capacity: 3 })
    const heard: number[] = []
    const off = log.onEntry(entry => heard.push(entry.number))
    log.write('info', 'one')
    log.write('debug', 'two', { n: 2, skipped: undefined })
    expect(log.entries().map(e => e.event)).toEqual(['one', 'two'])
    for (const event of ['three', 'four', 'five']) log.write('warn', event)
    off()
    expect(log.entries()).toEqual(
      [3, 4, 5].map((number, i) => ({
        number,
        at: 1_000,
        level: 'warn',
        event: ['three', 'four', 'five'][i],
        fields: {},
      })),
    )
    log.write('warn', 'six')
    expect(log.entries().map(e => e.number)).toEqual([4, 5, 6])
    expect(heard).toEqual([1, 2, 3, 4, 5])
  })

  it('takes hostile texts in little time', () => {
    const started = performance.now()
    for (const text of [
      'a'.repeat(16_384),
      'abc '.repeat(4_096),
      '1,'.repeat(8_000),
      'abcd1 '.repeat(2_700),
      '/'.repeat(16_000),
    ])
      redactText(text)
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})

describe('the log on the console', () => {
  const written = (wanted: string | null): string[] => {
    const log = createBrowserLog({ clock: new FakeClock(5) })
    const lines: string[] = []
    const write =
      (level: string) =>
      (...what: unknown[]) =>
        void lines.push(`${level} ${JSON.stringify(what)}`)
    writeToConsole(log, wanted, { debug: write('D'), info: write('I'), warn: write('W'), error: write('E') })
    log.write('debug', 'one', { n: 1 })
    log.write('info', 'two')
    log.write('warn', `three ${hex}`)
    log.write('error', 'four', { password: 'hunter2' })
    return lines
  }

  it.each([[null], [''], ['DEBUG'], ['all'], ['constructor']])('is silent unless a level is wanted (%s)', wanted => {
    expect(written(wanted)).toEqual([])
  })

  it('has what is at least as grave as wanted, redacted', () => {
    const mark = redactText(hex)
    const all = ['D ["one",{"n":1}]', 'I ["two",{}]', `W ["three ${mark}",{}]`, 'E ["four",{"password":"[secret]"}]']
    expect(written('debug')).toEqual(all)
    expect(written('info')).toEqual(all.slice(1))
    expect(written('warn')).toEqual(all.slice(2))
    expect(written('error')).toEqual(all.slice(3))
  })
})

describe('clock and entropy', () => {
  it('a timer fires once and can be cancelled twice; a far one does not fire at once', async () => {
    const clock = createBrowserClock()
    expect(Math.abs(clock.now() - Date.now())).toBeLessThan(1_000)
    let far = false
    const cancelFar = clock.after(2 ** 32, () => {
      far = true
    })
    const cancelled = clock.after(0, () => {
      throw new Error('was cancelled')
    })
    cancelled()
    cancelled()
    await new Promise<void>(resolve => {
      clock.after(5, resolve)
    })
    expect(far).toBe(false)
    cancelFar()
  })

  it('gives as many bytes as asked, also above the limit of one call', () => {
    const { bytes } = createBrowserEntropy()
    expect(bytes(0)).toHaveLength(0)
    const large = bytes(70_000)
    expect(large).toHaveLength(70_000)
    expect(large.subarray(65_536).some(byte => byte !== 0)).toBe(true)
    expect(Buffer.from(bytes(32)).equals(Buffer.from(bytes(32)))).toBe(false)
  })
})
