import { pbStream, streamPair } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire, register } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { applyPatches } from '../../../scripts/apply-patches'

/**
 * The dialer of @libp2p/webrtc against a peer connection whose `init` channel has moved on before it looks: on the
 * patched file the dial ends, on the file with the patch taken back it waits for an `open` that does not come again.
 * See patches/README.md.
 */

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const PACKAGE = 'node_modules/@libp2p/webrtc'
const FILE = join(PACKAGE, 'dist/src/private-to-private/initiate-connection.js')
const UNPATCHED = join(ROOT, dirname(FILE), `initiate-connection.unpatched-${process.pid}.js`)
const SIGNALING = '/webrtc-signaling/0.0.1'
const RELAY = '12D3KooWGP1JS9VugogNajdau4VfSfyM1BouCcYLHUcG5HBmzYpu'
const TARGET = '12D3KooWAB2Er9q9KSMMFGe4pcYX7uSGxRE4zANQsqa66iLmfEHu'

type State = 'connecting' | 'open' | 'closing' | 'closed'

class FakeChannel extends EventTarget {
  readyState: State
  closes = 0
  readonly awaited = new Map<string, number>()

  constructor(state: State) {
    super()
    this.readyState = state
  }

  override addEventListener(...args: Parameters<EventTarget['addEventListener']>): void {
    this.awaited.set(args[0], (this.awaited.get(args[0]) ?? 0) + 1)
    super.addEventListener(...args)
  }

  override removeEventListener(...args: Parameters<EventTarget['removeEventListener']>): void {
    this.awaited.set(args[0], (this.awaited.get(args[0]) ?? 0) - 1)
    super.removeEventListener(...args)
  }

  /** Moves to a state as a browser does: the state first, its event in a task of its own. */
  become(state: 'open' | 'closed'): void {
    this.readyState = state
    this.dispatchEvent(new Event(state === 'open' ? 'open' : 'close'))
  }

  close(): void {
    this.closes++
    if (this.readyState === 'closed') return
    this.readyState = 'closing'
    setTimeout(() => {
      if (this.readyState === 'closing') this.become('closed')
    }, 0)
  }
}

class FakePeerConnection extends EventTarget {
  /** how the next connection's channel stands when ICE is done */
  static next: State = 'open'
  static last: FakePeerConnection | undefined
  connectionState = 'new'
  onicecandidate: unknown = null
  onicecandidateerror: unknown = null
  onconnectionstatechange: unknown = null
  readonly channel = new FakeChannel('connecting')

  constructor() {
    super()
    FakePeerConnection.last = this
  }

  createDataChannel(): FakeChannel {
    return this.channel
  }
  async createOffer(): Promise<{ type: string; sdp: string }> {
    return { type: 'offer', sdp: 'offer' }
  }
  async setLocalDescription(): Promise<void> {
    /* nothing to gather */
  }

  async setRemoteDescription(): Promise<void> {
    this.connectionState = 'connected'
    const { next } = FakePeerConnection
    if (next === 'connecting') setTimeout(() => this.channel.become('open'), 0)
    else this.channel.readyState = next
    if (next === 'closing') setTimeout(() => this.channel.become('closed'), 0)
  }

  close(): void {
    this.connectionState = 'closed'
  }
}

type Initiate = (init: Record<string, unknown>) => Promise<unknown>
interface Pb {
  Message: { Type: { SDP_ANSWER: unknown }; encode(m: unknown): Uint8Array; decode(b: Uint8Array): unknown }
}

const load = async <T>(path: string): Promise<T> => (await import(/* @vite-ignore */ pathToFileURL(path).href)) as T

