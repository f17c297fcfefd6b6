/**
 * Guards: the relay's time. What one client sends is weighed before the library reads it, as it comes and as its muxer
 * gets it; it must wait for what is beyond its rate.
 * Upstream: @libp2p/yamux 8.0.3, dist/src/decode.js (keeps a frame until all of it is there); @libp2p/noise 17.0.3,
 * dist/src/utils.js (decrypts all that one part holds in one go).
 * Needless when: both bound the frames of one task and the length of one frame.
 * Held by: tests/unit/relay/client-throttle.test.ts, tests/unit/libp2p-internals/frame-formats.test.ts,
 * tests/contract/relay-floods.test.ts.
 */
import { TokenBucket, type Rate } from '../../../core/domain/token-bucket'
import { NoiseScan, YamuxScan } from './frame-scans'

/**
 * What one client may send, in units: a frame is one, each 16 KiB of it another, a stream
 * sixteen. The busiest honest client is the hub of a circle of 100 that nobody reaches directly: 99 circuits at once
 * are 2 400 units with the handshakes over them, and 13 MB of nonces for 20 inputs 1 600.
 */
const UNITS: Rate = { perSecond: 1_000, burst: 8_000 }
/** of one part, which is read in one go */
const UNITS_OF_A_PART = 1_024
/** encrypted parts that are one unit: a frame comes in three or four */
const PARTS_OF_A_UNIT = 8
/**
 * what a window costs that is given: a client gives one for each frame that somebody else sends it, and must not run
 * out of units by that
 */
const UPDATE_UNITS = 1 / 8
/** who owes more than this was not in a hurry but at play, milliseconds */
const LONGEST_WAIT_MS = 4_000

/** What can be done about a client. */
export interface ClientHost {
  /** reads nothing of it for so many milliseconds, so that TCP makes it wait, and everybody else has their turn */
  pause(ms: number): void
  /** ends it */
  end(): void
}

/**
 * Watches what one client sends before the library reads it: as it comes, in `encrypted`, and as its muxer gets it, in
 * `muxed`. What is owed beyond the budget is waited for; what nobody honest sends (frames longer than any window, which
 * the muxer would keep until all of it is there, or hundreds in one part, which are read in one go) ends the
 * connection.
 */
export class ClientThrottle {
  private readonly scans = { encrypted: new NoiseScan(), muxed: new YamuxScan(UPDATE_UNITS) }
  private readonly budget: TokenBucket
  private over = false

  constructor(
    private readonly client: ClientHost,
    now: () => number = Date.now,
  ) {
    this.budget = new TokenBucket(UNITS, now)
  }

  /** Whether these bytes may be read. */
  takes(layer: 'encrypted' | 'muxed', bytes: Uint8Array): boolean {
    const units = this.scans[layer].units(bytes)
    if (units === undefined || units > UNITS_OF_A_PART) return this.counts(undefined)
    return this.counts(layer === 'muxed' ? units : units / PARTS_OF_A_UNIT)
  }

  /** The same for what has been weighed; undefined is what nobody sends. */
  counts(units: number | undefined): boolean {
    if (this.over) return false
    const wait = units === undefined ? Infinity : this.budget.spend(units)
    this.over = wait > LONGEST_WAIT_MS
    if (this.over) this.client.end()
    else if (wait > 0) this.client.pause(wait)
    return !this.over
  }
}
