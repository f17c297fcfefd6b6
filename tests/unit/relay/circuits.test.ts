import type { CircuitRelayService } from '@libp2p/circuit-relay-v2'
import { describe, expect, it } from 'vitest'
import { CircuitWatch } from '../../../services/adapters/libp2p/internals/circuit-relay-server'
import { Counters } from '../../../relay/metrics'

const MIB = 1024 * 1024

/** What a circuit needs of a stream, without a network. */
class End extends EventTarget {
  status = 'open'
  held = false
  readonly onData = (): void => undefined
  readonly sendPause = (): void => {
    this.held = true
  }
  readonly sendResume = (): void => {
    this.held = false
  }
  send = (): boolean => true
  abort(): void {
    if (this.status !== 'open') return
    this.status = 'aborted'
    this.dispatchEvent(new Event('close'))
  }
  comes(bytes: number): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data: { byteLength: bytes } }))
  }
  goes(bytes: number): void {
    ;(this.send as unknown as (data: { byteLength: number }) => boolean)({ byteLength: bytes })
  }
}

describe('a circuit of the relay', () => {
  const counters = new Counters()
  const watch = new CircuitWatch(counters, { here: () => true, vacated: () => undefined })
  let called = new End()
  const service = {
    handleHopProtocol: async () => undefined,
    handleReserve: async () => undefined,
    handleConnect: async (_: unknown, options: unknown) => {
      await service.stopHop({ request: {} }, options)
    },
    stopHop: async (_request: unknown, _options: unknown) => called,
  }
  watch.watch(service as unknown as CircuitRelayService, () => false)

  async function join(to = new End()): Promise<{ near: End; far: End }> {
    const near = new End()
    called = to
    await service.handleConnect(
      { connection: { remotePeer: { toString: () => 'caller' } }, stream: { unwrap: () => near, pb: () => ({}) } },
      {},
    )
    return { near, far: to }
  }

  it('has its sender wait while much waits for the other end, and go on when half of it has gone', async () => {
    const { near, far } = await join()
    near.comes(MIB)
    expect([near.held, far.held]).toEqual([true, false])
    far.goes(MIB)
    expect(near.held).toBe(false)
    near.abort()
    expect(watch.circuits()).toBe(0)
  })

  it('is none when an end has gone before the two are joined', async () => {
    const gone = new End()
    gone.abort()
    const { near } = await join(gone)
    expect([near.status, watch.circuits()]).toEqual(['aborted', 0])
  })

  it('ends when all together keep too much, and most of it', async () => {
    const all = []
    for (let i = 0; i < 100; i++) all.push(await join())
    for (const { near } of all) near.comes(MIB)
    all[50]?.near.comes(150 * MIB)
    expect(all.filter(({ near }) => near.status !== 'open')).toEqual([])
    all[3]?.near.comes(10 * MIB)
    expect(all.map(({ near }, i) => (near.status === 'open' ? -1 : i)).filter(i => i >= 0)).toEqual([50])
    expect(all[50]?.far.status).toBe('aborted')
    expect(counters.refusals.flood).toBe(1)
    // what the ended one kept is free again
    all[3]?.near.comes(100 * MIB)
    expect(all.filter(({ near }) => near.status !== 'open')).toHaveLength(1)
    for (const { near, far } of all) for (const end of [near, far]) end.abort()
    expect(watch.circuits()).toBe(0)
  })
})
