import { describe, expect, it } from 'vitest'
import { checkIceServer, directAllowed, readIceSettings, serversInUse } from '../../../services/core/domain/ice'

const turn = { url: 'turn:turn.example:3478?transport=udp', username: 'ann', credential: 'secret' }
const stun = { url: 'stun:stun.example:3478' }

describe('a STUN or TURN server as people type it', () => {
  it.each([
    'stun:stun.example',
    'stun:stun.example:3478',
    'stuns:192.0.2.1:5349',
    'stun:[2001:db8::1]:3478',
    ' stun:a ',
  ])('takes %s', url => {
    expect(checkIceServer({ url, username: 'not needed' })).toEqual({ ok: true, value: { url: url.trim() } })
  })

  it('takes turn and turns with user and password', () => {
    for (const url of [turn.url, 'turns:turn.example:443?transport=tcp'])
      expect(checkIceServer({ ...turn, url })).toEqual({ ok: true, value: { ...turn, url } })
  })

  it.each([
    ['', 'empty'],
    ['stun.example:3478', 'malformed'],
    ['http://stun.example', 'malformed'],
    ['stun:', 'malformed'],
    ['stun://stun.example', 'malformed'],
    ['stun:stun.example:0', 'malformed'],
    ['stun:stun.example:70000', 'malformed'],
    ['stun:a?transport=udp', 'malformed'],
    ['turn:a?transport=sctp', 'malformed'],
    [`stun:${'a'.repeat(300)}`, 'malformed'],
  ])('refuses "%s" at its field', (url, code) => {
    expect(checkIceServer({ ...turn, url })).toEqual({ ok: false, error: { field: 'ice', code } })
  })

  it('wants user and password of a TURN server', () => {
    expect(checkIceServer({ ...turn, username: ' ' })).toMatchObject({ error: { field: 'ice-user', code: 'empty' } })
    expect(checkIceServer({ url: turn.url, username: 'ann' })).toMatchObject({
      error: { field: 'ice-credential', code: 'empty' },
    })
    expect(checkIceServer({ ...turn, credential: 'x'.repeat(257) })).toMatchObject({
      error: { field: 'ice-credential', code: 'too-long' },
    })
  })
})

describe('what is used of the settings', () => {
  it('relay-only allows WebRTC through TURN alone', () => {
    expect(directAllowed({ servers: [], relayOnly: false })).toBe(true)
    expect(directAllowed({ servers: [stun], relayOnly: true })).toBe(false)
    expect(directAllowed({ servers: [stun, turn], relayOnly: true })).toBe(true)
    expect(serversInUse({ servers: [stun, turn], relayOnly: true })).toEqual([turn])
    expect(serversInUse({ servers: [stun, turn], relayOnly: false })).toEqual([stun, turn])
  })

  it.each([
    undefined,
    null,
    7,
    'x',
    [],
    {},
    { servers: 'x', relayOnly: 1 },
    { servers: [null, 3, {}, { url: 'http://x' }, { url: 5 }] },
  ])('reads %j as no setting', stored => {
    expect(readIceSettings(stored)).toEqual({ servers: [], relayOnly: false })
  })

  it('reads back what was stored', () => {
    const settings = { servers: [stun, turn], relayOnly: true }
    expect(readIceSettings(JSON.parse(JSON.stringify(settings)))).toEqual(settings)
  })
})
