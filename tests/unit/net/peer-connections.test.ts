import { describe, expect, it } from 'vitest'
import { PeerConnectionCount } from '../../../services/adapters/libp2p/peer-connections'

const inbound = (lines: PeerConnectionCount, from?: string): boolean => {
  try {
    lines.take(from)
    return true
  } catch {
    return false
  }
}

describe("the count of a page's RTCPeerConnections", () => {
  it('whoever keeps calling leaves half to our own dials', () => {
    const lines = new PeerConnectionCount()
    for (let i = 0; i < 240; i++) expect(inbound(lines, `peer ${i}`)).toBe(true)
    expect(inbound(lines, 'one more')).toBe(false)
    for (let i = 0; i < 250; i++)
      lines.dial(() => {
        lines.take()
      })
    expect(lines.made).toBe(490)
    expect(() =>
      lines.dial(() => {
        lines.take()
      }),
    ).toThrow(expect.objectContaining({ name: 'PeerConnectionsSpentError' }) as Error)
  })

  it('a dial that made none gives back what was taken for it, and only that', () => {
    const lines = new PeerConnectionCount()
    const died = lines.dial(() => {
      lines.take()
    })
    lines.dial(() => {
      lines.take()
    })
    lines.take()
    died.giveBack()
    expect(lines.made).toBe(2)
    lines.dial(() => undefined).giveBack()
    expect(lines.made).toBe(2)
  })

  it('a dial that throws at once leaves what comes after it inbound', () => {
    const lines = new PeerConnectionCount()
    expect(() =>
      lines.dial(() => {
        throw new Error('no such address')
      }),
    ).toThrow('no such address')
    for (let i = 0; i < 240; i++) lines.take(`peer ${i}`)
    expect(inbound(lines)).toBe(false)
  })

  it('one peer alone uses up half of what callers may have, the next half of the rest', () => {
    const lines = new PeerConnectionCount()
    const most = (from: string): number => {
      let taken = 0
      while (inbound(lines, from)) taken++
      return taken
    }
    expect([most('a'), most('b'), most('c'), most('a')]).toEqual([120, 60, 30, 0])
    expect(inbound(lines, 'somebody else')).toBe(true)
  })
})
