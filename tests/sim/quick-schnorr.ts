import { schnorr as noble } from '@noble/curves/secp256k1.js'
import { signSchnorr, verifySchnorr } from 'tiny-secp256k1'

export * from '@noble/curves/secp256k1.js'

/**
 * Stands for the library's BIP340 in the runs on secp256k1: that of libsecp256k1 (the same bytes), because each message
 * is signed once and verified by everybody. MuSig2, BIP32 and all else of the curve stay with the library that the app
 * has.
 */
export const schnorr: typeof noble = {
  ...noble,
  sign: (message, secretKey, aux) => new Uint8Array(signSchnorr(message, secretKey, aux)),
  verify(signature, message, key) {
    try {
      return verifySchnorr(message, key, signature)
    } catch {
      // what is no key or signature is an error there
      return false
    }
  },
}
