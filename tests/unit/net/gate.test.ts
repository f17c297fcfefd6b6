import { describe, expect, it } from 'vitest'
import { ConnectivityErrorType as T, type ParticipantStatus } from '../../../services/core/domain/connectivity'
import { netError } from '../../../services/core/net/classify'
import type { ConnectDeps } from '../../../services/core/net/connect'
import { HEAD_START_MS } from '../../../services/core/net/dial-race'
import { GATE_TIMEOUT_MS, runGate, type GateOptions, type GateTarget } from '../../../services/core/net/gate'
import { PAGE_PEER_CONNECTIONS, PeerConnectionBudget } from '../../../services/core/net/peer-connection-budget'
import { candidates } from '../../../services/core/net/rendezvous'
import type { ConnectionInfo, DialOptions } from '../../../services/ports/transport'
import { FakeClock } from '../../fakes/clock'
import { createFakeEntropy } from '../../fakes/entropy'

const relays = ['/dns4/r1.test/tcp/443/wss/p2p/12D3KooWRelay1']
type Dial = (address: string, options: DialOptions, connection: ConnectionInfo) => Promise<ConnectionInfo>

/** A transport whose every dial and ping the test decides; counts what runs at the same time. */
class Script {
  readonly peerId = 'me'
  readonly clock = new FakeClock()
  readonly open = new Map<string, ConnectionInfo>()
  readonly silent = new Set<string>()
  readonly dials: string[] = []
  readonly closed: string[] = []
  readonly plans = new Map<string, Dial>()
  /** signals of dials under way, with how many listeners hang on them */
  readonly signals: AbortSignal[] = []
  /** RTCPeerConnections made so far */
  peerConnections = 0
  readonly budget = new PeerConnectionBudget(() => this.peerConnections)
  concurrent = 0
  most = 0
  #next = 0

  connection(peerId: string, kind: ConnectionInfo['kind'] = 'webrtc'): ConnectionInfo {
    return { id: `c${this.#next++}`, peerId, kind, direction: 'outbound', openedAt: this.clock.now() }
  }

  add(peerId: string, kind: ConnectionInfo['kind'] = 'webrtc'): ConnectionInfo {
    const c = this.connection(peerId, kind)
    this.open.set(c.id, c)
    return c
  }

  connections(peerId?: string): ConnectionInfo[] {
    return [...this.open.values()].filter(c => peerId === undefined || c.peerId === peerId)
  }

  async dial(peerId: string, address: string, options: DialOptions): Promise<ConnectionInfo> {
    this.dials.push(`${peerId} ${address.includes('/webrtc/') ? 'webrtc' : 'relay'}`)
    this.signals.push(options.signal)
    this.most = Math.max(this.most, ++this.concurrent)
    try {
      const connection = this.connection(peerId, address.includes('/webrtc/') ? 'webrtc' : 'relay')
      const plan = this.plans.get(peerId)
      const got = plan ? await plan(address, options, connection) : connection
      this.open.set(got.id, got)
      return got
    } finally {
      this.concurrent--
    }
  }

  async ping(id: string): Promise<number> {
    return this.silent.has(id) ? new Promise<number>(() => undefined) : 3
  }

  async closeConnection(id: string): Promise<void> {
    this.closed.push(id)
    this.open.delete(id)
  }

  gate(targets: Array<string | GateTarget>, options: GateOptions = {}, list = relays): ReturnType<typeof runGate> {
    const deps: ConnectDeps = {
      transport: this,
      clock: this.clock,
      entropy: createFakeEntropy(),
      budget: this.budget,
      candidates: peerId => candidates(peerId, list, []),
    }
    return runGate(
      deps,
      targets.map(t => (typeof t === 'string' ? { peerId: t } : t)),
      options,
    )
  }

  /** The gate, with time running until it is through. */
  async through(...args: Parameters<Script['gate']>): ReturnType<typeof runGate> {
    const gate = this.gate(...args)
    await this.clock.advance(GATE_TIMEOUT_MS)
    return gate
  }

