/** Lower-case hexadecimal text of whole bytes. */
export type Hex = string

/**
 * True for lower-case hex of exactly `length` bytes (any whole number of bytes when omitted). Stands alone: the first
 * screen needs no hash library.
 */
export function isHex(value: unknown, length?: number): value is Hex {
  return (
    typeof value === 'string' &&
    value.length % 2 === 0 &&
    /^[0-9a-f]*$/.test(value) &&
    (length === undefined || value.length === length * 2)
  )
}
