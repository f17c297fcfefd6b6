/**
 * Guards: the relay's time and memory. Of what clients tell of themselves, the relay needs what they speak, for gossip.
 * Their addresses, which it never dials, are not read: one of 8 KB takes a quarter of a second, and the signed ones are
 * a signature to check for each who comes.
 * Upstream: @libp2p/identify 4.1.14, dist/src/identify.js (`_identify`, the step that reads an answer: a method of its
 * class, which its interface does not list; leaves the stream open afterwards).
 * Needless when: identify can be told which fields to read, and ends its streams.
 * Held by: tests/unit/relay/identify.test.ts, tests/unit/libp2p-internals/upstream.test.ts.
 */
import { identify, type Identify, type IdentifyComponents } from '@libp2p/identify'
import type { Connection, Stream } from '@libp2p/interface'
import { boundStreams } from './bounded-streams'
import { withMethods } from './with-methods'

/** protocols that are looked at, and characters of their names; a member speaks ten */
const PROTOCOLS = 64
const NAME_LENGTH = 128

interface Answer {
  readonly listenAddrs: readonly Uint8Array[]
  readonly observedAddr?: Uint8Array | undefined
  readonly signedPeerRecord?: Uint8Array | undefined
  readonly protocols: readonly string[]
  readonly agentVersion?: string | undefined
  readonly protocolVersion?: string | undefined
}

interface Steps {
  _identify(connection: Connection, options?: unknown): Promise<Answer>
}

/** Who asks the relay what it is says nothing more on that stream; what comes would be kept. */
const QUESTION_BYTES = 0

/** The library's identify, which keeps of a client what it speaks, and nothing of one who has gone. */
export function identifyClients(components: IdentifyComponents): Identify {
  const service = identify({ runOnLimitedConnection: true })(
    withMethods(components, { registrar: boundStreams(components.registrar, QUESTION_BYTES) }),
  )
  const steps = service as unknown as Steps
  if (typeof steps._identify !== 'function') throw new Error('this version of identify has no step _identify')
  const ask = steps._identify.bind(steps)
  steps._identify = async (connection, options) => {
    let stream: Stream | undefined
    const { protocols, ...answer } = await ask(
      withMethods(connection, {
        newStream: async (...asked) => (stream = await connection.newStream(...asked)),
      }),
      options,
    )
    // what comes after the answer would be kept
    await stream?.closeRead()
    if (connection.status !== 'open') throw new Error('whoever was asked has gone')
    return {
      ...answer,
      listenAddrs: [],
      observedAddr: undefined,
      signedPeerRecord: undefined,
      agentVersion: undefined,
      protocolVersion: undefined,
      protocols: protocols.filter(name => name.length <= NAME_LENGTH).slice(0, PROTOCOLS),
    }
  }
  return service
}
