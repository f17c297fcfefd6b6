import { createCipheriv, createDecipheriv } from 'node:crypto'

const TAG_BYTES = 16

interface Params {
  readonly name: string
  readonly iv: Uint8Array
  readonly additionalData: Uint8Array
}

const only = ({ name }: Pick<Params, 'name'>): void => {
  if (name !== 'AES-GCM') throw new TypeError(`${name} has no stand-in`)
}

/**
 * Stands for WebCrypto's AES-GCM in the simulation: the same bytes, but at once. WebCrypto asks another thread, and a
 * run would wait for it a third of its time; and what follows from a happening is over when no promise reaction is left
 * (scheduler.ts).
 */
export const crypto = {
  subtle: {
    importKey: async (_format: 'raw', raw: Uint8Array, name: string): Promise<Uint8Array> => {
      only({ name })
      return raw.slice()
    },
    async encrypt(params: Params, key: Uint8Array, plain: Uint8Array): Promise<Uint8Array> {
      only(params)
      const cipher = createCipheriv('aes-256-gcm', key, params.iv).setAAD(params.additionalData)
      return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    },
    async decrypt(params: Params, key: Uint8Array, sealed: Uint8Array): Promise<Uint8Array> {
      only(params)
      const end = sealed.length - TAG_BYTES
      const cipher = createDecipheriv('aes-256-gcm', key, params.iv)
        .setAAD(params.additionalData)
        .setAuthTag(sealed.subarray(end))
      return Buffer.concat([cipher.update(sealed.subarray(0, end)), cipher.final()])
    },
  },
}
