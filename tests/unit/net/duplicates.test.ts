import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IN_USE_MS, keptInstead, SAME_MOMENT_MS, SETTLED_MS } from '../../../services/core/net/duplicates'
import type { ConnectionInfo } from '../../../services/ports/transport'

const connection = (
  id: string,
  direction: ConnectionInfo['direction'],
  openedAt: number,
  more: Partial<ConnectionInfo> = {},
): ConnectionInfo => ({ id, peerId: 'm', kind: 'webrtc', direction, openedAt, ...more })

describe('two connections between the same two members', () => {
  it('the one in use stays', () => {
    const mine = connection('mine', 'outbound', IN_USE_MS)
    expect(keptInstead('a', mine, [mine, connection('theirs', 'inbound', 0)])?.id).toBe('theirs')
    expect(keptInstead('z', mine, [mine, connection('theirs', 'inbound', 0)])?.id).toBe('theirs')
    // and its own side does not give it up for a later one
    expect(
      keptInstead('z', connection('mine', 'outbound', 0), [connection('theirs', 'inbound', IN_USE_MS)]),
    ).toBeUndefined()
  })

  it('of two of the same moment that of the lower peer id stays', () => {
    const at = (ms: number) =>
      [connection('mine', 'outbound', 5_000), connection('theirs', 'inbound', 5_000 + ms)] as const
    for (const ms of [-(SAME_MOMENT_MS - 1), 0, SAME_MOMENT_MS - 1]) {
      const [mine, theirs] = at(ms)
      expect(keptInstead('z', mine, [mine, theirs])?.id).toBe('theirs')
      expect(keptInstead('a', mine, [mine, theirs])).toBeUndefined()
    }
  })

  it('of two that this side dialled the elder stays', () => {
    const [first, second] = [connection('c1', 'outbound', 10), connection('c2', 'outbound', 10)]
    expect(keptInstead('a', second, [first, second])?.id).toBe('c1')
    expect(keptInstead('a', first, [first, second])).toBeUndefined()
  })

  it('another kind does not count, and nobody closes what the other dialled', () => {
    const mine = connection('mine', 'outbound', 9_000)
    expect(keptInstead('z', mine, [connection('relayed', 'inbound', 0, { kind: 'relay' })])).toBeUndefined()
    expect(
      keptInstead('z', connection('theirs', 'inbound', 9_000), [connection('elder', 'outbound', 0)]),
    ).toBeUndefined()
  })

  it('never both go, however differently the two sides saw them come up within half a second', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 10_000 }),
        fc.integer({ min: 0, max: 10_000 }),
        fc.integer({ min: 0, max: 499 }),
        fc.integer({ min: 0, max: 499 }),
        (x, y, lagX, lagY) => {
          // 'a' dialled x and saw it first; 'z' dialled y
          const a = {
            mine: connection('x', 'outbound', x, { peerId: 'z' }),
            theirs: connection('y', 'inbound', y + lagY, { peerId: 'z' }),
          }
          const z = {
            mine: connection('y', 'outbound', y, { peerId: 'a' }),
            theirs: connection('x', 'inbound', x + lagX, { peerId: 'a' }),
          }
          const closed = [
            keptInstead('a', a.mine, [a.mine, a.theirs]),
            keptInstead('z', z.mine, [z.mine, z.theirs]),
          ].filter(c => c !== undefined)
          expect(closed.length).toBeLessThan(2)
          if (Math.abs(x - y) >= IN_USE_MS + 500 || Math.abs(x - y) < SAME_MOMENT_MS - 500)
            expect(closed).toHaveLength(1)
        },
      ),
    )
  })

  it('one goes in the end, however far apart they came up', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 5_000 }),
        fc.integer({ min: 0, max: 5_000 }),
        fc.integer({ min: 0, max: 499 }),
        fc.integer({ min: 0, max: 499 }),
        (x, y, lagX, lagY) => {
          const a = {
            mine: connection('x', 'outbound', x, { peerId: 'z' }),
            theirs: connection('y', 'inbound', y + lagY, { peerId: 'z' }),
          }
          const z = {
            mine: connection('y', 'outbound', y, { peerId: 'a' }),
            theirs: connection('x', 'inbound', x + lagX, { peerId: 'a' }),
          }
          const early = [
            keptInstead('a', a.mine, [a.mine, a.theirs]),
            keptInstead('z', z.mine, [z.mine, z.theirs]),
          ].filter(c => c !== undefined)
          // whoever was clear about it has closed his own by now, and the other side sees one only
          const late =
            early.length > 0
              ? early
              : [keptInstead('z', z.mine, [z.mine, z.theirs], 5_500 + SETTLED_MS)].filter(c => c !== undefined)
          expect(late).toHaveLength(1)
        },
      ),
    )
  })
})
