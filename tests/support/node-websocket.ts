import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/**
 * Node 20 has no global `WebSocket` (22 has): the adapter, made for browsers, gets the one that the relay's library brings along.
 * Imported for its effect by tests that run the adapter in Node.
 */
const require = createRequire(fileURLToPath(new URL('../../node_modules/@libp2p/websockets/package.json', import.meta.url)))
if (typeof globalThis.WebSocket === 'undefined') Object.assign(globalThis, { WebSocket: require('ws') as unknown })