  after(ms: number): Promise<void> {
    return new Promise(resolve => {
      this.clock.after(ms, resolve)
    })
  }
}

const never: Dial = () => new Promise(() => undefined)
/** a well-behaved library: rejects as soon as its signal aborts */
const hang: Dial = (_, { signal }) =>
  new Promise((__, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error))
  })
const fail =
  (error: unknown, step: 'relay' | 'sdp' | 'ice' = 'relay'): Dial =>
  async (_, options) => {
    options.onStep?.(step)
    throw error
  }
const absent = fail(
  Object.assign(new Error('failed to connect via relay with status NO_RESERVATION'), { name: 'InvalidMessageError' }),
)
const ice = fail(new DOMException('The operation timed out', 'TimeoutError'), 'ice')

describe('decision 1: all at once', () => {
  it('dials eight at a time and takes as long as the slowest, not the sum', async () => {
    const s = new Script()
    const peers = Array.from({ length: 14 }, (_, i) => `p${i}`)
    for (const p of peers)
      s.plans.set(p, async (_, __, c) => {
        await s.after(1_000)
        return c
      })
    const started = s.clock.now()
    let took = 0
    const result = s.gate(peers).then(r => {
      took = s.clock.now() - started
      return r
    })
    await s.clock.advance(10_000)
    expect((await result).connected).toEqual(peers)
    expect(s.most).toBe(8)
    expect(took).toBe(2_000)
  })

  it('shares the time by waves: eight silent ones do not cost the others their turn', async () => {
    const s = new Script()
    const silent = Array.from({ length: 8 }, (_, i) => `s${i}`)
    for (const p of silent) s.plans.set(p, never)
    for (const p of ['late1', 'late2'])
      s.plans.set(p, async (_, __, c) => {
        await s.after(1_000)
        return c
      })
    const gate = s.gate([...silent, 'late1', 'late2'], { connectivityTimeoutMs: 20_000 })
    await s.clock.advance(20_000)
    const result = await gate
    expect(result.connected).toEqual(['late1', 'late2'])
    expect(result.failed.map(f => f.peerId)).toEqual(silent)
  })
})

describe('decision 2: a timeout blames only who is late', () => {
  it('keeps who is there, aborts dials in flight, leaves no timer and no listener', async () => {
    const s = new Script()
    s.plans.set('slow', async (_, __, c) => {
      await s.after(4_999)
      return c
    })
    s.plans.set('frozen', hang)
    const controller = new AbortController()
    const counted = countListeners(controller.signal)
    let result: Awaited<ReturnType<typeof s.gate>> | undefined
    void s.gate(['quick', 'slow', 'frozen'], { connectivityTimeoutMs: 10_000, signal: controller.signal }).then(r => {
      result = r
    })
    await s.clock.advance(9_999)
    expect(result).toBeUndefined()
    await s.clock.advance(1)
    expect(result?.connected).toEqual(['quick', 'slow'])
    expect(result?.failed).toMatchObject([{ peerId: 'frozen', errorType: T.TIMEOUT, retryable: true }])
    expect(s.signals.at(-1)?.aborted).toBe(true)
    expect(s.concurrent).toBe(0)
    expect(s.clock.pending).toBe(0)
    expect(counted()).toBe(0)
  })

  it('ends in time even when the library ignores its signal, and closes what comes too late', async () => {
    const s = new Script()
    let give: (() => void) | undefined
    s.plans.set(
      'deaf',
      (_, __, c) =>
        new Promise(resolve => {
          give = () => resolve(c)
        }),
    )
    const gate = s.gate(['deaf'], { connectivityTimeoutMs: 5_000 })
    await s.clock.advance(5_000)
    expect((await gate).failed[0]?.errorType).toBe(T.TIMEOUT)
    give?.()
    await s.clock.settle()
    expect(s.closed).toHaveLength(1)
    expect(s.clock.pending).toBe(0)
  })

  it('ends at once when the caller cancels; that is a result too', async () => {
    const s = new Script()
    s.plans.set('frozen', hang)
    const controller = new AbortController()
    const gate = s.gate(['there', 'frozen'], { signal: controller.signal })
    await s.clock.settle()
    controller.abort(netError('AbortError', 'dismissed'))
    expect(await gate).toMatchObject({
      allConnected: false,
      connected: ['there'],
      failed: [{ peerId: 'frozen', errorType: T.NETWORK_ERROR }],
    })
    expect(s.clock.pending).toBe(0)
  })
})

