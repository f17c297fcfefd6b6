/**
 * Guards: the page's time. What a peer sends is weighed before the library reads it, because that reads frames as fast
 * as they come: a text on a data channel is the length of an array to it, and one message may hold hundreds of
 * thousands of empty frames.
 * Upstream: @libp2p/webrtc 6.0.33, dist/src/stream.js (reads a data channel); @libp2p/yamux 8.0.3, dist/src/decode.js
 * (keeps a frame until all of it is there); @libp2p/noise 17.0.3, dist/src/utils.js (drops empty messages).
 * Needless when: the three bound the frames of one task and the length of one frame, and tell of who breaks the bound.
 * Held by: tests/unit/net/inbound-limits.test.ts, tests/unit/libp2p-internals/connection-layers.test.ts,
 * tests/e2e/hostile-peer.spec.ts.
 */
import { BoundedMap } from '../../../core/domain/bounded-map'
import type { PeerId } from '../../../core/domain/ids'
import { TokenBucket, type Rate } from '../../../core/domain/token-bucket'
import type { Clock } from '../../../ports/clock'
import { tooMuch, type MessageSource } from './bounded-streams'
import { NoiseScan, ProtobufScan, STREAM_UNITS, YamuxScan } from './frame-scans'

/**
 * What one peer may send, in units. A message of 64 KiB is ten, of WebRTC as well as over a relay, and anybody may send
 * fifty a second. A frame over a relay, which is decrypted twice, takes half a millisecond of a slow machine.
 */
const UNITS: Rate = { perSecond: 600, burst: 2_000 }
/** What comes over a relay, still encrypted, in parts as the relay cuts them: a go-libp2p one every 2 KiB. */
const ENCRYPTED_PARTS: Rate = { perSecond: 2_000, burst: 8_000 }
/** Calls over a relay, each with a handshake. A network that heals brings five in a second or two. */
const CALLS: Rate = { perSecond: 5, burst: 30 }
/** peers whose rates are remembered */
const PEERS = 1_024

interface Throttles {
  readonly units: TokenBucket
  readonly encrypted: TokenBucket
  readonly calls: TokenBucket
}

type Admit = (event: Event, units: number | undefined) => void

/**
 * What peers send, watched below the library. All connections of a peer share one rate, and it outlives them.
 */
export class InboundLimits {
  readonly #peers = new BoundedMap<PeerId, Throttles>(PEERS)

  constructor(
    private readonly clock: Clock,
    private readonly onFlood: (peerId: PeerId) => void,
  ) {}

  /** Whether a call over a relay is taken: who calls again and again costs a handshake each time. */
  takesCall(peerId: PeerId): boolean {
    return this.#throttlesOf(peerId).calls.take()
  }

  /**
   * Watches a WebRTC connection from its first moment. What breaks a bound closes it, and none of that reaches the
   * library.
   */
  guardPeerConnection(peer: RTCPeerConnection, peerId: PeerId): void {
    const admit = this.#bounded(peerId, () => {
      peer.close()
    })
    const watch = (channel: RTCDataChannel): void => {
      const scan = new ProtobufScan()
      channel.binaryType = 'arraybuffer'
      channel.addEventListener('message', (event: MessageEvent<unknown>) => {
        const { data } = event
        admit(event, data instanceof ArrayBuffer ? scan.units(new Uint8Array(data)) : undefined)
      })
    }
    peer.addEventListener('datachannel', event => {
      watch(event.channel)
      admit(event, STREAM_UNITS)
    })
    const create = peer.createDataChannel.bind(peer)
    peer.createDataChannel = (label, init) => {
      const channel = create(label, init)
      watch(channel)
      return channel
    }
  }

  /**
   * Whether the next part of a relayed connection may be read: Noise drops what is empty without a word, when it has
   * decrypted it. That the peer has sent it is the relay's word, so the connection is ended, and nobody is blamed.
   */
  guardEncrypted(connection: Pick<MessageSource, 'abort'>, peerId: PeerId): (part: Uint8Array) => boolean {
    const { encrypted } = this.#throttlesOf(peerId)
    const scan = new NoiseScan()
    let broken = false
    return part => {
      if (broken) return false
      const units = scan.units(part)
      broken = units === undefined || !encrypted.take(units)
      if (broken) connection.abort(tooMuch())
      return !broken
    }
  }

  /**
   * Watches what a relayed connection carries, before its muxer does: that keeps what belongs to a frame until all of
   * it is there, however long it is.
   */
  guardMuxed(muxed: MessageSource, peerId: PeerId): void {
    const admit = this.#bounded(peerId, () => {
      muxed.abort(tooMuch())
    })
    const scan = new YamuxScan()
    muxed.addEventListener('message', event => {
      admit(event, scan.units(event.data.subarray()))
    })
  }

  #bounded(peerId: PeerId, close: () => void): Admit {
    const throttle = this.#throttlesOf(peerId).units
    let broken = false
    return (event, units) => {
      if (!broken && units !== undefined && throttle.take(units)) return
      event.stopImmediatePropagation()
      if (broken) return
      broken = true
      close()
      this.onFlood(peerId)
    }
  }

  #throttlesOf(peerId: PeerId): Throttles {
    const bucket = (rate: Rate): TokenBucket => new TokenBucket(rate, () => this.clock.now())
    return this.#peers.getOrInsert(peerId, () => ({
      units: bucket(UNITS),
      encrypted: bucket(ENCRYPTED_PARTS),
      calls: bucket(CALLS),
    }))
  }
}
