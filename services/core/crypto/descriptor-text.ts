/** What a descriptor holds, and its text (BIP380). Reading one is descriptor.ts: it looks whether keys are points. */
import { toHex } from '../domain/bytes'
import { descriptorChecksum } from './checksum'
import { encodeExtendedKey, type ExtendedKey } from './extended-key'

export interface DescriptorError {
  readonly code:
    | 'checksum'
    | 'syntax'
    | 'bad-key'
    | 'bad-origin'
    | 'bad-path'
    /** real descriptor language outside the subset above */
    | 'unsupported'
    /** musig() where BIP390 forbids it, or with participants that its derivation cannot use */
    | 'musig'
    /** two keys with the same x-coordinate */
    | 'duplicate-key'
    /** not the canonical text of a Tandem wallet (order of keys, spelling, shape) */
    | 'not-canonical'
    /** extended keys of another network */
    | 'wrong-network'
    /** fewer than two keys or more than LIMITS.members */
    | 'key-count'
  /** character at which the reader stopped */
  readonly position: number
}

/** One step below an extended key: a number, the alternatives of `<a;b>`, or the wildcard. */
export type PathStep = number | readonly number[] | '*'

export interface OriginText {
  readonly fingerprint: string
  readonly path: string
}

/** `extended` is there for extended keys, whose `steps` may be empty; a plain key has none. */
export interface PartKey {
  readonly kind: 'part'
  readonly origin?: OriginText
  readonly publicKey: Uint8Array
  readonly extended?: ExtendedKey
  readonly steps: readonly PathStep[]
  readonly position: number
}
export interface MusigKey {
  readonly kind: 'musig'
  readonly parts: readonly PartKey[]
  readonly steps: readonly PathStep[]
}
export type KeyExpression = PartKey | MusigKey

export interface Descriptor {
  readonly kind: 'tr' | 'rawtr'
  readonly key: KeyExpression
  /** the one leaf `pk(KEY)` */
  readonly leaf?: KeyExpression
}

const printSteps = (steps: readonly PathStep[]): string =>
  steps.map(step => (typeof step === 'object' ? `/<${step.join(';')}>` : `/${step}`)).join('')

function printKey(key: KeyExpression): string {
  if (key.kind === 'musig') return `musig(${key.parts.map(printKey).join(',')})${printSteps(key.steps)}`
  const origin =
    key.origin === undefined
      ? ''
      : `[${[key.origin.fingerprint, key.origin.path].filter(part => part !== '').join('/')}]`
  const text = key.extended === undefined ? toHex(key.publicKey) : encodeExtendedKey(key.extended)
  return `${origin}${text}${printSteps(key.steps)}`
}

/** Text with checksum: lower-case hex, `h` for hardened steps, keys in the order that they have. */
export function printDescriptor(descriptor: Descriptor): string {
  const leaf = descriptor.leaf === undefined ? '' : `,pk(${printKey(descriptor.leaf)})`
  const body = `${descriptor.kind}(${printKey(descriptor.key)}${leaf})`
  return `${body}#${descriptorChecksum(body) ?? ''}`
}