describe('decision 3: connected means answered', () => {
  it('takes a known connection that answers a ping and dials nothing', async () => {
    const s = new Script()
    s.add('p', 'relay')
    const seen: ParticipantStatus[] = []
    expect((await s.gate(['p'], { onStatus: x => seen.push(x) })).allConnected).toBe(true)
    expect(s.dials).toEqual([])
    expect(seen.at(-1)).toMatchObject({ state: 'connected', connectionType: 'relay', rttMs: 3 })
  })

  it('closes a silent connection after 2 s and dials again', async () => {
    const s = new Script()
    const stale = s.add('p')
    s.silent.add(stale.id)
    const gate = s.gate(['p'])
    await s.clock.advance(1_999)
    expect(s.closed).toEqual([])
    await s.clock.advance(1)
    expect((await gate).connected).toEqual(['p'])
    expect(s.closed).toEqual([stale.id])
    expect(s.dials).toEqual(['p webrtc'])
  })

  it('does not count who answered early and was lost while the others were waited for; who can be reached anew is', async () => {
    const s = new Script()
    const states: string[] = []
    s.plans.set('late', async (_, __, c) => {
      await s.after(10_000)
      return c
    })
    s.plans.set('dropped', async (_, __, c) => c)
    const lost = s.add('crashed')
    const gate = s.gate(['crashed', 'dropped', 'late'], {
      onStatus: status => {
        if (status.peerId !== 'late') states.push(`${status.peerId} ${status.state}`)
      },
    })
    await s.clock.advance(5_000)
    s.plans.set('crashed', absent)
    s.open.delete(lost.id)
    for (const c of s.connections('dropped')) s.open.delete(c.id)
    await s.clock.advance(25_000)
    expect(await gate).toMatchObject({
      connected: ['dropped', 'late'],
      failed: [{ peerId: 'crashed', errorType: T.PEER_NOT_FOUND }],
    })
    expect(states.filter(x => x.startsWith('dropped')).at(-1)).toBe('dropped connected')
    expect(states.filter(x => x.startsWith('crashed')).at(-1)).toBe('crashed failed')
    expect(s.clock.pending).toBe(0)
  })

  it('does not count a fresh connection that does not answer', async () => {
    const s = new Script()
    s.plans.set('p', async (_, __, c) => {
      s.silent.add(c.id)
      return c
    })
    const gate = s.gate(['p'])
    await s.clock.advance(30_000)
    expect((await gate).failed).toMatchObject([{ peerId: 'p', errorType: T.TIMEOUT }])
    expect(s.open.size).toBe(0)
  })
})

describe('decision 5: nobody is dropped silently', () => {
  it('counts duplicates once, names members without a peer id, leaves oneself out or lists oneself', async () => {
    const s = new Script()
    const member = '02abcdef0123456789'
    const targets: Array<string | GateTarget> = ['me', 'a', { peerId: 'a', member: '03aa' }, { member }]
    expect(await s.gate(targets)).toMatchObject({
      allConnected: false,
      connected: ['a'],
      failed: [{ peerId: 'unknown:02abcdef', errorType: T.PEER_NOT_FOUND, retryable: true, member }],
    })
    expect(s.dials).toEqual(['a webrtc'])
    expect((await s.gate(['me', 'a'], { excludeSelf: false })).connected).toEqual(['me', 'a'])
    expect(s.dials).toHaveLength(1)
  })

  it('says that there is no relay instead of dialling', async () => {
    const s = new Script()
    expect((await s.gate(['a'], {}, [])).failed).toMatchObject([
      { errorType: T.NO_RELAY_ADDRESS, retryable: false, error: 'No relay address available for peer' },
    ])
  })
})

