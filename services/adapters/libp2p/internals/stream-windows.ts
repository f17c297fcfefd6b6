/**
 * Guards: memory. Whoever sends faster than somebody reads must wait: the window of its stream is not renewed.
 * Upstream: @libp2p/yamux 8.0.3, dist/src/stream.js (`sendPause` and `sendResume`); @libp2p/utils 7.4.1,
 * dist/src/abstract-message-stream.js (`onData`). They are methods of the classes, which the Stream interface does not
 * list. `pause` and `resume`, which it does list, lose what lies in a paused stream when its sender has done.
 * Needless when: the interface has a way to hold a sender back that loses nothing.
 * Held by: tests/unit/libp2p-internals/stream-windows.test.ts, tests/contract/relay-floods.test.ts.
 */
import type { Stream, StreamMuxerFactory } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'

/** A stream whose window can be shut. */
export interface Windowed {
  /** what comes in passes here once */
  onData(data: { readonly byteLength: number; slice(): unknown }): void
  /** sends no new window */
  sendPause(): void
  sendResume(): void
}

export const windowOf = (stream: Stream): Windowed => stream as unknown as Windowed

/** @throws Error when the streams of this muxer cannot be held back; asked before a relay lets anybody in */
export async function assertWindows(muxers: StreamMuxerFactory): Promise<void> {
  const [near, far] = multiaddrConnectionPair()
  const muxer = muxers.createStreamMuxer(near)
  try {
    const stream: Partial<Windowed> = windowOf(await muxer.createStream())
    for (const name of ['onData', 'sendPause', 'sendResume'] as const) {
      if (typeof stream[name] !== 'function') throw new Error(`this version of ${muxer.protocol} has no step ${name}`)
    }
  } finally {
    for (const end of [near, far]) end.abort(new Error('only its streams were looked at'))
  }
}
