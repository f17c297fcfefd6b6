import type { Connection } from '@libp2p/interface'
import type { ConnectionKind } from '../../core/domain/connectivity'
import type { PeerId } from '../../core/domain/ids'
import type { Clock } from '../../ports/clock'
import type { ConnectionInfo, TransportEvent } from '../../ports/transport'
import { named, raced } from './abortable'
import { kindOf, type Node } from './node'

/** the best way to a peer first */
const RANK: Record<ConnectionKind, number> = { webrtc: 0, direct: 1, relay: 2 }
/** how long the goodbye of a connection may take, milliseconds */
const GOODBYE_MS = 2_000
/**
 * Opening this stream says "I close this connection". A browser notices the end of a WebRTC connection only when pings
 * fail, after 10 s or more, because the library sends no goodbye of its own.
 */
const FAREWELL = '/tandem/bye/1'
/** how long a farewell may take, milliseconds; the connection is closed in any case */
const FAREWELL_MS = 500
/** time for the answer to the farewell to leave before this side closes too, milliseconds */
const LINGER_MS = 100

/** A connection that is open, and what went over its channels. */
export interface Link {
  readonly info: ConnectionInfo
  readonly connection: Connection
  sent: number
  received: number
}

/** What the table tells of. */
export interface ConnectionEvents {
  tell(event: TransportEvent): void
  /** the last connection of this peer has gone */
  gone(peerId: PeerId): void
}

/** The connections that are open, as the port shows them, and how they end. */
export class ConnectionTable {
  private readonly links = new Map<string, Link>()

  constructor(
    private readonly clock: Clock,
    private readonly events: ConnectionEvents,
  ) {}

  /** Answers the farewells of others. */
  async answerFarewells(node: Node): Promise<void> {
    await node.handle(
      FAREWELL,
      (_stream, connection) => {
        this.closed(connection.id)
        this.clock.after(LINGER_MS, () =>
          connection.abort(named('ConnectionClosedError', 'the other side closed the connection')),
        )
      },
      { runOnLimitedConnection: true },
    )
  }

  has(connectionId: string): boolean {
    return this.links.has(connectionId)
  }

  /** @throws ConnectionClosedError */
  get(connectionId: string): Link {
    const link = this.links.get(connectionId)
    if (link === undefined) throw named('ConnectionClosedError', 'the connection is closed')
    return link
  }

  list(peerId?: PeerId): readonly ConnectionInfo[] {
    return [...this.links.values()]
      .map(link => link.info)
      .filter(info => peerId === undefined || info.peerId === peerId)
      .sort((a, b) => RANK[a.kind] - RANK[b.kind] || b.openedAt - a.openedAt)
  }

  /** @throws ConnectionClosedError */
  opened(connection: Connection): Link {
    const known = this.links.get(connection.id)
    if (known !== undefined) return known
    const info: ConnectionInfo = {
      id: connection.id,
      peerId: connection.remotePeer.toString(),
      kind: kindOf(connection),
      direction: connection.direction,
      openedAt: this.clock.now(),
    }
    const link: Link = { info, connection, sent: 0, received: 0 }
    if (connection.status !== 'open') throw named('ConnectionClosedError', 'the connection was closed at once')
    this.links.set(info.id, link)
    this.events.tell({ type: 'connected', connection: info })
    return link
  }

  closed(connectionId: string): void {
    const link = this.links.get(connectionId)
    if (link === undefined) return
    this.links.delete(connectionId)
    if (this.list(link.info.peerId).length === 0) this.events.gone(link.info.peerId)
    this.events.tell({ type: 'disconnected', connection: link.info })
  }

  allClosed(): void {
    for (const id of [...this.links.keys()]) this.closed(id)
  }

  async close(connectionId: string): Promise<void> {
    const link = this.links.get(connectionId)
    if (link === undefined) return
    this.closed(connectionId)
    await this.farewell(link)
    const late = new AbortController()
    const cancel = this.clock.after(GOODBYE_MS, () =>
      late.abort(named('TimeoutError', 'the other side did not answer')),
    )
    try {
      await raced(link.connection.close({ signal: late.signal }), late.signal)
    } catch (error) {
      link.connection.abort(error instanceof Error ? error : new Error('the connection could not be closed'))
    } finally {
      cancel()
    }
  }

  /** Says to everybody that the connection will be closed. */
  async farewells(): Promise<void> {
    await Promise.all([...this.links.values()].map(link => this.farewell(link)))
  }

  /** Ends all connections of a peer: the library does not notice by itself when a WebRTC one is closed here. */
  abort(peerId: PeerId, reason: Error): void {
    for (const { info, connection } of [...this.links.values()]) {
      if (info.peerId !== peerId) continue
      this.closed(info.id)
      connection.abort(reason)
    }
  }

  private async farewell({ info, connection }: Link): Promise<void> {
    if (info.kind !== 'webrtc' || connection.status !== 'open') return
    const late = new AbortController()
    const cancel = this.clock.after(FAREWELL_MS, () => late.abort(named('TimeoutError', 'no answer to the farewell')))
    try {
      await raced(connection.newStream(FAREWELL, { signal: late.signal, runOnLimitedConnection: true }), late.signal)
    } catch {
      // nobody there to say it to
    } finally {
      cancel()
    }
  }
}
