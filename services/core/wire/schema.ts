import { fromHex, isHex, toHex, type Hex } from '../domain/bytes'
import { err, ok, type Result } from '../domain/result'
import { isCleanName, isCleanText, utf8Length } from '../domain/text'
import { decodeCbor, encodeCbor, type Wire, type WireMap } from './cbor'

/**
 * Small combinators that state a message once and give its encoder, its total decoder and the check that both fit the
 * TypeScript interface. Bounds hold in both directions: what we would refuse we cannot send.
 */
export interface DecodeError {
  readonly code:
    | 'too-large'
    | 'not-cbor'
    | 'not-canonical'
    | 'wrong-type'
    | 'unknown-type'
    | 'unknown-field'
    | 'missing-field'
    /** a number, a length or a count outside its bounds */
    | 'out-of-range'
    /** a text with characters that may not be shown, or of the wrong form */
    | 'bad-text'
    /** entries that must be in order and unique are not */
    | 'bad-order'
  /** where in the message, wire names joined by dots; empty for the whole */
  readonly path: string
}

export interface Schema<T> {
  encode(value: T, path: string): Wire
  decode(wire: Wire, path: string): T
}

/** Internal control flow: caught at the two entrances below, never seen outside. */
class Fault extends Error {
  constructor(
    readonly code: DecodeError['code'],
    readonly path: string,
  ) {
    super(`${code} at ${path === '' ? 'the top' : path}`)
  }
}

/** For schemas that are written by hand: stops an encoding or a decoding with a typed reason. */
export function refuse(code: DecodeError['code'], path: string): never {
  throw new Fault(code, path)
}

const isMap = (wire: Wire): wire is WireMap =>
  typeof wire === 'object' && !Array.isArray(wire) && !(wire instanceof Uint8Array)
const at = (path: string, key: string | number): string => (path === '' ? String(key) : `${path}.${key}`)

/** A schema whose encoding is its value, checked the same way in both directions. */
function plain<T extends Wire>(is: (wire: Wire) => wire is T, check: (value: T, path: string) => void): Schema<T> {
  const pass = (wire: Wire, path: string): T => {
    if (!is(wire)) return refuse('wrong-type', path)
    check(wire, path)
    return wire
  }
  return { encode: pass, decode: pass }
}

const isString = (wire: Wire): wire is string => typeof wire === 'string'

/** Whole number from `min` to `max`. */
export const uint = (max: number, min = 0): Schema<number> =>
  plain(
    (wire): wire is number => typeof wire === 'number' && Number.isSafeInteger(wire),
    (value, path) => {
      if (value < min || value > max) refuse('out-of-range', path)
    },
  )

export const bool: Schema<boolean> = plain(
  (wire): wire is boolean => typeof wire === 'boolean',
  () => {},
)

/** Byte string of exactly `length` bytes. */
export const bytes = (length: number): Schema<Uint8Array> => bytesUpTo(length, length)

/** Byte string of `min` to `max` bytes. */
export const bytesUpTo = (max: number, min = 0): Schema<Uint8Array> =>
  plain(
    (wire): wire is Uint8Array => wire instanceof Uint8Array,
    (value, path) => {
      if (value.length < min || value.length > max) refuse('out-of-range', path)
    },
  )

/** Lower-case hex in TypeScript, a byte string of `length` bytes on the wire, in the same order. */
export const hexBytes = (length: number): Schema<Hex> => ({
  encode: (value, path) => (isHex(value, length) ? fromHex(value) : refuse('wrong-type', path)),
  decode: (wire, path) => toHex(bytes(length).decode(wire, path)),
})

function checkText(value: string, maxBytes: number, good: boolean, path: string): void {
  // a text of n characters has at least n bytes: the first test bounds the work of the second
  if (value.length > maxBytes || utf8Length(value) > maxBytes) refuse('out-of-range', path)
  if (!good) refuse('bad-text', path)
}

/** Text to be shown, at most `maxBytes` of UTF-8; may be empty. */
export const text = (maxBytes: number): Schema<string> =>
  plain(isString, (value, path) => checkText(value, maxBytes, isCleanText(value), path))

/** A name: as `text`, not empty, no white space around it. */
export const name = (maxBytes: number): Schema<string> =>
  plain(isString, (value, path) => checkText(value, maxBytes, isCleanName(value), path))

/** Machine text of a fixed form. The pattern must admit ASCII only, so that characters are bytes. */
export const ascii = (pattern: RegExp, max: number): Schema<string> =>
  plain(isString, (value, path) => {
    if (value.length > max) refuse('out-of-range', path)
    if (!pattern.test(value)) refuse('bad-text', path)
  })

/** One of a closed list of texts. */
export const oneOf = <T extends string>(values: readonly T[]): Schema<T> =>
  plain(
    (wire): wire is T => typeof wire === 'string',
    (value, path) => {
      if (!values.includes(value)) refuse('out-of-range', path)
    },
  )

/** One of a closed list of numbers. */
export const oneOfNumbers = <T extends number>(values: readonly T[]): Schema<T> =>
  plain(
    (wire): wire is T => typeof wire === 'number',
    (value, path) => {
      if (!values.includes(value)) refuse('out-of-range', path)
    },
  )

/** Money that can exist: 21 million BTC, satoshis. Below 2^53, so the wire needs no big numbers. */
const MAX_SATS = 2_100_000_000_000_000
export const sats: Schema<bigint> = {
  encode: (value, path) => (value >= 0n && value <= BigInt(MAX_SATS) ? Number(value) : refuse('out-of-range', path)),
  decode: (wire, path) => BigInt(uint(MAX_SATS).decode(wire, path)),
}

