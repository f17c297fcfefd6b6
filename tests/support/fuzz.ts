import fc from 'fast-check'
import type { Wire } from '../../services/core/wire/cbor'
import { encode, Token } from 'cborg'

/**
 * Processor time that no input of a parser may take, milliseconds. The slowest legal one takes a few; what takes this
 * long hangs.
 */
const HANG_MS = 1_000

/**
 * What `read` gives. Throws when it took as long as a hang does: processor time, so that a busy machine is no fault.
 */
export function bounded<T>(read: () => T): T {
  const from = process.cpuUsage()
  const value = read()
  const { user } = process.cpuUsage(from)
  if (user > HANG_MS * 1000) throw new Error(`took ${Math.round(user / 1000)} ms`)
  return value
}

/** Bytes at which readers of CBOR, text and lengths turn: heads of every major type, longest and indefinite forms. */
const TURNING = [
  0x00, 0x17, 0x18, 0x1b, 0x1f, 0x20, 0x3b, 0x40, 0x5b, 0x5f, 0x60, 0x7b, 0x7f, 0x80, 0x9b, 0x9f, 0xa0, 0xbb, 0xbf,
  0xc0, 0xd8, 0xf4, 0xf6, 0xf7, 0xf9, 0xfb, 0xff,
]

interface Edit {
  readonly how: 'flip' | 'turn' | 'cut' | 'drop' | 'insert' | 'repeat' | 'splice'
  readonly where: number
  readonly what: number
  readonly length: number
}
const edit: fc.Arbitrary<Edit> = fc.record({
  how: fc.constantFrom('flip', 'turn', 'cut', 'drop', 'insert', 'repeat', 'splice'),
  where: fc.nat(),
  what: fc.nat(),
  length: fc.integer({ min: 1, max: 40 }),
})

const joined = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts))

function edited(bytes: Uint8Array, { how, where, what, length }: Edit, others: readonly Uint8Array[]): Uint8Array {
  const at = bytes.length === 0 ? 0 : where % bytes.length
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
  switch (how) {
    case 'flip':
      return bytes.map((b, i) => (i === at ? b ^ (1 + (what % 255)) : b))
    case 'turn':
      return bytes.map((b, i) => (i === at ? TURNING[what % TURNING.length]! : b))
    case 'cut':
      return before.slice()
    case 'drop':
      return joined(before, after.subarray(length))
    case 'insert':
      return joined(
        before,
        Uint8Array.from({ length }, (_, i) => (what >> ((i % 4) * 8)) & 0xff),
        after,
      )
    case 'repeat':
      return joined(before, after.subarray(0, length), after)
    case 'splice': {
      const other = others[what % others.length]!
      return joined(before, other.subarray(where % (other.length + 1)))
    }
  }
}

/** One of `samples` with one to four changes of its bytes. */
export const mutated = (samples: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(fc.constantFrom(...samples), fc.array(edit, { minLength: 1, maxLength: 4 }))
    .map(([bytes, edits]) => edits.reduce((b, e) => edited(b, e, samples), bytes))

/** The same for text. */
export const mutatedText = (samples: readonly string[]): fc.Arbitrary<string> =>
  mutated(samples.map(text => new TextEncoder().encode(text))).map(bytes => new TextDecoder().decode(bytes))

/** Values that a schema may meet where it expects another. */
const ODD: readonly Wire[] = [
  0,
  1,
  23,
  24,
  255,
  256,
  2 ** 32,
  2 ** 53 - 1,
  '',
  'a',
  '__proto__',
  'constructor',
  '\u202e',
  '\ud800',
  'x'.repeat(600),
  true,
  false,
  [],
  {},
  [[]],
  { t: 1 },
  new Uint8Array(),
  new Uint8Array(31),
  new Uint8Array(32),
  new Uint8Array(33),
  new Uint8Array(66),
  [new Uint8Array(32)],
  Array.from({ length: 300 }, () => 0),
]

interface Change {
  readonly depth: number
  readonly which: number
  readonly how: 'replace' | 'remove' | 'add' | 'double'
  readonly odd: number
}
const change: fc.Arbitrary<Change> = fc.record({
  depth: fc.integer({ min: 0, max: 6 }),
  which: fc.nat(),
  how: fc.constantFrom('replace', 'remove', 'add', 'double'),
  odd: fc.nat({ max: ODD.length - 1 }),
})

/** Changes one node of a value, found by walking down. */
function changed(value: Wire, { depth, which, how, odd }: Change): Wire {
  const strange = ODD[odd]!
  if (Array.isArray(value)) {
    const at = value.length === 0 ? 0 : which % value.length
    if (depth > 0 && value.length > 0)
      return value.map((v, i) =>
        i === at ? changed(v, { depth: depth - 1, which: Math.floor(which / value.length), how, odd }) : v,
      )
    return how === 'remove'
      ? value.filter((_, i) => i !== at)
      : how === 'double'
        ? [...value, ...value]
        : how === 'add'
          ? [...value, strange]
          : strange
  }
  if (typeof value === 'object' && !(value instanceof Uint8Array)) {
    const keys = Object.keys(value)
    const key = keys[which % Math.max(1, keys.length)]
    if (depth > 0 && key !== undefined)
      return {
        ...value,
        [key]: changed(value[key]!, { depth: depth - 1, which: Math.floor(which / keys.length), how, odd }),
      }
    if (how === 'replace' || key === undefined) return strange
    if (how === 'add') return { ...value, [typeof strange === 'string' ? strange : 'z']: strange }
    const { [key]: gone, ...rest } = value
    return how === 'double' ? { ...rest, [key]: gone!, [`${key}2`]: gone! } : rest
  }
  return strange
}

/** Keys of maps in the wrong order. */
const unsorted = (value: Wire): Uint8Array =>
  Uint8Array.from(
    encode(value, {
      mapSorter: (a, b) =>
        String(a[0] instanceof Token ? a[0].value : '') < String(b[0] instanceof Token ? b[0].value : '') ? 1 : -1,
    }),
  )

/** Sound CBOR that says something else: up to three nodes of a value are others, or its keys stand in another order. */
export const misshapen = (samples: readonly Wire[]): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(fc.constantFrom(...samples), fc.array(change, { maxLength: 3 }))
    .map(([value, changes]) =>
      changes.length === 0 ? unsorted(value) : Uint8Array.from(encode(changes.reduce(changed, value))),
    )
