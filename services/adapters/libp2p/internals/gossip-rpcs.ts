/**
 * Guards: the relay's time. Gossipsub reads however many messages there are in one go, and hears nothing more of a peer
 * whose stream alone is ended.
 * Upstream: @libp2p/gossipsub 17.1.1, dist/src/stream.js and dist/src/gossipsub.js (`pipePeerReadStream`).
 * Needless when: gossipsub has a rate for the messages of one peer.
 * Held by: tests/unit/libp2p-internals/stream-windows.test.ts, tests/contract/relay-floods.test.ts.
 */
import type { GossipSubComponents } from '@libp2p/gossipsub'
import { LengthScan } from './frame-scans'
import { windowOf } from './stream-windows'
import { withMethods } from './with-methods'

type Registrar = GossipSubComponents['registrar']

/**
 * who owes more than this is ended, milliseconds: a window of the messages that a client sends on is less, and it may
 * have to send many on
 */
const LONGEST_WAIT_MS = 20_000

/** Takes messages of gossipsub from the budget of a peer. @returns milliseconds until they are paid for */
export interface RpcBudget {
  rpcs(peer: string, count: number): number
}

/**
 * The registrar as gossipsub shall see it: who sends more messages of it than anybody honest must wait, and is ended
 * when it is far more, before they are read.
 *
 * @param after calls once, so many milliseconds later, unless it is cancelled by what it returns
 */
export function boundRpcs(
  registrar: Registrar,
  budget: RpcBudget,
  bytes: number,
  after: (ms: number, fn: () => void) => () => void,
): Registrar {
  return withMethods(registrar, {
    handle: (protocol, handler, options) =>
      registrar.handle(
        protocol,
        (stream, connection) => {
          const scan = new LengthScan(bytes)
          const window = windowOf(stream)
          let cancel = (): void => undefined
          stream.addEventListener('message', event => {
            const units = scan.units(event.data.subarray())
            const wait = units === undefined ? Infinity : budget.rpcs(connection.remotePeer.toString(), units)
            if (wait === 0) return
            cancel()
            if (wait > LONGEST_WAIT_MS) {
              event.stopImmediatePropagation()
              connection.abort(new Error('too much gossip'))
              return
            }
            window.sendPause()
            cancel = after(wait, () => {
              if (stream.status === 'open') window.sendResume()
            })
          })
          return handler(stream, connection)
        },
        options,
      ),
  })
}