/** The unpatched text, made by patch-package itself in a copy. */
function takeBack(): string {
  const root = mkdtempSync(join(tmpdir(), 'tandem-unpatch-'))
  try {
    mkdirSync(join(root, dirname(FILE)), { recursive: true })
    writeFileSync(
      join(root, 'package.json'),
      JSON.stringify({ name: 'x', dependencies: { '@libp2p/webrtc': '6.0.33' } }),
    )
    cpSync(join(ROOT, PACKAGE, 'package.json'), join(root, PACKAGE, 'package.json'))
    cpSync(join(ROOT, dirname(FILE)), join(root, dirname(FILE)), { recursive: true })
    cpSync(join(ROOT, 'patches'), join(root, 'patches'), {
      recursive: true,
      filter: name => !name.endsWith('.patch') || name.includes('@libp2p+webrtc'),
    })
    const bin = join(dirname(createRequire(import.meta.url).resolve('patch-package/package.json')), 'index.js')
    const run = spawnSync(process.execPath, [bin, '--reverse', '--error-on-fail'], { cwd: root, encoding: 'utf8' })
    if (run.status !== 0) throw new Error(`could not take the patch back: ${run.stdout}${run.stderr}`)
    return readFileSync(join(root, FILE), 'utf8')
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

describe('WebRTC dial with an init channel that is ahead', () => {
  let patched: Initiate
  let unpatched: Initiate
  let pb: Pb

  beforeAll(async () => {
    expect(applyPatches(ROOT)).toEqual({ ok: true })
    const text = takeBack()
    expect(text).not.toBe(readFileSync(join(ROOT, FILE), 'utf8'))
    writeFileSync(UNPATCHED, text)
    // In Node the library would load a native module: take its browser side, as a bundler does, with our peer
    // connection.
    register(
      `data:text/javascript,${encodeURIComponent(`export async function resolve(specifier, context, next) {
      return next(specifier.endsWith('/webrtc/index.js') ? specifier.replace(/index\\.js$/, 'index.browser.js') : specifier, context)
    }`)}`,
    )
    Object.assign(globalThis, {
      RTCPeerConnection: FakePeerConnection,
      RTCSessionDescription: class {
        constructor(readonly init: unknown) {}
      },
      RTCIceCandidate: class {},
    })
    patched = (await load<{ initiateConnection: Initiate }>(join(ROOT, FILE))).initiateConnection
    unpatched = (await load<{ initiateConnection: Initiate }>(UNPATCHED)).initiateConnection
    pb = await load<Pb>(join(ROOT, dirname(FILE), 'pb/message.js'))
  })

  afterAll(() => rmSync(UNPATCHED, { force: true }))

  /** Dials and drains tasks until the dial settles or, with everything done, does not. */
  async function dial(
    initiate: Initiate,
    state: State,
  ): Promise<{ result: 'connected' | 'pending' | Error; channel: FakeChannel; stop: () => Promise<unknown> }> {
    FakePeerConnection.next = state
    const [near, far] = await streamPair()
    const answer = pbStream(far).pb(pb.Message as never)
    void answer.read().then(async () => {
      await answer.write({ type: pb.Message.Type.SDP_ANSWER, data: 'answer' } as never)
    })
    const controller = new AbortController()
    let result: 'connected' | 'pending' | Error = 'pending'
    const dialling = initiate({
      multiaddr: multiaddr(`/ip4/127.0.0.1/tcp/1/ws/p2p/${RELAY}/p2p-circuit/webrtc/p2p/${TARGET}`),
      signal: controller.signal,
      log: Object.assign(() => undefined, { trace: () => undefined, error: () => undefined }),
      transportManager: {},
      connectionManager: {
        getConnections: () => [
          {
            newStream: async (protocol: string) => {
              expect(protocol).toBe(SIGNALING)
              return near
            },
          },
        ],
      },
    }).then(
      () => {
        result = 'connected'
      },
      (error: Error) => {
        result = error
      },
    )
    // Nothing of the fakes takes longer than a few tasks: what is pending after hundreds of rounds waits for an event
    // that never comes.
    for (let round = 0; round < 400 && result === 'pending'; round++)
      await new Promise(resolve => {
        setTimeout(resolve, 0)
      })
    return {
      result,
      channel: FakePeerConnection.last?.channel as FakeChannel,
      stop: async () => {
        controller.abort()
        await dialling
        return result
      },
    }
  }

  it.each<State>(['connecting', 'open', 'closing', 'closed'])(
    'connects on the patched file when the channel is %s',
    async state => {
      const { result, channel } = await dial(patched, state)
      expect(result).toBe('connected')
      expect(channel.readyState).toBe('closed')
    },
  )

  it.each<State>(['connecting', 'open'])('the unpatched file, too, connects when the channel is %s', async state => {
    expect((await dial(unpatched, state)).result).toBe('connected')
  })

  it.each<State>(['closing', 'closed'])(
    'the unpatched file waits for an open that has been when the channel is %s',
    async state => {
      const { result, channel, stop } = await dial(unpatched, state)
      expect(result).toBe('pending')
      expect(channel.awaited.get('open')).toBe(1)
      expect(channel.readyState).toBe('closed')
      expect(await stop()).toBeInstanceOf(Error)
    },
  )
})