describe('decision 6: order per peer', () => {
  it('WebRTC through each relay, then the plain circuit, and says which it is', async () => {
    const s = new Script()
    const tried: string[] = []
    const two = [...relays, '/dns4/r2.test/tcp/443/wss/p2p/12D3KooWRelay2']
    s.plans.set('p', async (address, _, c) => {
      tried.push(address)
      if (address.includes('/webrtc/')) throw new Event('error')
      return c
    })
    const seen: ParticipantStatus[] = []
    await s.gate(['p'], { onStatus: x => seen.push(x) }, two)
    expect(tried).toEqual(
      candidates('p', two, [])
        .slice(0, 3)
        .map(c => c.address),
    )
    expect(seen.at(-1)).toMatchObject({ state: 'connected', connectionType: 'relay' })
  })

  it('tries once more at once after a WebRTC failure, and no more than once a round', async () => {
    const s = new Script()
    let count = 0
    s.plans.set('flaky', async (a, o, c) => (count++ === 0 ? ice(a, o, c) : c))
    expect((await s.gate(['flaky'])).connected).toEqual(['flaky'])
    expect(s.dials).toEqual(['flaky webrtc', 'flaky webrtc'])
    s.plans.set('broken', ice)
    const broken = s.gate(['broken'])
    await s.clock.settle()
    expect(s.dials.slice(2)).toEqual(['broken webrtc', 'broken webrtc', 'broken relay'])
    await s.clock.advance(10_000)
    expect((await broken).failed).toMatchObject([{ peerId: 'broken', errorType: T.WEBRTC_FAILED }])
  })

  it('asks a relay that has not got the peer once a round, not for the circuit as well', async () => {
    const s = new Script()
    s.plans.set('p', absent)
    expect((await s.through(['p'])).failed).toMatchObject([{ errorType: T.PEER_NOT_FOUND, retryable: true }])
    expect(s.dials).toEqual(Array.from({ length: 4 }, () => 'p webrtc'))
  })

  it('believes the relay that has lost the peer more than the tries that died with him', async () => {
    const s = new Script()
    s.plans.set('left', async (a, o, c) => (a.includes('/webrtc/') ? ice(a, o, c) : absent(a, o, c)))
    expect((await s.through(['left'])).failed).toMatchObject([{ errorType: T.PEER_NOT_FOUND, retryable: true }])
  })

  it('keeps one of two connections when both sides dialled', async () => {
    const meanwhile = async (peerId: string, after: number) => {
      const s = new Script()
      s.plans.set(peerId, async (_, __, c) => {
        s.open.set('theirs', { ...s.connection(peerId), id: 'theirs', direction: 'inbound' })
        await s.after(after)
        return { ...c, openedAt: s.clock.now() }
      })
      const gate = s.gate([peerId])
      await s.clock.advance(after)
      expect((await gate).connected).toEqual([peerId])
      return s.connections(peerId).map(c => (c.id === 'theirs' ? 'theirs' : 'mine'))
    }
    // 'me' is lower than 'z' and greater than 'a'
    expect(await meanwhile('z', 2_000)).toEqual(['theirs'])
    expect(await meanwhile('z', 100)).toEqual(['theirs', 'mine'])
    expect(await meanwhile('a', 100)).toEqual(['theirs'])
  })

  it('a silent one is not kept for the sake of the new one', async () => {
    const s = new Script()
    s.plans.set('a', async (_, __, c) => {
      s.open.set('theirs', { ...s.connection('a'), id: 'theirs', direction: 'inbound' })
      s.silent.add('theirs')
      return c
    })
    expect((await s.through(['a'])).connected).toEqual(['a'])
    expect(s.closed).toEqual(['theirs'])
    expect(s.connections('a')).toHaveLength(1)
  })

  it('tries the circuit beside a WebRTC that is slow: whoever answers first is taken, the other given up', async () => {
    const s = new Script()
    s.plans.set('blocked', (address, options, c) => {
      if (!address.includes('/webrtc/')) return Promise.resolve(c)
      options.onStep?.('sdp')
      return hang(address, options, c)
    })
    s.plans.set('slow', async (address, options, c) => {
      if (!address.includes('/webrtc/')) return hang(address, options, c)
      await s.after(HEAD_START_MS + 1_000)
      return c
    })
    const seen: ParticipantStatus[] = []
    const gate = s.gate(['blocked', 'slow'], { onStatus: x => seen.push(x) })
    await s.clock.advance(HEAD_START_MS - 1)
    expect(s.dials).toEqual(['blocked webrtc', 'slow webrtc'])
    await s.clock.advance(1)
    expect(s.dials.slice(2).sort()).toEqual(['blocked relay', 'slow relay'])
    expect(s.connections('blocked').map(c => c.kind)).toEqual(['relay'])
    await s.clock.advance(1_000)
    expect((await gate).connected).toEqual(['blocked', 'slow'])
    expect(seen.filter(x => x.state === 'connected').map(x => [x.peerId, x.connectionType])).toEqual([
      ['blocked', 'relay'],
      ['slow', 'webrtc'],
    ])
    expect(s.concurrent).toBe(0)
    expect(s.clock.pending).toBe(0)
    // what the second way does is not told while the first goes on
    expect(seen.filter(x => x.peerId === 'slow').map(x => x.step ?? x.state)).toEqual([
      'waiting',
      'connecting',
      'resolve',
      'ping',
      'connected',
    ])
  })

  it('takes the connection that the peer opened meanwhile', async () => {
    const s = new Script()
    s.plans.set('p', async (a, o, c) => {
      s.add('p')
      return absent(a, o, c)
    })
    expect((await s.gate(['p'])).connected).toEqual(['p'])
  })
})

