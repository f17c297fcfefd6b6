import { base64urlnopad } from '@scure/base'
import { decode } from 'cborg'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tagged } from '../../../services/core/crypto/tagged'
import { concatBytes } from '../../../services/core/domain/bytes'
import { isRelayAddress } from '../../../services/core/domain/config'
import { encodeInvite, inviteFragment, parseInvite } from '../../../services/core/roster/invite'
import type { Wire } from '../../../services/core/wire/cbor'
import { LIMITS } from '../../../services/core/wire/limits'
import { bounded, misshapen, mutated, mutatedText } from '../../support/fuzz'
import { LONG_LIMIT, times } from '../../support/long'
import { DRAFT, inviteOf, NOW, person, RELAY } from './people'

const anna = person('Anna')
const invite = inviteOf(anna, 3)
const at = { now: NOW, available: ['regtest', 'signet'] as const }
const codeOf = (text: string, where: Parameters<typeof parseInvite>[1] = at) => {
  const r = parseInvite(text, where)
  return r.ok ? 'ok' : r.error
}

describe('an invite', () => {
  const payload = encodeInvite(invite)

  it.each([
    ['bare payload', payload],
    ['fragment', inviteFragment(invite)],
    ['whole URL', `http://127.0.0.1:4173/${inviteFragment(invite)}`],
    ['URL with a path and white space around', `\n  https://example.org/tandem/#/join/${payload} \t`],
    ['wrapped by a mail program', `https://example.org/#/join/${payload.slice(0, 40)}\r\n ${payload.slice(40)}`],
    ['with a query behind', `https://example.org/#/join/${payload}?utm=1`],
  ])('is read from a %s', (_, text) => {
    expect(parseInvite(text, at)).toEqual({ ok: true, value: invite })
  })

  it('fits a QR code that a phone reads', () => {
    expect(payload.length).toBeLessThan(520)
  })

  it('cut at any place is damaged', () => {
    for (let i = 1; i < payload.length; i++) expect(codeOf(payload.slice(0, i))).toEqual({ code: 'damaged' })
  })

  it('with any character changed is damaged', () => {
    for (let i = 0; i < payload.length - 1; i++) {
      const other = payload[i] === 'A' ? 'B' : 'A'
      expect(codeOf(payload.slice(0, i) + other + payload.slice(i + 1))).toEqual({ code: 'damaged' })
    }
  })

  it('that is none', () => {
    expect(codeOf('  ')).toEqual({ code: 'empty' })
    expect(codeOf('https://example.org/#/join/')).toEqual({ code: 'empty' })
    expect(codeOf('hello there')).toEqual({ code: 'damaged' })
    expect(codeOf('x'.repeat(10_000))).toEqual({ code: 'damaged' })
  })

  it('of a newer version, with its own sound checksum', () => {
    const body = Uint8Array.of(2, 0x78)
    const payload2 = base64urlnopad.encode(concatBytes(body, tagged('tandem/invite', body).slice(0, 4)))
    expect(codeOf(payload2)).toEqual({ code: 'unknown-version', version: 2 })
  })

  it('for another network names it', () => {
    expect(codeOf(encodeInvite({ ...invite, network: 'testnet4' }))).toEqual({
      code: 'other-network',
      network: 'testnet4',
    })
    expect(codeOf(encodeInvite({ ...invite, network: 'bitcoin' as 'signet' }))).toEqual({
      code: 'other-network',
      network: 'bitcoin',
    })
  })

  it('is good until the second of its expiry', () => {
    expect(codeOf(payload, { ...at, now: invite.expiresAt - 1 })).toBe('ok')
    expect(codeOf(payload, { ...at, now: invite.expiresAt })).toEqual({ code: 'expired', expiresAt: invite.expiresAt })
  })

  it('with a malformed relay names it', () => {
    expect(codeOf(encodeInvite({ ...invite, relays: [RELAY, '/dns4/x/tcp/1/ws'] }))).toEqual({
      code: 'bad-relay',
      relay: '/dns4/x/tcp/1/ws',
    })
  })

  it('is not made with fields outside their bounds', () => {
    expect(() => encodeInvite({ ...invite, n: 1 })).toThrow(RangeError)
    expect(() => encodeInvite({ ...invite, walletName: '' })).toThrow(RangeError)
    expect(() => encodeInvite({ ...invite, relays: [] })).toThrow(RangeError)
    expect(() => encodeInvite({ ...invite, draftId: DRAFT.slice(2) })).toThrow(RangeError)
  })
})

