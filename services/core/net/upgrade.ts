import type { Clock } from '../../ports/clock'
import type { Transport } from '../../ports/transport'
import type { PeerId } from '../domain/ids'
import { closeQuietly } from './attempt'
import { backoffMs } from './backoff'
import { netError } from './classify'
import { BACKGROUND_DIAL_MS, upgradePeer, type ConnectDeps } from './connect'

/** a page has 500 RTCPeerConnections in its life: upgrades get rare soon, milliseconds */
const UPGRADE_BASE_MS = 1_000
const UPGRADE_MAX_MS = 600_000
/** milliseconds that an upgraded peer's relayed connection is kept, until the streams have moved */
const LINGER_MS = 5_000

export interface RelayUpgradeDeps extends ConnectDeps {
  /** milliseconds by which this side lets the other dial first, jitter included */
  headStartMs(peerId: PeerId): number
  /** a try is over, whatever came of it */
  onTried(): void
}

/** Tries to reach a peer by WebRTC while a relayed connection is used. One try at a time, ever less often. */
export class RelayUpgrade {
  #timer: (() => void) | undefined
  #dial: AbortController | undefined
  #tries = 0

  constructor(
    private readonly d: RelayUpgradeDeps,
    private readonly peerId: PeerId,
  ) {}

  schedule(): void {
    if (this.#timer || this.#dial) return
    const jitter = this.d.entropy.bytes(1)[0] ?? 0
    const ms = backoffMs(this.#tries * 2, UPGRADE_BASE_MS, UPGRADE_MAX_MS, jitter) + this.d.headStartMs(this.peerId)
    this.#timer = this.d.clock.after(ms, () => {
      void this.#try()
    })
  }

  /** The next try comes soon again. */
  resetBackoff(): void {
    this.#tries = 0
  }

  /** Takes back a try that is scheduled; one under way goes on. */
  cancel(): void {
    this.#timer?.()
    this.#timer = undefined
  }

  stop(): void {
    this.cancel()
    this.#dial?.abort(netError('AbortError', 'not watched any more'))
  }

  async #try(): Promise<void> {
    this.#timer = undefined
    this.#tries++
    const dial = new AbortController()
    this.#dial = dial
    const { transport, clock, budget, onReached } = this.d
    await upgradePeer({
      transport,
      clock,
      budget,
      onReached,
      peerId: this.peerId,
      candidates: this.d.candidates(this.peerId),
      deadlineMs: BACKGROUND_DIAL_MS,
      signal: dial.signal,
    })
    this.#dial = undefined
    this.d.onTried()
  }
}

/** Closes relayed connections of peers that are reached without a relay by now. */
export class RelayedClosings {
  readonly #timers = new Set<() => void>()

  constructor(
    private readonly transport: Pick<Transport, 'connections' | 'closeConnection'>,
    private readonly clock: Clock,
  ) {}

  /** The streams get time to move first. Only what this side dialled is closed by it. */
  schedule(peerId: PeerId): void {
    const relayed = this.transport.connections(peerId).filter(c => c.kind === 'relay' && c.direction === 'outbound')
    if (relayed.length === 0) return
    const cancel = this.clock.after(LINGER_MS, () => {
      this.#timers.delete(cancel)
      if (this.transport.connections(peerId)[0]?.kind === 'relay') return
      for (const connection of relayed) closeQuietly(this.transport, connection)
    })
    this.#timers.add(cancel)
  }

  stop(): void {
    for (const cancel of this.#timers) cancel()
  }
}