/** List of `min` to `max` items. */
export const array = <T>(item: Schema<T>, max: number, min = 0): Schema<readonly T[]> => ({
  encode(value, path) {
    if (value.length < min || value.length > max) refuse('out-of-range', path)
    return value.map((v, i) => item.encode(v, at(path, i)))
  },
  decode(wire, path) {
    if (!Array.isArray(wire)) return refuse('wrong-type', path)
    if (wire.length < min || wire.length > max) refuse('out-of-range', path)
    return wire.map((w, i) => item.decode(w, at(path, i)))
  },
})

/** The same with one more condition on the value, in both directions. */
export function refine<T>(schema: Schema<T>, good: (value: T) => boolean, code: DecodeError['code']): Schema<T> {
  const check = (value: T, path: string): T => (good(value) ? value : refuse(code, path))
  return {
    encode: (value, path) => schema.encode(check(value, path), path),
    decode: (wire, path) => check(schema.decode(wire, path), path),
  }
}

/** True when `keys` go strictly upwards: sorted and unique, so that one set has one encoding. */
export const ascending = (keys: readonly string[]): boolean =>
  keys.every((key, i) => i === 0 || (keys[i - 1] ?? '') < key)

interface Field<T> {
  readonly key: string
  readonly schema: Schema<T>
  readonly optional: false
}
interface OptionalField<T> {
  readonly key: string
  readonly schema: Schema<T>
  readonly optional: true
}
type Fields<T> = {
  readonly [K in keyof T]-?: undefined extends T[K] ? OptionalField<Exclude<T[K], undefined>> : Field<T[K]>
}

/** A field that must be there, under its name on the wire. */
export const field = <T>(key: string, schema: Schema<T>): Field<T> => ({ key, schema, optional: false })
/** A field whose key is absent when its value is undefined. */
export const optional = <T>(key: string, schema: Schema<T>): OptionalField<T> => ({ key, schema, optional: true })

/** Fixed set of fields: a missing one is refused, and so is one that is not named here. */
export function struct<T extends object>(fields: Fields<T>): Schema<T> {
  const list = Object.entries(fields) as Array<
    [keyof T & string, Field<T[keyof T & string]> | OptionalField<T[keyof T & string]>]
  >
  const known = new Set(list.map(([, f]) => f.key))
  if (known.size !== list.length) throw new TypeError('two fields share a wire name')
  return {
    encode(value, path) {
      const map: WireMap = {}
      for (const [prop, f] of list) {
        const v = value[prop]
        if (v === undefined) {
          if (!f.optional) refuse('missing-field', at(path, f.key))
        } else map[f.key] = f.schema.encode(v, at(path, f.key))
      }
      return map
    },
    decode(wire, path) {
      if (!isMap(wire)) return refuse('wrong-type', path)
      for (const key of Object.keys(wire)) if (!known.has(key)) refuse('unknown-field', at(path, key.slice(0, 32)))
      const value: Partial<T> = {}
      for (const [prop, f] of list) {
        const w = Object.hasOwn(wire, f.key) ? wire[f.key] : undefined
        if (w === undefined) {
          if (!f.optional) refuse('missing-field', at(path, f.key))
        } else value[prop] = f.schema.decode(w, at(path, f.key))
      }
      return value as T
    },
  }
}

type Variants<T, Tag extends keyof T & string> = {
  readonly [K in T[Tag] & string]: Schema<Omit<Extract<T, { readonly [P in Tag]: K }>, Tag>>
}

/** Closed union told apart by the text field `tag` (`wireTag` on the wire). */
export function union<T extends object, Tag extends keyof T & string>(
  tag: Tag,
  wireTag: string,
  variants: Variants<T, Tag>,
): Schema<T> {
  const find = (kind: string, path: string): Schema<object> => {
    if (!Object.hasOwn(variants, kind)) refuse('unknown-type', at(path, wireTag))
    return (variants as Record<string, Schema<object>>)[kind] ?? refuse('unknown-type', at(path, wireTag))
  }
  return {
    encode(value, path) {
      const kind = String(value[tag])
      return { ...(find(kind, path).encode(value, path) as WireMap), [wireTag]: kind }
    },
    decode(wire, path) {
      if (!isMap(wire)) return refuse('wrong-type', path)
      const { [wireTag]: kind, ...rest } = wire
      if (kind === undefined) return refuse('missing-field', at(path, wireTag))
      if (typeof kind !== 'string') return refuse('wrong-type', at(path, wireTag))
      return { [tag]: kind, ...find(kind, path).decode(rest, path) } as T
    },
  }
}

/**
 * Bytes of an own value. Throws `RangeError` when it breaks its schema: inputs are checked before they get here, so
 * that is a fault of the program.
 */
export function encodeWith<T>(schema: Schema<T>, value: T, maxBytes: number): Uint8Array {
  let out: Uint8Array
  try {
    out = encodeCbor(schema.encode(value, ''))
  } catch (e) {
    if (e instanceof Fault) throw new RangeError(`cannot encode: ${e.message}`)
    throw e
  }
  if (out.length > maxBytes) throw new RangeError(`cannot encode: ${out.length} bytes, at most ${maxBytes}`)
  return out
}

/** Any bytes give a value or a typed error; nothing is thrown. */
export function decodeWith<T>(schema: Schema<T>, data: Uint8Array, maxBytes: number): Result<T, DecodeError> {
  if (data.length > maxBytes) return err({ code: 'too-large', path: '' })
  const wire = decodeCbor(data)
  if (!wire.ok) return err({ code: wire.error, path: '' })
  try {
    return ok(schema.decode(wire.value, ''))
  } catch (e) {
    if (e instanceof Fault) return err({ code: e.code, path: e.path })
    throw e
  }
}
