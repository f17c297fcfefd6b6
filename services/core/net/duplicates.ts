import type { ConnectionInfo } from '../../ports/transport'
import type { PeerId } from '../domain/ids'

/** Milliseconds by which the connection of the greater peer id must be the earlier one to stay. */
export const SAME_MOMENT_MS = 1_500
/**
 * Milliseconds after which a connection is in use, so that a later one is one too many. More than `SAME_MOMENT_MS`: the
 * two sides see the two connections come up at slightly different times, and must never each close the other's choice.
 */
export const IN_USE_MS = 2_000
/** Milliseconds after which the lower peer id would have given way: when both are still there, the greater one does. */
export const SETTLED_MS = 10_000

/**
 * The connection because of which `mine`, which this side dialled, is one too many.
 * 1. One of a kind is enough for two members.
 * 2. That of the lower peer id stays, unless the other was in use before it came: streams run over it.
 * 3. Only whoever dialled a connection closes it. By this rule at most one side does.
 * 4. What lies between the two bounds is decided by the greater peer id when nothing has happened for `SETTLED_MS`.
 *
 * @param open connections to the same peer; those of other kinds, and `mine`, are passed over
 * @param now left out when the connection has only just come
 */
export function keptInstead(
  self: PeerId,
  mine: ConnectionInfo,
  open: readonly ConnectionInfo[],
  now = mine.openedAt,
): ConnectionInfo | undefined {
  if (mine.direction !== 'outbound') return undefined
  return open.find(other => {
    if (other.id === mine.id || other.kind !== mine.kind) return false
    const elderBy = mine.openedAt - other.openedAt
    // both by this side: nobody else decides
    if (other.direction === 'outbound') return elderBy > 0 || (elderBy === 0 && other.id < mine.id)
    if (self < mine.peerId) return elderBy >= IN_USE_MS
    return elderBy > -SAME_MOMENT_MS || now - Math.max(mine.openedAt, other.openedAt) >= SETTLED_MS
  })
}
