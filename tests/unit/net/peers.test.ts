import { describe, expect, it } from 'vitest'
import { ConnectivityErrorType as T, type ParticipantStatus } from '../../../services/core/domain/connectivity'
import { Peers } from '../../../services/core/net/peers'
import { FakeClock } from '../../fakes/clock'

const bob = 'peer-bob'
const connected = { connected: true, state: 'connected', connectionType: 'webrtc', rttMs: 7 } as const
const failed = (errorType: T) => ({ connected: false, state: 'failed', errorType, retryable: true }) as const

function world() {
  const clock = new FakeClock()
  const told: ParticipantStatus[] = []
  const peers = new Peers({ clock, onStatus: status => told.push(status) })
  return { clock, told, peers }
}

describe('the map of peers', () => {
  it('says online for 180 s after the last announcement', async () => {
    const { clock, peers } = world()
    expect(peers.isOnline(bob)).toBe(false)
    peers.add(bob)
    expect(peers.isOnline(bob)).toBe(false)
    peers.setHeard(bob)
    const heardAt = clock.now()
    await clock.advance(179_999)
    expect(peers.isOnline(bob)).toBe(true)
    await clock.advance(1)
    expect(peers.isOnline(bob)).toBe(false)
    expect(peers.lastSeen(bob)).toBe(heardAt)
  })

  it('whoever is connected is online; missed by its relays it is not, until it is heard again', async () => {
    const { clock, peers } = world()
    peers.add(bob)
    peers.setHeard(bob)
    await clock.advance(1_000)
    peers.setStatus(bob, failed(T.WEBRTC_FAILED))
    // that it cannot be reached says nothing about whether it is there
    expect(peers.isOnline(bob)).toBe(true)
    peers.setStatus(bob, failed(T.PEER_NOT_FOUND))
    expect(peers.isOnline(bob)).toBe(false)
    await clock.advance(1_000)
    peers.setHeard(bob)
    expect(peers.isOnline(bob)).toBe(true)
    await clock.advance(200_000)
    expect(peers.isOnline(bob)).toBe(false)
    peers.setStatus(bob, connected)
    expect(peers.isOnline(bob)).toBe(true)
    expect(peers.lastSeen(bob)).toBe(clock.now())
  })

  it('tells a status when something in it changed, and only then', async () => {
    const { clock, told, peers } = world()
    peers.add(bob)
    peers.setMember(bob, '02aa')
    peers.setMember(bob, '02bb')
    peers.setPlace(bob, 'w1', { accountKey: '02aa', relays: [] })
    peers.setHeard(bob)
    expect(told).toEqual([])
    peers.setStatus(bob, connected)
    const since = clock.now()
    await clock.advance(4_000)
    peers.setStatus(bob, connected)
    expect(told).toEqual([{ peerId: bob, member: '02aa', ...connected, since }])
    peers.setStatus(bob, { ...connected, rttMs: 8 })
    expect(told.at(-1)).toEqual({ peerId: bob, member: '02aa', ...connected, rttMs: 8, since })
    peers.setStatus(bob, failed(T.TIMEOUT))
    expect(told.at(-1)?.since).toBe(clock.now())
    expect(peers.all().map(p => p.status)).toEqual([told.at(-1)])
  })

  it('knows the places in rosters, and forgets a peer with everything', () => {
    const { peers } = world()
    peers.add(bob)
    expect(peers.isMember(bob)).toBe(false)
    peers.setPlace(bob, 'w1', { accountKey: '02aa', relays: ['r1'] })
    peers.setPlace(bob, 'w2', { accountKey: '02bb', relays: ['r2'] })
    peers.setPlace(bob, 'w1', undefined)
    expect(peers.isMember(bob)).toBe(true)
    expect([...(peers.get(bob)?.places ?? [])]).toEqual([['w2', { accountKey: '02bb', relays: ['r2'] }]])
    peers.remove(bob)
    expect(peers.isMember(bob)).toBe(false)
    expect(peers.get(bob)).toBeUndefined()
  })

  it('takes no fact about a peer that nobody watches', () => {
    const { told, peers } = world()
    peers.setStatus(bob, connected)
    peers.setHeard(bob)
    peers.setPlace(bob, 'w1', { accountKey: '02aa', relays: [] })
    peers.setInviteRelays(bob, ['r1'])
    expect(peers.get(bob)).toBeUndefined()
    expect(peers.lastSeen(bob)).toBeUndefined()
    expect(told).toEqual([])
  })
})
