/**
 * Guards: the relay's memory. The library keeps all that waits for the far end of a circuit, which may never read.
 * Upstream: @libp2p/circuit-relay-v2 4.2.13, dist/src/utils.js (`createLimitedRelay` sends on without waiting);
 * @libp2p/utils 7.4.1, dist/src/abstract-message-stream.js (`onData` gives parts of whatever they came in).
 * Needless when: the library waits for a drain before it reads on.
 * Held by: tests/unit/relay/circuits.test.ts, tests/unit/libp2p-internals/stream-windows.test.ts,
 * tests/contract/relay-floods.test.ts.
 */
import type { Stream } from '@libp2p/interface'
import { windowOf } from './stream-windows'

/**
 * bytes of a circuit that may wait for who does not read, beside the windows of both ends; then its sender must wait
 */
const WAITING_BYTES = 1024 * 1024
/** the same of all circuits; then the one for which most waits is ended */
const ALL_WAITING_BYTES = 256 * 1024 * 1024
/** what a part costs that waits, beside its bytes */
const PART_BYTES = 1024
/** a part of fewer bytes is copied, or it would keep all that came with it */
const SMALL_BYTES = 32 * 1024

/** One direction of a circuit. */
interface Direction {
  waiting: number
  readonly end: () => void
}

/** Holds senders back whose far ends do not read. */
export class BackPressure {
  /** bytes that wait in all circuits, and where: both directions of each whose ends are there */
  private waiting = 0
  private readonly directions = new Set<Direction>()

  /**
   * Has the sender wait while much of what it sent waits for the other end.
   * @param end ends the circuit when all together keep too much, and this one most of it
   */
  hold(from: Stream, to: Stream, end: () => void): void {
    const window = windowOf(from)
    const direction: Direction = { waiting: 0, end }
    let held = false
    this.directions.add(direction)
    const add = (bytes: number): void => {
      if (!this.directions.has(direction)) return
      direction.waiting += bytes
      this.waiting += bytes
    }
    const onData = window.onData.bind(from)
    window.onData = data => {
      onData(data.byteLength < SMALL_BYTES ? (data.slice() as typeof data) : data)
    }
    from.addEventListener('message', ({ data }) => {
      add(data.byteLength + PART_BYTES)
      if (!held && direction.waiting > WAITING_BYTES) {
        held = true
        window.sendPause()
      }
      if (this.waiting > ALL_WAITING_BYTES)
        [...this.directions].reduce((most, other) => (other.waiting > most.waiting ? other : most)).end()
    })
    const send = to.send.bind(to)
    to.send = data => {
      add(-data.byteLength - PART_BYTES)
      const more = send(data)
      if (held && direction.waiting <= WAITING_BYTES / 2) {
        held = false
        if (from.status === 'open') window.sendResume()
      }
      return more
    }
    to.addEventListener(
      'close',
      () => {
        add(-direction.waiting)
        this.directions.delete(direction)
      },
      { once: true },
    )
  }
}
