import { describe, expect, it } from 'vitest'
import { createPulse } from '../../../services/core/domain/pulse'
import { FakeClock } from '../../fakes/clock'

describe('a pulse', () => {
  const make = () => {
    const clock = new FakeClock()
    const told: number[] = []
    const start = clock.now()
    const pulse = createPulse(clock, 100, () => told.push(clock.now() - start))
    return { clock, told, pulse }
  }

  it('tells the first change at once and all of a burst once', async () => {
    const { clock, told, pulse } = make()
    pulse()
    pulse()
    expect(told).toEqual([])
    await clock.settle()
    expect(told).toEqual([0])
  })

  it('gathers what changes within the gap, loses nothing of it, and rests when nothing changes', async () => {
    const { clock, told, pulse } = make()
    pulse()
    await clock.advance(30)
    pulse()
    await clock.advance(30)
    pulse()
    await clock.advance(1_000)
    expect(told).toEqual([0, 100])
    expect(clock.pending).toBe(0)
    pulse()
    await clock.settle()
    expect(told).toEqual([0, 100, 1_060])
  })

  it('tells of a change that telling itself causes', async () => {
    const clock = new FakeClock()
    let told = 0
    const pulse = createPulse(clock, 100, () => {
      if (++told === 1) pulse()
    })
    pulse()
    await clock.advance(500)
    expect(told).toBe(2)
  })

  it('does not wait for the gap when it must not, and what was gathered goes with it', async () => {
    const { clock, told, pulse } = make()
    pulse()
    await clock.advance(30)
    pulse()
    pulse.now()
    await clock.advance(1_000)
    expect(told).toEqual([0, 30])
  })

  it('says nothing after its end and leaves no timer', async () => {
    const { clock, told, pulse } = make()
    pulse()
    await clock.settle()
    pulse()
    pulse.stop()
    pulse()
    await clock.advance(500)
    expect(told).toEqual([0])
    expect(clock.pending).toBe(0)
  })
})
