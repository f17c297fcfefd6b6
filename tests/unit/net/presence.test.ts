import { describe, expect, it } from 'vitest'
import type { Announcement } from '../../../services/core/wire/messages'
import { AddressCache, storedPeers } from '../../../services/core/net/address-cache'
import {
  announcedRelays,
  openAnnouncement,
  peerIdPublicKey,
  presenceKeys,
  PRESENCE_EXPIRY_MS,
  sealAnnouncement,
  verifyPeerSignature,
} from '../../../services/core/net/presence'
import { PresenceTopics } from '../../../services/core/net/presence-topics'
import { ReplayGuard } from '../../../services/core/net/replay-guard'
import { FakeClock } from '../../fakes/clock'
import { createFakeEntropy } from '../../fakes/entropy'
import { createFakeLog } from '../../fakes/log'
import { fakePeer } from '../../fakes/peers'

const alice = fakePeer('alice')
const bob = fakePeer('bob')
const mallory = fakePeer('mallory')
const keys = presenceKeys('11'.repeat(32))
const relay = '/dns4/r1.test/tcp/443/wss/p2p/12D3KooWRelay1'
const now = 1_800_000_000_000
const memberPeer = (sender: string): string | undefined => [alice, bob].find(p => p.accountKey === sender)?.peerId
const entropy = createFakeEntropy()

const announcement = (change: Partial<Announcement> = {}): Announcement => ({
  sender: alice.accountKey,
  peerId: alice.peerId,
  addresses: [`${relay}/p2p-circuit/webrtc/p2p/${alice.peerId}`],
  startedAt: now - 5_000,
  counter: 1,
  instance: 'aa'.repeat(16),
  at: now,
  ...change,
})
const seal = (a: Announcement, k = keys, by = alice): Promise<Uint8Array> =>
  sealAnnouncement(a, k, entropy, b => by.sign(b))

describe('sealed announcements', () => {
  it('opens what a member sealed, in 256-byte steps, never the same bytes twice', async () => {
    const one = await seal(announcement())
    const two = await seal(announcement())
    expect(openAnnouncement(one, keys, memberPeer, now)).toEqual({ ok: true, value: announcement() })
    expect((one.length - 24 - 16) % 256).toBe(0)
    expect(one.length).toBe(two.length)
    expect(one).not.toEqual(two)
  })

  it('has distinct topic and key per wallet, and neither is the secret', () => {
    const other = presenceKeys('22'.repeat(32))
    expect(other.topic).not.toBe(keys.topic)
    expect(other.key).not.toEqual(keys.key)
    expect(keys.topic).not.toContain('11'.repeat(8))
  })

  it('drops every changed byte', async () => {
    const sealed = await seal(announcement())
    for (let i = 0; i < sealed.length; i++) {
      const changed = sealed.slice()
      changed[i] = (changed[i] ?? 0) ^ 1
      expect(openAnnouncement(changed, keys, memberPeer, now).ok).toBe(false)
    }
  })

  it('drops another wallet, another topic, wrong sizes, strangers, borrowed names, false signatures, stale times', async () => {
    const error = async (sealed: Uint8Array | Promise<Uint8Array>, k = keys, at = now): Promise<unknown> => {
      const opened = openAnnouncement(await sealed, k, memberPeer, at)
      return opened.ok ? 'opened' : opened.error
    }
    expect(await error(seal(announcement()), presenceKeys('22'.repeat(32)))).toBe('seal')
    expect(await error(seal(announcement()), { ...keys, topic: `${keys.topic}x` })).toBe('seal')
    expect(await error(new Uint8Array(0))).toBe('size')
    expect(await error(new Uint8Array(24 + 16 + 256 * 64))).toBe('size')
    expect(await error(new Uint8Array(24 + 16 + 255))).toBe('size')
    expect(await error(seal(announcement({ sender: mallory.accountKey, peerId: mallory.peerId }), keys, mallory))).toBe(
      'unknown-sender',
    )
    expect(await error(seal(announcement({ peerId: bob.peerId }), keys, bob))).toBe('unknown-sender')
    expect(await error(seal(announcement(), keys, bob))).toBe('signature')
    expect(await error(seal(announcement()), keys, now + PRESENCE_EXPIRY_MS)).toBe('opened')
    expect(await error(seal(announcement()), keys, now + PRESENCE_EXPIRY_MS + 1)).toBe('stale')
    expect(await error(seal(announcement()), keys, now - PRESENCE_EXPIRY_MS - 1)).toBe('stale')
  })

  it('verifies by the key inside the peer id and takes nothing else for one', async () => {
    const message = new Uint8Array([1, 2, 3])
    const signature = await alice.sign(message)
    expect(verifyPeerSignature(alice.peerId, message, signature)).toBe(true)
    expect(verifyPeerSignature(bob.peerId, message, signature)).toBe(false)
    expect(verifyPeerSignature(alice.peerId, message, signature.slice(1))).toBe(false)
    for (const bad of [
      '',
      'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
      '0OIl',
      alice.peerId.slice(1),
      'z'.repeat(10_000),
    ])
      expect(peerIdPublicKey(bad)).toBeUndefined()
  })

  it('names only relays of our list, as our list names them', () => {
    const elsewhere = '/dns4/evil.test/tcp/1/ws/p2p/12D3KooWRelay1'
    const stranger = '/dns4/x.test/tcp/1/ws/p2p/12D3KooWOther'
    const a = announcement({
      addresses: [
        `${elsewhere}/p2p-circuit/p2p/${alice.peerId}`,
        `${stranger}/p2p-circuit/p2p/${alice.peerId}`,
        '/ip4/10.0.0.1/tcp/1',
      ],
    })
    expect(announcedRelays(a, [relay])).toEqual([relay])
  })
})