describe('reading an invite is total', LONG_LIMIT, () => {
  const payload = encodeInvite(invite)
  const body = base64urlnopad.decode(payload).slice(0, -4)
  const codes = ['empty', 'damaged', 'unknown-version', 'other-network', 'bad-relay', 'expired']
  const sealed = (bytes: Uint8Array): string =>
    base64urlnopad.encode(concatBytes(bytes, tagged('tandem/invite', bytes).slice(0, 4)))
  const read = (text: string) => bounded(() => parseInvite(text, at))

  it('any text', () => {
    const pieces = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.constantFrom('/join/', '#/join/', '=', '?', '#', '&', ' ', '\n', payload.slice(0, 30), payload),
    )
    fc.assert(
      fc.property(
        fc.array(pieces, { maxLength: 6 }).map(list => list.join('')),
        text => {
          const r = read(text)
          if (r.ok ? !text.replace(/\s/gu, '').includes(payload) : !codes.includes(r.error.code))
            throw new Error(JSON.stringify(r))
        },
      ),
      { numRuns: times(500, 20_000) },
    )
  })

  it('a link with characters changed is damaged, or is the same link', () => {
    fc.assert(
      fc.property(
        mutatedText([payload, inviteFragment(invite), `https://example.org/${inviteFragment(invite)}`]),
        text => {
          const r = read(text)
          if (r.ok ? JSON.stringify(r.value) !== JSON.stringify(invite) : !codes.includes(r.error.code))
            throw new Error(JSON.stringify(r))
        },
      ),
      { numRuns: times(1_000, 20_000) },
    )
  })

  it('anything under a sound checksum is refused, or is the one text of another invite', () => {
    const inside = fc.oneof(
      mutated([body]),
      misshapen([decode(body.slice(1)) as Wire]).map(bytes => concatBytes(Uint8Array.of(1), bytes)),
    )
    fc.assert(
      fc.property(inside, bytes => {
        const text = sealed(bytes)
        const r = read(text)
        if (r.ok ? encodeInvite(r.value) !== text : !codes.includes(r.error.code)) throw new Error(JSON.stringify(r))
      }),
      { numRuns: times(1_500, 30_000) },
    )
  })

  it('one in a text that is longer than it can be is not looked for', () => {
    const fragment = inviteFragment(invite)
    const around = (chars: number) => `${'x'.repeat(chars - fragment.length)}${fragment}`
    expect(parseInvite(around(LIMITS.inviteChars), at)).toEqual({ ok: true, value: invite })
    expect(parseInvite(around(LIMITS.inviteChars + 1), at)).toEqual({ ok: false, error: { code: 'damaged' } })
  })

  it('the longest texts of one character cost no more than others', () => {
    for (const char of ['=', '?', '/join/', 'A', ' ', '\u{1f600}'])
      read(`${char.repeat(LIMITS.inviteChars / char.length - 1)}x`)
  })
})

it('relay addresses that a browser can dial', () => {
  const id = RELAY.slice(RELAY.lastIndexOf('/') + 1)
  for (const good of [
    RELAY,
    `/ip4/127.0.0.1/tcp/9090/ws/p2p/${id}`,
    `/ip6/::1/tcp/1/ws/p2p/${id}`,
    `/dns4/a.b/tcp/443/tls/ws/p2p/${id}`,
    `/dns4/a.b/tcp/443/tls/sni/a.b/ws/p2p/${id}`,
  ])
    expect(isRelayAddress(good), good).toBe(true)
  for (const bad of [
    '',
    'wss://x',
    `/ip4/1.2.3.4/tcp/1/p2p/${id}`,
    '/ip4/1.2.3.4/tcp/1/ws',
    `${RELAY}/p2p-circuit`,
    `/dns4/a b/tcp/1/ws/p2p/${id}`,
  ])
    expect(isRelayAddress(bad), bad).toBe(false)
})
