import '../support/node-websocket'
import { createHash } from 'node:crypto'
import { RealNetwork, type Node } from '../support/real-network'
import { until } from '../support/until'
import type { RelayProcess } from './relay-process'

/** milliseconds after which a circle that has not come together again counts as failed */
export const RECOVERY_MS = 30_000

/**
 * n members, watched by each other and joined through relays, lose the one that carries the connection of the first two
 * to SIGKILL. Gives the milliseconds from there until everybody is connected to everybody again, as each one's live
 * pings say, and the first has passed the gate. Nobody asks for anything meanwhile.
 *
 * @throws when the circle does not come together, or the loss is not noticed
 */
export async function recover(n: number, relays: readonly RelayProcess[]): Promise<number> {
  const network = new RealNetwork()
  try {
    const list = relays.map(r => r.address)
    const nodes = await Promise.all(Array.from({ length: n }, () => network.node(list)))
    const members = nodes.map(m => ({ accountKey: m.accountKey, peerId: m.transport.peerId }))
    const group = createHash('sha256')
      .update(members.map(m => m.peerId).join())
      .digest('hex')
    for (const m of nodes)
      m.p2p.joinWallet({ walletId: group, groupSecret: group, self: m.accountKey, relays: list, members })
    const together = () =>
      nodes.every(m => nodes.every(o => o === m || m.p2p.status(o.transport.peerId)?.connected === true))
    await until(together, 'the circle', RECOVERY_MS)
    const [first, second] = nodes as [Node, Node]
    const [line] = first.transport.connections(second.transport.peerId)
    const { relay } = await first.p2p.report(second.transport.peerId)
    const inUse = relays.find(r => relay !== undefined && r.address.endsWith(`/p2p/${relay}`))
    if (line === undefined || inUse === undefined) throw new Error('no relay carries the connection of the first two')
    const from = performance.now()
    await inUse.kill()
    await until(
      () => first.transport.connections(second.transport.peerId).every(c => c.id !== line.id),
      'the loss of a connection',
      RECOVERY_MS,
    )
    await until(together, 'the circle again', RECOVERY_MS)
    const { allConnected, failed } = await first.p2p.ensureConnected(members.slice(1))
    if (!allConnected) throw new Error(failed.map(f => f.error).join('; '))
    return performance.now() - from
  } finally {
    await network.close()
  }
}
