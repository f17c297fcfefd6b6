import { multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../../ports/clock'
import type { ConnectionInfo } from '../../ports/transport'
import { named, raced } from './abortable'
import { listenAddress, relayPeer } from './addresses'
import type { ConnectionTable } from './connection-table'
import type { RelayPlace } from './internals/relay-listener'
import type { Node } from './node'
import { pingConnection } from './ping'
import type { RelayHost } from './relay-keeper'

/** how long a relay may take to answer a ping after a sleep, milliseconds */
const RELAY_PING_MS = 2_000

/** Places on relays of one node: what the keeper of relays asks for. */
export class RelayPlaces implements RelayHost {
  /** by listen address; filled while the node listens */
  readonly listened = new Map<string, RelayPlace>()

  constructor(
    private readonly table: ConnectionTable,
    private readonly clock: Clock,
    private readonly running: () => Node,
    /** connections or addresses have changed */
    private readonly changed: () => void,
  ) {}

  holds(address: string): boolean {
    return this.listened.get(listenAddress(address))?.held() ?? false
  }

  async reserve(address: string): Promise<void> {
    const node = this.running()
    const listen = multiaddr(listenAddress(address))
    if (!this.listened.has(listen.toString())) await node.services.manager.listen([listen])
    const place = this.listened.get(listen.toString())
    if (place === undefined) throw named('NoValidAddressesError', 'no transport for this relay address')
    await place.reserve()
  }

  /**
   * After a sleep the WebSocket to a relay may be long dead without a word: the library finds out after many seconds, a
   * ping in two.
   */
  async verify(address: string): Promise<void> {
    await Promise.all(
      this.connections(address).map(async ({ id }) => {
        const late = new AbortController()
        const cancel = this.clock.after(RELAY_PING_MS, () =>
          late.abort(named('TimeoutError', 'the relay did not answer')),
        )
        try {
          await raced(pingConnection(this.table.get(id).connection, late.signal), late.signal)
        } catch {
          await this.table.close(id)
        } finally {
          cancel()
        }
      }),
    )
  }

  /** A reservation lives as long as the connection that asked for it: closing that gives it back. */
  async release(address: string): Promise<void> {
    await Promise.all(this.connections(address).map(info => this.table.close(info.id)))
    this.changed()
  }

  private connections(address: string): readonly ConnectionInfo[] {
    return this.table.list(relayPeer(address)).filter(info => info.kind === 'direct')
  }
}
