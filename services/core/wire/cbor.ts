import { Tokenizer, Type, decode, type DecodeOptions, type Token } from 'cborg'
import { compareBytes, equalBytes, utf8ToBytes } from '../domain/bytes'

/**
 * The data model of the wire: what CBOR may carry here. Numbers are unsigned safe integers. No negative number, float, null,
 * undefined, tag or big number has a place in the protocol, so none decodes.
 */
export type Wire = number | string | boolean | Uint8Array | Wire[] | WireMap
export interface WireMap { [key: string]: Wire }

/** Levels of arrays and maps: the deepest message has 6. */
const MAX_DEPTH = 10

const OPTIONS = {
  strict: true, allowIndefinite: false, allowUndefined: false, allowInfinity: false, allowNaN: false, allowBigInt: false,
  rejectDuplicateMapKeys: true,
} satisfies DecodeOptions

/** cborg's tokenizer, narrowed to our data model and to a bounded depth (the library recurses per level). */
class StrictTokenizer extends Tokenizer {
  /** items still to come on each open level */
  readonly #open: number[] = []

  override next(): Token {
    const token = super.next()
    const { major, name } = token.type
    if (major === Type.negint.major || major === Type.tag.major || (major === 7 && name !== 'true' && name !== 'false')) throw new Error(`${name} has no place here`)
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

/** Major types of RFC 8949, as the upper three bits of a head. */
const HEAD = { uint: 0x00, bytes: 0x40, text: 0x60, array: 0x80, map: 0xa0 } as const
const FALSE = 0xf4
const TRUE = 0xf5

/**
 * One buffer for all encodings: a message is encoded whole before the next. The library's encoder, which makes tokens first, took most of the time of
 * everything that is stored or sent.
 */
let out = new Uint8Array(16_384)
let length = 0

function room(bytes: number): void {
  if (length + bytes <= out.length) return
  const larger = new Uint8Array(Math.max(2 * out.length, length + bytes))
  larger.set(out)
  out = larger
}

function putHead(major: number, value: number): void {
  room(9)
  if (value < 24) {
    out[length++] = major | value
    return
  }
  // the number of bytes that the argument needs: 1, 2, 4 or 8
  const size = value < 0x100 ? 0 : value < 0x1_0000 ? 1 : value < 0x1_0000_0000 ? 2 : 3
  out[length++] = major | (24 + size)
  for (let left = 1 << size, rest = value; left > 0; left--) {
    out[length + left - 1] = rest % 0x100
    rest = Math.floor(rest / 0x100)
  }
  length += 1 << size
}

function putBytes(major: number, bytes: Uint8Array): void {
  putHead(major, bytes.length)
  room(bytes.length)
  out.set(bytes, length)
  length += bytes.length
}

/** Short ASCII (every key, nearly every text) is written without a copy of its own. */
function putText(text: string): void {
  const start = length
  putHead(HEAD.text, text.length)
  room(text.length)
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) {
      length = start
      return putBytes(HEAD.text, utf8ToBytes(text))
    }
    out[length++] = unit
  }
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false
  return true
}

/** Bytewise order of the encodings: the shorter key first, because its length stands before it. */
function byEncoding(a: string, b: string): number {
  if (isAscii(a) && isAscii(b)) return a.length - b.length || (a < b ? -1 : 1)
  const [x, y] = [utf8ToBytes(a), utf8ToBytes(b)]
  return x.length - y.length || compareBytes(x, y)
}

/** Most maps come in order: what was read, and what a schema makes. */
function inOrder(keys: string[]): string[] {
  for (let i = 1; i < keys.length; i++) if (byEncoding(keys[i - 1] ?? '', keys[i] ?? '') > 0) return keys.sort(byEncoding)
  return keys
}

function put(value: Wire): void {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError('no unsigned safe integer')
    return putHead(HEAD.uint, value)
  }
  if (typeof value === 'string') return putText(value)
  if (typeof value === 'boolean') {
    room(1)
    out[length++] = value ? TRUE : FALSE
    return
  }
  if (value instanceof Uint8Array) return putBytes(HEAD.bytes, value)
  if (Array.isArray(value)) {
    putHead(HEAD.array, value.length)
    for (const item of value) put(item)
    return
  }
  const keys = inOrder(Object.keys(value))
  putHead(HEAD.map, keys.length)
  for (const key of keys) {
    putText(key)
    put(value[key] as Wire)
  }
}

/** Deterministic CBOR (RFC 8949 4.2.1): shortest heads, definite lengths, map keys in bytewise order of their encoding. */
export function encodeCbor(value: Wire): Uint8Array {
  length = 0
  put(value)
  return out.slice(0, length)
}

/** A copy that is no Node `Buffer`, whose slices would share memory with the frame and compare unequal to the same bytes. */
const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes)

/**
 * Any bytes give a value or a reason. `not-canonical` is well-formed CBOR of our data model that is not the deterministic encoding
 * of its value (key order, invalid UTF-8, a BOM): two encodings of one message would give two hashes.
 */
export function decodeCbor(data: Uint8Array): { readonly ok: true; readonly value: Wire } | { readonly ok: false; readonly error: 'not-cbor' | 'not-canonical' } {
  const bytes = plain(data)
  let value: Wire
  try {
    value = decode(bytes, { ...OPTIONS, tokenizer: new StrictTokenizer(bytes, OPTIONS) }) as Wire
  } catch {
    return { ok: false, error: 'not-cbor' }
  }
  return equalBytes(encodeCbor(value), bytes) ? { ok: true, value } : { ok: false, error: 'not-canonical' }
}
