import { pbStream, streamPair } from '@libp2p/utils'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'

const FOLDER = fileURLToPath(
  new URL('../../../node_modules/@libp2p/webrtc/dist/src/private-to-private/', import.meta.url),
)
const load = async <T>(path: string): Promise<T> =>
  (await import(/* @vite-ignore */ pathToFileURL(join(FOLDER, path)).href)) as T

interface Pb {
  readonly Message: {
    readonly Type: { readonly ICE_CANDIDATE: unknown }
    encode(message: unknown): Uint8Array
    decode(bytes: Uint8Array): unknown
  }
}
interface Util {
  readCandidatesUntilConnected(pc: unknown, stream: unknown, options: Record<string, unknown>): Promise<void>
}

/** Of @libp2p/webrtc, patched: see patches/README.md. */
describe('candidates of a WebRTC call', () => {
  let pb: Pb
  let util: Util
  beforeAll(async () => {
    Object.assign(globalThis, {
      RTCIceCandidate: class {},
      RTCPeerConnection: class {},
      RTCSessionDescription: class {},
    })
    pb = await load('pb/message.js')
    util = await load('util.js')
  })

  /** What is logged of so many candidates that say nothing. */
  async function read(count: number): Promise<string[]> {
    const [near, far] = await streamPair()
    const errors: string[] = []
    const reading = util.readCandidatesUntilConnected(
      { connectionState: 'new' },
      pbStream(far).pb(pb.Message as never),
      {
        direction: 'recipient',
        signal: AbortSignal.timeout(10_000),
        log: Object.assign(() => undefined, {
          trace: () => undefined,
          error: (_: string, __: string, error: Error) => {
            errors.push(error.message)
          },
        }),
      },
    )
    const said = pbStream(near).pb(pb.Message as never)
    for (let i = 0; i < count; i++) await said.write({ type: pb.Message.Type.ICE_CANDIDATE } as never)
    await near.close()
    await reading
    return errors
  }

  it('are read to their end, and no more of them than any browser has', async () => {
    expect(await read(100)).not.toContain('too many ICE candidates')
    expect(await read(1_000)).toContain('too many ICE candidates')
  })
})
