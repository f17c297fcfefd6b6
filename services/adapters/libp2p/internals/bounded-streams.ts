/**
 * Guards: memory and time. Protocols of the library that read a stream to its end keep, or answer, whatever comes.
 * Upstream: @libp2p/ping 3.1.13, dist/src/ping.js (echoes without a bound); @libp2p/identify 4.1.14,
 * dist/src/identify.js (never reads the stream on which it answers).
 * Needless when: both protocols have a bound for the bytes of one stream.
 * Held by: tests/unit/libp2p-internals/bounded-streams.test.ts, tests/contract/relay-floods.test.ts.
 */
import type { PingComponents } from '@libp2p/ping'
import { withMethods } from './with-methods'

type Registrar = PingComponents['registrar']

/** What is needed of the library's connections and streams. */
export interface MessageSource {
  addEventListener(
    type: 'message',
    listener: (event: Event & { readonly data: { subarray(): Uint8Array; readonly byteLength: number } }) => void,
  ): void
  abort(error: Error): void
}

export const tooMuch = (): Error => Object.assign(new Error('the other side sent too much'), { name: 'RateLimitError' })

/** Ends a stream that carries more than these bytes in all. */
export function boundStream(stream: MessageSource, bytes: number): void {
  let left = bytes
  stream.addEventListener('message', event => {
    left -= event.data.byteLength
    if (left >= 0) return
    event.stopImmediatePropagation()
    stream.abort(tooMuch())
  })
}

/** The registrar as a service of the library shall see it: each of its inbound streams carries no more than these. */
export function boundStreams(registrar: Registrar, bytes: number): Registrar {
  return withMethods(registrar, {
    handle: (protocol, handler, options) =>
      registrar.handle(
        protocol,
        (stream, connection) => {
          boundStream(stream, bytes)
          return handler(stream, connection)
        },
        options,
      ),
  })
}
