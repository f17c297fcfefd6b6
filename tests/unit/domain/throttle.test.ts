import { describe, expect, it } from 'vitest'
import { createThrottle } from '../../../services/core/domain/throttle'
import { FakeClock } from '../../fakes/clock'

describe('a throttle', () => {
  const make = () => {
    const clock = new FakeClock()
    const told: number[] = []
    const start = clock.now()
    const throttled = createThrottle(clock, 100, () => told.push(clock.now() - start))
    return { clock, told, throttled }
  }

  it('tells the first change at once and all of a burst once', async () => {
    const { clock, told, throttled } = make()
    throttled()
    throttled()
    expect(told).toEqual([])
    await clock.settle()
    expect(told).toEqual([0])
  })

  it('gathers what changes within the gap, loses nothing of it, and rests when nothing changes', async () => {
    const { clock, told, throttled } = make()
    throttled()
    await clock.advance(30)
    throttled()
    await clock.advance(30)
    throttled()
    await clock.advance(1_000)
    expect(told).toEqual([0, 100])
    expect(clock.pending).toBe(0)
    throttled()
    await clock.settle()
    expect(told).toEqual([0, 100, 1_060])
  })

  it('tells of a change that telling itself causes', async () => {
    const clock = new FakeClock()
    let told = 0
    const throttled = createThrottle(clock, 100, () => {
      if (++told === 1) throttled()
    })
    throttled()
    await clock.advance(500)
    expect(told).toBe(2)
  })

  it('does not wait for the gap when it must not, and what was gathered goes with it', async () => {
    const { clock, told, throttled } = make()
    throttled()
    await clock.advance(30)
    throttled()
    throttled.now()
    await clock.advance(1_000)
    expect(told).toEqual([0, 30])
  })

  it('says nothing after its end and leaves no timer', async () => {
    const { clock, told, throttled } = make()
    throttled()
    await clock.settle()
    throttled()
    throttled.stop()
    throttled()
    await clock.advance(500)
    expect(told).toEqual([0])
    expect(clock.pending).toBe(0)
  })
})
