import {
  TypedEventEmitter,
  setMaxListeners,
  transportSymbol,
  type ComponentLogger,
  type CreateListenerOptions,
  type Listener,
  type ListenerEvents,
  type Transport,
} from '@libp2p/interface'
import { getThinWaistAddresses } from '@libp2p/utils'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { isIPv6, type AddressInfo, type BlockList, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import { clientIp, limitKey, plainIp, trusts } from './addresses'
import { SocketConnection } from './connection'
import type { Guard } from './guard'
import type { RelayLimits } from './limits'
import type { Counters, Refusal } from './metrics'
import type { Certificate } from './tls'

/**
 * Two of the longest Noise messages fit, of which a client sends one; all of it is held for a stranger, and as long as
 * one byte of it is not read.
 */
const MESSAGE_BYTES = 128 * 1024
/** parts in which it may come, which are joined; one of the network has 1 KiB and more */
const MESSAGE_PARTS = 1024
const FRAGMENTS = 32
/** how long a client may take to say what it wants, milliseconds */
const REQUEST_MS = 10_000
/** how often those who take longer are looked for, milliseconds */
const LOOK_MS = 2_000
/**
 * sockets beside the WebSockets that may be there: such as have not yet said what they want, and those that ask for
 * /health
 */
const SPARE = 256
const SPARE_PER_IP = 32

const STATUS: Partial<Record<Refusal, string>> = {
  draining: '503 Service Unavailable',
  connections: '503 Service Unavailable',
}

export interface TransportOptions {
  readonly guard: Guard
  readonly counters: Counters
  readonly trusted: BlockList
  readonly tls?: Certificate
  /** answers what is no WebSocket */
  readonly answer: RequestListener
  readonly limits: Pick<RelayLimits, 'connections' | 'connectionsPerIp'>
}

/** The relay's transport: it accepts WebSockets and never dials. */
export class InboundWebSockets implements Transport {
  readonly [transportSymbol] = true as const
  readonly [Symbol.toStringTag] = 'tandem-relay-websockets'
  private readonly listeners: WebSocketListener[] = []

  constructor(
    private readonly options: TransportOptions,
    private readonly logger: ComponentLogger,
  ) {}

  createListener(init: CreateListenerOptions): Listener {
    const listener = new WebSocketListener(this.options, this.logger, init)
    this.listeners.push(listener)
    return listener
  }

  /** From now on new clients get this certificate. */
  renew(certificate: Certificate): void {
    for (const listener of this.listeners) listener.renew(certificate)
  }

  listenFilter(addresses: Multiaddr[]): Multiaddr[] {
    return addresses.filter(address => address.toString().endsWith('/ws'))
  }
  dialFilter(): Multiaddr[] {
    return []
  }
  dial(): Promise<never> {
    return Promise.reject(new Error('the relay does not dial'))
  }
}

class WebSocketListener extends TypedEventEmitter<ListenerEvents> implements Listener {
  private readonly server: Server | TlsServer
  private readonly sockets: WebSocketServer
  private readonly closing = new AbortController()
  /** open sockets of each IP, whatever they are for */
  private readonly open = new Map<string, number>()
  private suffix = '/ws'
  private address: Multiaddr | undefined

  constructor(
    private readonly options: TransportOptions,
    private readonly logger: ComponentLogger,
    private readonly init: CreateListenerOptions,
  ) {
    super()
    // one listener for each handshake under way
    setMaxListeners(Infinity, this.closing.signal)
    const patience = { headersTimeout: REQUEST_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: LOOK_MS }
    this.server =
      options.tls === undefined
        ? createServer(patience, options.answer)
        : createTlsServer({ ...options.tls, ...patience, handshakeTimeout: REQUEST_MS }, options.answer)
    this.server.maxConnections = options.limits.connections + SPARE
    this.server.on('connection', (socket: Socket) => {
      this.bound(socket)
    })
    this.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.upgrade(request, socket, head)
    })
    this.server.on('tlsClientError', (_error: Error, socket: Duplex) => {
      socket.destroy()
    })
    this.sockets = new WebSocketServer({
      noServer: true,
      maxPayload: MESSAGE_BYTES,
      maxBufferedChunks: MESSAGE_PARTS,
      maxFragments: FRAGMENTS,
      perMessageDeflate: false,
      clientTracking: true,
    })
  }

  renew(certificate: Certificate): void {
    if ('setSecureContext' in this.server) this.server.setSecureContext(certificate)
  }

  async listen(address: Multiaddr): Promise<void> {
    this.address = address
    const [host, port] = [address.getComponents()[0]?.value, address.getComponents()[1]?.value]
    if (this.options.tls !== undefined) this.suffix = '/tls/ws'
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen({ host, port: Number(port), ipv6Only: isIPv6(host ?? '') }, () => {
        this.server.removeListener('error', reject)
        resolve()
      })
    })
    this.safeDispatchEvent('listening')
  }

  getAddrs(): Multiaddr[] {
    const bound = this.server.address() as AddressInfo | null
    if (bound === null || this.address === undefined) return []
    return getThinWaistAddresses(this.address, bound.port).map(address =>
      multiaddr(`${address.toString()}${this.suffix}`),
    )
  }

  updateAnnounceAddrs(): void {
    return undefined
  }

  async close(): Promise<void> {
    this.closing.abort()
    for (const socket of this.sockets.clients) socket.terminate()
    this.sockets.close()
    await new Promise<void>(resolve => {
      this.server.close(() => resolve())
      this.server.closeAllConnections()
    })
    this.safeDispatchEvent('close')
  }

  /**
   * A socket was opened, and nobody knows yet what for. Behind a proxy, whose sockets all have one address, it bounds
   * them.
   */
  private bound(socket: Socket): void {
    const { counters, limits, trusted } = this.options
    const ip = plainIp(socket.remoteAddress ?? '0.0.0.0')
    if (trusts(trusted, ip)) return
    const key = limitKey(ip)
    const open = (this.open.get(key) ?? 0) + 1
    this.open.set(key, open)
    socket.once('close', () => {
      const left = (this.open.get(key) ?? 1) - 1
      if (left > 0) this.open.set(key, left)
      else this.open.delete(key)
    })
    if (open <= limits.connectionsPerIp + SPARE_PER_IP) return
    counters.refuse('connections-per-ip', { ip })
    socket.destroy()
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { guard, trusted } = this.options
    const forwarded = request.headers['x-forwarded-for']
    const ip = clientIp(
      request.socket.remoteAddress,
      Array.isArray(forwarded) ? forwarded.join(',') : forwarded,
      trusted,
    )
    const { remotePort = 0 } = request.socket
    socket.on('error', () => {
      socket.destroy()
    })
    const refusal = guard.admit(ip)
    if (refusal !== undefined) {
      socket.end(
        `HTTP/1.1 ${STATUS[refusal] ?? '429 Too Many Requests'}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
        () => socket.destroy(),
      )
      return
    }
    socket.once('close', () => guard.left(ip))
    this.sockets.handleUpgrade(request, socket, head, accepted => {
      this.accept(accepted, ip, remotePort)
    })
  }

  private accept(socket: WebSocket, ip: string, port: number): void {
    socket.binaryType = 'nodebuffer'
    const remote = multiaddr(`/${isIPv6(ip) ? 'ip6' : 'ip4'}/${ip}/tcp/${port}/ws`)
    const connection = new SocketConnection(
      socket,
      remote,
      this.logger.forComponent('tandem:relay:connection'),
      this.options.counters,
    )
    this.init.upgrader.upgradeInbound(connection, { signal: this.closing.signal }).catch((error: unknown) => {
      connection.abort(error instanceof Error ? error : new Error('the handshake failed'))
    })
  }
}
