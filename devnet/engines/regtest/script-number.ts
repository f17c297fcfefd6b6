/** A height as the first push of a coinbase (BIP34): small numbers by opcode, others minimal little-endian, signed. */
export function scriptNumber(height: number): Uint8Array {
  if (height >= 1 && height <= 16) return Uint8Array.of(0x50 + height)
  const bytes: number[] = []
  for (let rest = height; rest > 0; rest = Math.floor(rest / 256)) bytes.push(rest % 256)
  if (((bytes.at(-1) ?? 0) & 0x80) !== 0) bytes.push(0)
  return Uint8Array.of(bytes.length, ...bytes)
}
