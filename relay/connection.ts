import type { Logger, MessageStream } from '@libp2p/interface'
import { AbstractMultiaddrConnection } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { WebSocket } from 'ws'
import { ClientThrottle } from '../services/adapters/libp2p/internals/client-throttle'
import type { Counters } from './metrics'

/** bytes that may wait in one socket for a slow reader before its writers are told to wait */
const SEND_BUFFER_BYTES = 1024 * 1024
/** bytes that may wait for one who reads nothing, in the socket and before it; then it is ended */
const STUCK_BYTES = 8 * 1024 * 1024
/** what a WebSocket that ended without a goodbye reports, RFC 6455 section 7.1.5 */
const ABNORMAL = 1006

type SendResult = ReturnType<AbstractMultiaddrConnection['sendData']>

/** One accepted WebSocket, as libp2p wants it. */
export class SocketConnection extends AbstractMultiaddrConnection {
  private waiting = false
  private resumes: NodeJS.Timeout | undefined
  private readonly throttle: ClientThrottle

  constructor(
    private readonly socket: WebSocket,
    remoteAddr: Multiaddr,
    log: Logger,
    private readonly counters: Counters,
  ) {
    super({ remoteAddr, direction: 'inbound', log, maxWriteBufferLength: STUCK_BYTES })
    this.throttle = new ClientThrottle({
      pause: ms => {
        this.pauseReading(ms)
      },
      end: () => {
        counters.refuse('flood', { ip: remoteAddr.getComponents()[0]?.value ?? '' })
        this.abort(new Error('too much was sent'))
      },
    })
    socket.on('message', (data: Buffer | ArrayBuffer | Buffer[]) => {
      // `nodebuffer` is the type of all messages here, a text is bytes as well
      const bytes = data as Buffer
      if (this.stuck()) return
      counters.bytesIn += bytes.byteLength
      if (this.throttle.takes('encrypted', bytes)) this.onData(bytes)
    })
    // answered by the library itself, into the same buffer
    socket.on('ping', () => {
      if (!this.stuck()) this.throttle.counts(1)
    })
    socket.on('pong', () => {
      this.throttle.counts(1)
    })
    socket.on('error', error => {
      this.abort(error)
    })
    socket.once('close', (code: number) => {
      if (code === ABNORMAL) this.onRemoteReset()
      else this.onTransportClosed()
    })
  }

  override sendData(data: Parameters<AbstractMultiaddrConnection['sendData']>[0]): SendResult {
    const { socket } = this
    const bytes = data.subarray()
    this.counters.bytesOut += bytes.byteLength
    socket.send(bytes, () => {
      if (!this.waiting || socket.bufferedAmount > SEND_BUFFER_BYTES / 2) return
      this.waiting = false
      this.safeDispatchEvent('drain')
    })
    const canSendMore = socket.bufferedAmount < SEND_BUFFER_BYTES
    if (!canSendMore) this.waiting = true
    return { sentBytes: bytes.byteLength, canSendMore }
  }

  /** Watches what this connection carries, decrypted. Called before the muxer listens. */
  watchMuxed(muxed: MessageStream): void {
    muxed.addEventListener('message', event => {
      if (!this.throttle.takes('muxed', event.data.subarray())) event.stopImmediatePropagation()
    })
  }

  /** Each pause is to the end of all that is owed, so the last one counts. */
  private pauseReading(ms: number): void {
    clearTimeout(this.resumes)
    this.socket.pause()
    this.resumes = setTimeout(() => {
      this.socket.resume()
    }, ms).unref()
  }

  /** Ends the connection of one who asks and asks, and does not take the answers. */
  private stuck(): boolean {
    if (this.socket.bufferedAmount <= STUCK_BYTES) return false
    this.abort(new Error('what was sent is not read'))
    return true
  }

  override sendReset(): void {
    this.socket.terminate()
  }

  override sendClose(): Promise<void> {
    this.socket.close()
    return Promise.resolve()
  }

  // A stream that is not read is held back by its own window; the socket is read on.
  override sendPause(): void {
    return undefined
  }
  override sendResume(): void {
    return undefined
  }
}
