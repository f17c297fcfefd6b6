import type { Transport } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { FACT, Rtc } from '../../../services/adapters/libp2p/rtc'
import type { AttemptFact } from '../../../services/core/domain/diagnostics'

const RELAY = '12D3KooWGP1JS9VugogNajdau4VfSfyM1BouCcYLHUcG5HBmzYpu'
const TARGET = '12D3KooWAB2Er9q9KSMMFGe4pcYX7uSGxRE4zANQsqa66iLmfEHu'
const ADDRESS = multiaddr(`/ip4/127.0.0.1/tcp/1/ws/p2p/${RELAY}/p2p-circuit/webrtc/p2p/${TARGET}`)

class FakePeerConnection extends EventTarget {
  static last: FakePeerConnection
  connectionState = 'new'
  constructor() {
    super()
    FakePeerConnection.last = this
  }
  createDataChannel(): EventTarget {
    return new EventTarget()
  }
  addIceCandidate(): Promise<void> {
    return Promise.resolve()
  }
  close(): void {
    this.become('closed')
  }
  become(state: string): void {
    this.connectionState = state
    this.dispatchEvent(new Event('connectionstatechange'))
  }
}

/** A dial of the library that ends when the data channel works, whatever the browser has said of the connection. */
let works: () => Promise<void>
vi.mock('@libp2p/webrtc', () => {
  // as the library does: what is global while it is loaded
  const Constructor = globalThis.RTCPeerConnection
  return {
    webRTC: (init: { rtcConfiguration: () => RTCConfiguration }) => () => ({
      dial: async () => {
        const peer = new Constructor(init.rtcConfiguration())
        await works()
        return peer
      },
    }),
  }
})

describe('what is told of a WebRTC dial', () => {
  const before = globalThis.RTCPeerConnection
  beforeAll(() => {
    Object.assign(globalThis, { RTCPeerConnection: FakePeerConnection })
  })
  afterAll(() => {
    Object.assign(globalThis, { RTCPeerConnection: before })
  })

  async function dial(): Promise<string[]> {
    const transport = (await new Rtc({ servers: [], relayOnly: false }, () => undefined).transport())({
      registrar: {},
    } as never)
    const facts: string[] = []
    const onProgress = ({ type, detail }: { type: string; detail: AttemptFact }): void => {
      if (type === FACT) facts.push(detail.type)
    }
    const options = { onProgress, signal: AbortSignal.timeout(1_000) } as unknown as Parameters<Transport['dial']>[1]
    await transport.dial(ADDRESS, options).catch(() => undefined)
    return facts
  }

  it('is that it is open by the time the dial has ended, though the browser says so later', async () => {
    works = () => Promise.resolve()
    const facts = await dial()
    expect(facts).toEqual(['step', 'open'])
    FakePeerConnection.last.become('connected')
    expect(facts).toEqual(['step', 'open'])
  })

  it('is it once when the browser says so first, and not at all when the dial fails', async () => {
    works = async () => FakePeerConnection.last.become('connected')
    expect(await dial()).toEqual(['step', 'open'])
    works = async () => {
      FakePeerConnection.last.close()
      throw new Error('no')
    }
    expect(await dial()).toEqual(['step', 'failed'])
  })
})
