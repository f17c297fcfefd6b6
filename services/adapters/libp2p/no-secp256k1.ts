/**
 * Stands for `@noble/curves/secp256k1.js` below libp2p in the app's build (scripts/curves-in-workers.ts). libp2p runs
 * on the main thread and would check the key of anybody who calls with a secp256k1 peer id; here such a key is no key,
 * and the handshake ends. Peer ids of the app are Ed25519 keys.
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
