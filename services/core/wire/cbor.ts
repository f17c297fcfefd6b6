import { Tokenizer, Type, decode, encode, type DecodeOptions, type Token } from 'cborg'
import { equalBytes } from '../domain/bytes'

/**
 * The data model of the wire: what CBOR may carry here. Numbers are unsigned safe integers. No negative number, float,
 * null, undefined, tag or big number has a place in the protocol, so none decodes.
 */
export type Wire = number | string | boolean | Uint8Array | Wire[] | WireMap
export interface WireMap {
  [key: string]: Wire
}

/** Levels of arrays and maps: the deepest message has 6. */
const MAX_DEPTH = 10

const OPTIONS = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  allowBigInt: false,
  rejectDuplicateMapKeys: true,
} satisfies DecodeOptions

/** cborg's tokenizer, narrowed to our data model and to a bounded depth (the library recurses per level). */
class StrictTokenizer extends Tokenizer {
  /** items still to come on each open level */
  readonly #open: number[] = []

  override next(): Token {
    const token = super.next()
    const { major, name } = token.type
    if (major === Type.negint.major || major === Type.tag.major || (major === 7 && name !== 'true' && name !== 'false'))
      throw new Error(`${name} has no place here`)
    const top = this.#open.length - 1
    if (top >= 0) this.#open[top] = (this.#open[top] ?? 0) - 1
    if (major === Type.array.major || major === Type.map.major) {
      this.#open.push(Number(token.value) * (major === Type.map.major ? 2 : 1))
      if (this.#open.length > MAX_DEPTH) throw new Error('too deep')
    }
    while (this.#open.length > 0 && (this.#open.at(-1) ?? 0) <= 0) this.#open.pop()
    return token
  }
}

/**
 * Deterministic CBOR (RFC 8949 4.2.1): shortest heads, definite lengths, map keys in bytewise order of their encoding.
 */
export const encodeCbor = (value: Wire): Uint8Array => plain(encode(value))

/**
 * A copy that is no Node `Buffer`, whose slices would share memory with the frame and compare unequal to the same
 * bytes.
 */
const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes)

/**
 * Any bytes give a value or a reason. `not-canonical` is well-formed CBOR of our data model that is not the
 * deterministic encoding of its value (key order, invalid UTF-8, a BOM): two encodings of one message would give two
 * hashes.
 */
export function decodeCbor(
  data: Uint8Array,
): { readonly ok: true; readonly value: Wire } | { readonly ok: false; readonly error: 'not-cbor' | 'not-canonical' } {
  const bytes = plain(data)
  let value: Wire
  try {
    value = decode(bytes, { ...OPTIONS, tokenizer: new StrictTokenizer(bytes, OPTIONS) }) as Wire
  } catch {
    return { ok: false, error: 'not-cbor' }
  }
  return equalBytes(encodeCbor(value), bytes) ? { ok: true, value } : { ok: false, error: 'not-canonical' }
}
