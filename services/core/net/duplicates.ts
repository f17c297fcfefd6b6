import type { ConnectionInfo } from '../../ports/transport'
import type { PeerId } from '../domain/ids'

/** Milliseconds between two connections that the two sides may have opened without knowing of the other's. */
export const SAME_MOMENT_MS = 1_500
/**
 * Milliseconds after which a connection is in use, so that a later one is one too many. More than `SAME_MOMENT_MS`: the two sides see the
 * two connections come up at slightly different times, and must never each close the other's choice.
 */
export const IN_USE_MS = 2_000

/**
 * The connection because of which `mine`, which this side dialled, is one too many. One of a kind is enough for two members: the one that was
 * there first, because streams run over it; of two that came up in the same moment, the one that the lower peer id dialled. Whoever dialled a
 * connection closes it, and by this rule at most one side does.
 *
 * @param open connections to the same peer; those of other kinds, and `mine`, are passed over
 */
export function keptInstead(self: PeerId, mine: ConnectionInfo, open: readonly ConnectionInfo[]): ConnectionInfo | undefined {
  if (mine.direction !== 'outbound') return undefined
  return open.find((other) => {
    if (other.id === mine.id || other.kind !== mine.kind) return false
    const elderBy = mine.openedAt - other.openedAt
    // both by this side: nobody else decides
    if (other.direction === 'outbound') return elderBy > 0 || (elderBy === 0 && other.id < mine.id)
    return elderBy >= IN_USE_MS || (Math.abs(elderBy) < SAME_MOMENT_MS && mine.peerId < self)
  })
}
