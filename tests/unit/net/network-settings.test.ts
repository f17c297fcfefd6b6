import { describe, expect, it } from 'vitest'
import { NetworkSettings } from '../../../services/core/net/network-settings'
import { createFakeStorage } from '../../fakes/storage'

const relay = (n: number): string =>
  `/dns4/relay${n}.example/tcp/443/wss/p2p/12D3KooWMCutFtoEhGKPyYn2fMtXqCcLLbc8VTrz2y6m4jGaREG${'ABCDEFGHJKLMNPQRST'[n]}`
const turn = { url: 'turn:turn.example', username: 'ann', credential: 'secret' }
const ok = { ok: true, value: undefined }

describe('the network settings of a profile', () => {
  it('are empty at first and come back as they were left', async () => {
    const storage = createFakeStorage()
    const settings = await NetworkSettings.load(storage)
    expect([settings.relays, settings.ice]).toEqual([[], { servers: [], relayOnly: false }])
    expect(await settings.addRelay(` ${relay(1)} `, [])).toEqual(ok)
    expect(await settings.addIceServer(turn)).toEqual(ok)
    expect(await settings.addIceServer({ url: 'stun:stun.example' })).toEqual(ok)
    expect(await settings.setRelayOnly(true)).toEqual(ok)
    expect(await settings.removeIceServer('stun:stun.example')).toEqual(ok)
    const again = await NetworkSettings.load(storage)
    expect([again.relays, again.ice]).toEqual([[relay(1)], { servers: [turn], relayOnly: true }])
    expect(await again.removeRelay(relay(1))).toEqual(ok)
    expect((await NetworkSettings.load(storage)).relays).toEqual([])
  })

  it('refuse at the field what is no relay, is known, or is too much', async () => {
    const settings = await NetworkSettings.load(createFakeStorage())
    expect(await settings.addRelay('', [])).toMatchObject({ error: { field: 'relay', code: 'empty' } })
    expect(await settings.addRelay('wss://relay.example', [])).toMatchObject({
      error: { field: 'relay', code: 'malformed' },
    })
    expect(await settings.addRelay(relay(0), [relay(0)])).toMatchObject({ error: { field: 'relay', code: 'known' } })
    for (let i = 1; i <= 16; i++) await settings.addRelay(relay(i), [])
    expect(await settings.addRelay(relay(1), [])).toMatchObject({ error: { code: 'known' } })
    expect(await settings.addRelay(relay(17), [])).toMatchObject({ error: { field: 'relay', code: 'too-many' } })
    for (let i = 0; i < 8; i++) await settings.addIceServer({ url: `stun:s${i}.example` })
    expect(await settings.addIceServer({ url: 'stun:s0.example' })).toMatchObject({
      error: { field: 'ice', code: 'known' },
    })
    expect(await settings.addIceServer({ url: 'stun:s9.example' })).toMatchObject({
      error: { field: 'ice', code: 'too-many' },
    })
  })

  it('are not in force when they could not be stored', async () => {
    const storage = createFakeStorage()
    const settings = await NetworkSettings.load(storage)
    storage.failWrites(1)
    expect(await settings.setRelayOnly(true)).toEqual({
      ok: false,
      error: { field: 'settings', code: 'storage-failed' },
    })
    expect(settings.ice.relayOnly).toBe(false)
  })

  it('show no address when the record of the privacy cannot be read', async () => {
    const storage = createFakeStorage()
    await storage.put('settings', 'ice', new TextEncoder().encode('{"relayOnly":tr'))
    await storage.put('settings', 'relays', new TextEncoder().encode('{'))
    const settings = await NetworkSettings.load(storage)
    expect(settings.ice).toEqual({ servers: [], relayOnly: true })
    expect(settings.relays).toEqual([])
  })
})
