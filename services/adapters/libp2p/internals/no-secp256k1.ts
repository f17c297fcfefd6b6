/**
 * Guards: the page's time. libp2p runs on the main thread and would check the key of anybody who calls with a secp256k1
 * peer id. Here such a key is no key, and the handshake ends. Peer ids of the app are Ed25519 keys.
 * Upstream: @libp2p/crypto 5.1.23, dist/src/keys/secp256k1/index.browser.js (imports `@noble/curves/secp256k1.js`, for
 * which this stands in the app's build: scripts/curves-in-workers.ts).
 * Needless when: libp2p can be told which types of keys it takes.
 * Held by: tests/unit/build/curves-in-workers.test.ts, tests/unit/libp2p-internals/upstream.test.ts.
 */
const refuse = (): never => {
  throw new Error('secp256k1 peer ids are not supported')
}

export const secp256k1 = {
  Point: { fromBytes: refuse },
  utils: { randomSecretKey: refuse },
  getPublicKey: refuse,
  sign: refuse,
  verify: refuse,
}
