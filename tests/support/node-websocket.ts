import { WebSocket } from 'ws'

/**
 * Node 20 has no global `WebSocket` (22 has): the adapter, made for browsers, gets the one of the relay's library.
 * Imported for its effect by tests that run the adapter in Node.
 *
 * In a browser each event is a task of its own, and what a promise does in answer to `open` comes before the first
 * `message`. This library would hand out a message that came along with the handshake at once, before anybody listens:
 * a relay that speaks first, as go-libp2p does, was then not understood. Nor does an error that nobody listens for any
 * more end a page, as it would end this process.
 */
class TaskedWebSocket extends WebSocket {
  constructor(address: string | URL, protocols?: string | string[]) {
    super(address, protocols, { allowSynchronousEvents: false })
    this.on('error', () => undefined)
  }
}

Object.assign(globalThis, { WebSocket: TaskedWebSocket })
