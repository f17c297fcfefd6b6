import type { Connection } from '@libp2p/interface'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ConnectionMonitor } from '../../../relay/connection-monitor'

describe('ConnectionMonitor', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  function make(count: number, dead: ReadonlySet<number> = new Set()) {
    const aborted: number[] = []
    const asked: number[] = []
    const all = Array.from(
      { length: count },
      (_, id) =>
        ({
          id,
          status: 'open',
          abort: () => {
            aborted.push(id)
          },
        }) as unknown as Connection,
    )
    const monitor = new ConnectionMonitor(
      () => all,
      async connection => {
        const id = Number(connection.id)
        asked.push(id)
        if (dead.has(id)) throw new Error('no answer')
      },
    )
    return { monitor, aborted, asked, all }
  }

  it('asks each once in a round, never many in one moment', async () => {
    const { monitor, asked } = make(200)
    monitor.start()
    let most = 0
    for (let at = 0, before = 0; at < 15_000; at += 250, before = asked.length) {
      await vi.advanceTimersByTimeAsync(250)
      most = Math.max(most, asked.length - before)
    }
    expect([...asked].sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i))
    expect(most).toBeLessThanOrEqual(4)
    await vi.advanceTimersByTimeAsync(15_000)
    expect(asked).toHaveLength(400)
    monitor.stop()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked).toHaveLength(400)
  })

  it('asks one no more often because it is alone, ends whoever does not answer, and leaves alone what is closed', async () => {
    const { monitor, aborted, asked, all } = make(3, new Set([1]))
    Object.assign(all[2] ?? {}, { status: 'closed' })
    monitor.start()
    await vi.advanceTimersByTimeAsync(15_000)
    expect([asked, aborted]).toEqual([[0, 1], [1]])
    monitor.stop()
  })
})