describe('trying again', () => {
  it('three more rounds at most, backed off and jittered, and is over within 3 s when everybody answers at once', async () => {
    const s = new Script()
    const at: number[] = []
    const begun = s.clock.now()
    s.plans.set('p', async (a, o, c) => {
      at.push(s.clock.now() - begun)
      return absent(a, o, c)
    })
    await s.through(['p'])
    const waits = at.slice(1).map((t, i) => t - (at[i] ?? 0))
    expect(waits).toHaveLength(3)
    waits.forEach((wait, i) => {
      expect(wait).toBeGreaterThanOrEqual(200 * 2 ** i)
      expect(wait).toBeLessThanOrEqual(400 * 2 ** i)
    })
    expect(s.clock.pending).toBe(0)
  })

  it('finds who comes back meanwhile, such as a page that is loading anew', async () => {
    const s = new Script()
    let count = 0
    s.plans.set('p', async (a, o, c) => (count++ < 2 ? absent(a, o, c) : c))
    expect((await s.through(['p'])).connected).toEqual(['p'])
  })

  it('not where trying again cannot help', async () => {
    const s = new Script()
    s.plans.set('p', fail(Object.assign(new Error('denied'), { name: 'DialDeniedError' })))
    expect((await s.gate(['p'])).failed).toMatchObject([{ errorType: T.REJECTED, retryable: false }])
    expect(s.dials).toEqual(['p webrtc', 'p relay'])
  })

  it('a wait that would run into the deadline is not made: the reason stays the true one', async () => {
    const s = new Script()
    s.plans.set('p', absent)
    expect((await s.gate(['p'], { connectivityTimeoutMs: 150 })).failed).toMatchObject([
      { errorType: T.PEER_NOT_FOUND },
    ])
    expect(s.clock.pending).toBe(0)
  })

  it('cancelled during a wait it is over at once, without a timer', async () => {
    const s = new Script()
    s.plans.set('p', absent)
    const controller = new AbortController()
    const gate = s.gate(['p'], { signal: controller.signal })
    await s.clock.settle()
    expect(s.clock.pending).toBeGreaterThan(0)
    controller.abort(netError('AbortError', 'dismissed'))
    expect((await gate).failed).toMatchObject([{ errorType: T.NETWORK_ERROR }])
    await s.clock.settle()
    expect(s.clock.pending).toBe(0)
  })
})

