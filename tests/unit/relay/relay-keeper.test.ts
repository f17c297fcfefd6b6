import { beforeEach, describe, expect, it } from 'vitest'
import { RelayKeeper } from '../../../services/adapters/libp2p/relay-keeper'
import type { RelayStatus } from '../../../services/ports/transport'

/** Steps by hand: timers run when `pass` reaches them. */
class Steps {
  private at = 0
  private timers: { readonly due: number; readonly fn: () => void }[] = []
  now(): number {
    return this.at
  }

  after(ms: number, fn: () => void): () => void {
    const timer = { due: this.at + ms, fn }
    this.timers.push(timer)
    return () => {
      this.timers = this.timers.filter(t => t !== timer)
    }
  }

  async pass(ms: number): Promise<void> {
    const end = this.at + ms
    for (;;) {
      const next = this.timers.filter(t => t.due <= end).sort((a, b) => a.due - b.due)[0]
      if (next === undefined) break
      this.at = next.due
      this.timers = this.timers.filter(t => t !== next)
      next.fn()
      await settle()
    }
    this.at = end
  }

  get pending(): number {
    return this.timers.length
  }
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}

describe('RelayKeeper', () => {
  let steps: Steps
  let held: Set<string>
  let down: Map<string, unknown>
  let asked: string[]
  let told: RelayStatus[]
  let silent: Set<string>
  let verified: string[]
  let keeper: RelayKeeper

  beforeEach(() => {
    steps = new Steps()
    held = new Set()
    down = new Map()
    asked = []
    told = []
    silent = new Set()
    verified = []
    keeper = new RelayKeeper(
      {
        async reserve(address) {
          asked.push(address)
          if (down.has(address)) throw down.get(address)
          held.add(address)
        },
        holds: address => held.has(address),
        async verify(address) {
          verified.push(address)
          if (silent.has(address)) held.delete(address)
        },
        async release(address) {
          held.delete(address)
        },
      },
      steps,
      () => 1,
      status => told.push(status),
    )
  })

  const states = (): string[] => keeper.statuses().map(s => s.state)

  it('reserves on each wanted relay, and one that is dead does not keep the other from it', async () => {
    down.set('/dead', new Event('error'))
    await keeper.set(['/dead', '/good'])
    keeper.start()
    await settle()
    expect(states()).toEqual(['unreachable', 'reserved'])
    expect(told.map(s => `${s.address} ${s.state}`)).toEqual([
      '/dead connecting',
      '/good connecting',
      '/dead unreachable',
      '/good reserved',
    ])
  })

  it('asks again with doubling waits, at most 30 s, and stops when it got the place', async () => {
    down.set('/r', new Error('down'))
    await keeper.set(['/r'])
    keeper.start()
    await settle()
    const at: number[] = []
    for (let i = 0; i < 10; i++) {
      const before = asked.length
      while (asked.length === before) await steps.pass(250)
      at.push(steps.now())
    }
    const waits = at.map((t, i) => t - (at[i - 1] ?? 0))
    expect(waits).toEqual([250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
    down.clear()
    await steps.pass(30_000)
    expect(states()).toEqual(['reserved'])
    const count = asked.length
    await steps.pass(600_000)
    expect(asked).toHaveLength(count)
  })

  it('takes a lost place anew, told by an event or, without one, by looking', async () => {
    await keeper.set(['/r'])
    keeper.start()
    await settle()
    held.clear()
    keeper.check()
    expect(states()).toEqual(['unreachable'])
    await steps.pass(250)
    expect(states()).toEqual(['reserved'])
    held.clear()
    await steps.pass(30_000 + 250)
    expect(states()).toEqual(['reserved'])
    expect(asked).toHaveLength(3)
  })

  it.each(['reservation failed with status RESERVATION_REFUSED', 'reservation failed with status PERMISSION_DENIED'])(
    'names a refusal (%s) and asks a minute later',
    async message => {
      down.set('/full', new Error(message))
      await keeper.set(['/full'])
      keeper.start()
      await settle()
      expect(states()).toEqual(['refused'])
      await steps.pass(59_999)
      expect(asked).toHaveLength(1)
      await steps.pass(1)
      expect(asked).toHaveLength(2)
    },
  )

  it('being told the same relays again means: try now', async () => {
    down.set('/r', new Error('down'))
    await keeper.set(['/r'])
    keeper.start()
    await settle()
    down.clear()
    await keeper.set(['/r'])
    await settle()
    expect(states()).toEqual(['reserved'])
  })

  it('on wake asks at once where no place is held, and whether held ones still answer', async () => {
    down.set('/dead', new Error('down'))
    await keeper.set(['/dead', '/good', '/silent'])
    keeper.start()
    await settle()
    await steps.pass(100_000)
    down.clear()
    silent.add('/silent')
    asked.length = 0
    told.length = 0
    keeper.wake()
    await settle()
    expect(asked).toEqual(['/dead'])
    expect(verified).toEqual(['/good', '/silent'])
    expect(told.map(s => `${s.address} ${s.state}`)).toEqual([
      '/dead connecting',
      '/dead reserved',
      '/silent unreachable',
    ])
    await steps.pass(250)
    expect(states()).toEqual(['reserved', 'reserved', 'reserved'])
    keeper.stop()
    keeper.wake()
    expect(verified).toHaveLength(2)
  })

  it('gives back what is no longer wanted, even when it came too late, and leaves no timer behind', async () => {
    let arrive: () => void = () => undefined
    const slow = new RelayKeeper(
      {
        reserve: address =>
          new Promise(resolve => {
            arrive = () => {
              held.add(address)
              resolve()
            }
          }),
        holds: address => held.has(address),
        verify: async () => undefined,
        async release(address) {
          held.delete(address)
        },
      },
      steps,
      () => 1,
      () => undefined,
    )
    await slow.set(['/slow'])
    slow.start()
    await slow.set([])
    arrive()
    await settle()
    expect([...held]).toEqual([])
    expect(slow.statuses()).toEqual([])
    slow.stop()
    expect(steps.pending).toBe(0)
  })
})