describe('ReplayGuard', () => {
  it('drops replays and anything older, and takes a new run', () => {
    const replays = new ReplayGuard()
    expect(replays.accept(announcement(), now)).toBe(true)
    expect(replays.accept(announcement(), now)).toBe(false)
    expect(replays.accept(announcement({ counter: 2 }), now)).toBe(true)
    expect(replays.accept(announcement({ counter: 1 }), now)).toBe(false)
    expect(replays.accept(announcement({ startedAt: now, counter: 0, instance: 'bb'.repeat(16) }), now)).toBe(true)
    expect(replays.accept(announcement({ counter: 99 }), now)).toBe(false)
  })
})

describe('PresenceTopics', () => {
  it('hands up what it hears once: the same bytes again are a replay', async () => {
    const clock = new FakeClock(now)
    const heard: string[] = []
    let hear: ((bytes: Uint8Array) => void) | undefined
    const topics = new PresenceTopics({
      transport: {
        peerId: bob.peerId,
        addresses: () => [],
        publish: async () => undefined,
        subscribe: (_, handler) => {
          hear = handler
          return () => {
            hear = undefined
          }
        },
      },
      clock,
      entropy,
      log: createFakeLog(),
      self: { instance: 'cc'.repeat(16), startedAt: now, build: 'test' },
      sign: bytes => bob.sign(bytes),
      onHeard: (_, a, relays) => {
        heard.push(`${a.counter} ${relays.length}`)
      },
      onNewerSelf: () => {
        throw new Error('not me')
      },
    })
    const members = [alice, bob].map(p => ({ accountKey: p.accountKey, peerId: p.peerId }))
    topics.join({
      walletId: 'ab'.repeat(32),
      groupSecret: '11'.repeat(32),
      self: bob.accountKey,
      relays: [relay],
      members,
    })
    const sealed = await seal(announcement())
    hear?.(sealed)
    hear?.(sealed)
    hear?.(await seal(announcement({ counter: 2 })))
    expect(heard).toEqual(['1 1', '2 1'])
    topics.stop()
    expect(hear).toBeUndefined()
    expect(clock.pending).toBe(0)
  })
})

describe('AddressCache', () => {
  it('keeps the last relay first, writes only news, survives a reload, forgives a bad record', async () => {
    const records = new Map<string, Uint8Array>([['broken', new Uint8Array([0xff, 0x00])]])
    let writes = 0
    const storage = {
      all: async () => [...records].map(([key, value]) => ({ key, value })),
      put: async (_: string, key: string, value: Uint8Array) => {
        writes++
        records.set(key, value)
      },
    }
    const cache = new AddressCache(storedPeers(storage), e => {
      throw e
    })
    cache.note('p', ['r1'], 1)
    cache.note('p', ['r1'], 2)
    cache.note('p', ['r2'], 3)
    expect(cache.relays('p')).toEqual(['r2', 'r1'])
    expect(writes).toBe(2)
    const later = new AddressCache(storedPeers(storage), e => {
      throw e
    })
    await later.load()
    expect(later.relays('p')).toEqual(['r2', 'r1'])
    expect(later.relays('broken')).toEqual([])
  })

  it('is bounded', () => {
    const cache = new AddressCache(undefined, e => {
      throw e
    })
    for (let i = 0; i < 600; i++) cache.note(`p${i}`, [`r${i}`], i)
    expect(cache.relays('p0')).toEqual([])
    expect(cache.relays('p599')).toEqual(['r599'])
    for (let i = 0; i < 10; i++) cache.note('p599', [`x${i}`], i)
    expect(cache.relays('p599')).toHaveLength(4)
  })
})