describe('the budget of RTCPeerConnections', () => {
  it('a page that has used its own up goes over the relay, and says what to do when that fails too', async () => {
    const s = new Script()
    s.peerConnections = PAGE_PEER_CONNECTIONS
    expect((await s.gate(['p'])).connected).toEqual(['p'])
    expect(s.dials).toEqual(['p relay'])
    s.plans.set('q', fail(new Event('error')))
    expect((await s.gate(['q'])).failed).toMatchObject([{ errorType: T.WEBRTC_FAILED, retryable: false }])
    expect(s.dials).toEqual(['p relay', 'q relay'])
  })

  it('a peer whose connections never open leaves half of what is left to the others', () => {
    let made = 0
    const budget = new PeerConnectionBudget(() => made)
    const use = (peer: string): number => {
      let count = 0
      for (; budget.allows(peer); count++) {
        budget.spend(peer)
        made++
      }
      return count
    }
    expect(['a', 'b', 'c'].map(use)).toEqual([150, 100, 67])
    made = PAGE_PEER_CONNECTIONS
    expect(budget.allows('d')).toBe(false)
  })

  it('counts a dial that comes to an offer, and not one that dies at the relay', async () => {
    const s = new Script()
    s.plans.set('gone', absent)
    s.plans.set('half', fail(new Event('error'), 'sdp'))
    await s.through(['gone', 'half'])
    for (let i = 0; i < 10; i++) await s.through(['gone'])
    s.peerConnections = PAGE_PEER_CONNECTIONS - 2
    expect(s.budget.allows('gone')).toBe(true)
    expect(s.budget.allows('half')).toBe(false)
  })
})

describe('decision 8: status', () => {
  it('goes waiting, connecting with its steps, connected; a failure carries its type', async () => {
    const s = new Script()
    s.plans.set('a', async (_, o, c) => {
      o.onStep?.('relay')
      o.onStep?.('sdp')
      o.onStep?.('ice')
      return c
    })
    s.plans.set('b', absent)
    const seen: ParticipantStatus[] = []
    await s.through([{ peerId: 'a', member: '02aa' }, 'b'], { onStatus: x => seen.push(x) })
    const of = (p: string): string[] => seen.filter(x => x.peerId === p).map(x => x.step ?? x.state)
    expect(of('a')).toEqual(['waiting', 'connecting', 'resolve', 'relay', 'sdp', 'ice', 'ping', 'connected'])
    expect(of('b').slice(0, 4)).toEqual(['waiting', 'connecting', 'resolve', 'relay'])
    // the step at which it died stays with the failure
    expect(seen.filter(x => x.peerId === 'b').at(-1)).toMatchObject({ state: 'failed', step: 'relay' })
    expect(seen.filter(x => x.peerId === 'a').every(x => x.member === '02aa')).toBe(true)
    expect(seen.find(x => x.peerId === 'b' && x.state === 'failed')).toMatchObject({
      connected: false,
      errorType: T.PEER_NOT_FOUND,
      retryable: true,
    })
  })
})

function countListeners(signal: AbortSignal): () => number {
  let count = 0
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  const live = new Set<unknown>()
  signal.addEventListener = (
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void => {
    live.add(listener)
    add(type, listener, options)
    count = live.size
  }
  signal.removeEventListener = (type: string, listener: EventListenerOrEventListenerObject): void => {
    live.delete(listener)
    remove(type, listener)
    count = live.size
  }
  return () => count
}
