import { describe, expect, it } from 'vitest'
import { TokenBucket } from '../../../services/core/domain/token-bucket'

function bucket(perSecond: number, burst: number) {
  const time = { now: 1_000_000 }
  return { time, tokens: new TokenBucket({ perSecond, burst }, () => time.now) }
}

describe('a token bucket', () => {
  it('lets a burst through, then as much as flows in', () => {
    const { time, tokens } = bucket(10, 3)
    expect([tokens.take(), tokens.take(), tokens.take(), tokens.take()]).toEqual([true, true, true, false])
    time.now += 99
    expect(tokens.take()).toBe(false)
    time.now += 1
    expect([tokens.take(), tokens.take()]).toEqual([true, false])
  })

  it('never holds more than a burst', () => {
    const { time, tokens } = bucket(10, 3)
    time.now += 3_600_000
    expect(tokens.take(4)).toBe(false)
    expect(tokens.take(3)).toBe(true)
  })

  it('takes nothing when there is not enough', () => {
    const { tokens } = bucket(1, 5)
    expect(tokens.take(6)).toBe(false)
    expect(tokens.take(5)).toBe(true)
  })

  it('says how long until one may be taken', () => {
    const { time, tokens } = bucket(2, 1)
    expect(tokens.waitMs()).toBe(0)
    tokens.take()
    expect(tokens.waitMs()).toBe(500)
    time.now += 250
    expect(tokens.waitMs()).toBe(250)
    time.now += 250
    expect(tokens.waitMs()).toBe(0)
  })

  it('lends, and says how long until the debt is paid', () => {
    const { time, tokens } = bucket(100, 10)
    expect(tokens.spend(10)).toBe(0)
    expect(tokens.spend(50)).toBe(500)
    expect(tokens.spend(50)).toBe(1_000)
    expect(tokens.take()).toBe(false)
    time.now += 1_010
    expect(tokens.take()).toBe(true)
  })

  it('is full again after a while', () => {
    const { time, tokens } = bucket(10, 2)
    expect(tokens.full()).toBe(true)
    tokens.take()
    expect(tokens.full()).toBe(false)
    time.now += 100
    expect(tokens.full()).toBe(true)
  })

  it('gives and costs nothing when the clock is set back', () => {
    const { time, tokens } = bucket(10, 1)
    tokens.take()
    time.now -= 60_000
    expect(tokens.take()).toBe(false)
    time.now += 100
    expect(tokens.take()).toBe(true)
  })
})
