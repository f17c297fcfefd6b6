/** Output scripts: what kind one is, what it holds, and from which amount on it is no dust. */
import { compactSizeLength } from './bytes'

/** Kinds that the API names, and those that nodes relay besides. */
export type ScriptKind =
  | 'empty'
  | 'op_return'
  | 'p2pk'
  | 'p2pkh'
  | 'p2sh'
  | 'v0_p2wpkh'
  | 'v0_p2wsh'
  | 'v1_p2tr'
  | 'p2a'
  | 'witness_unknown'
  | 'multisig'
  | 'unknown'

/** Witness version and program of an output script (BIP141), if it is one. */
export function witnessProgram(script: Uint8Array): { version: number; program: Uint8Array } | undefined {
  const [first = 0xff, length = 0] = script
  if (script.length < 4 || script.length > 42 || length + 2 !== script.length) return undefined
  if (first !== 0 && (first < 0x51 || first > 0x60)) return undefined
  return { version: first === 0 ? 0 : first - 0x50, program: script.subarray(2) }
}

function isKeyPush(script: Uint8Array): boolean {
  return (
    (script.length === 35 && script[0] === 33 && (script[1] === 2 || script[1] === 3)) ||
    (script.length === 67 && script[0] === 65 && script[1] === 4)
  )
}

/** Bare m-of-n with at most three compressed keys, the only bare multisig that nodes relay. */
function isBareMultisig(script: Uint8Array): boolean {
  const keys = (script.length - 3) / 34
  const m = (script[0] ?? 0) - 0x50
  if (!Number.isInteger(keys) || keys < 1 || keys > 3 || m < 1 || m > keys) return false
  if (script.at(-1) !== 0xae || script.at(-2) !== 0x50 + keys) return false
  for (let i = 0; i < keys; i += 1) if (script[1 + i * 34] !== 33) return false
  return true
}

export function scriptKind(script: Uint8Array): ScriptKind {
  if (script.length === 0) return 'empty'
  if (script[0] === 0x6a) return 'op_return'
  if (isKeyPush(script) && script.at(-1) === 0xac) return 'p2pk'
  if (
    script.length === 25 &&
    script[0] === 0x76 &&
    script[1] === 0xa9 &&
    script[2] === 20 &&
    script[23] === 0x88 &&
    script[24] === 0xac
  ) {
    return 'p2pkh'
  }
  if (script.length === 23 && script[0] === 0xa9 && script[1] === 20 && script[22] === 0x87) return 'p2sh'
  const witness = witnessProgram(script)
  if (witness !== undefined) {
    const { version, program } = witness
    if (version === 0) return program.length === 20 ? 'v0_p2wpkh' : program.length === 32 ? 'v0_p2wsh' : 'unknown'
    if (version === 1 && program.length === 32) return 'v1_p2tr'
    if (version === 1 && program.length === 2 && program[0] === 0x4e && program[1] === 0x73) return 'p2a'
    return 'witness_unknown'
  }
  return isBareMultisig(script) ? 'multisig' : 'unknown'
}

/** The data pushes and opcodes of a script, or undefined when a push runs past its end. */
export function scriptItems(script: Uint8Array): { op: number; data?: Uint8Array }[] | undefined {
  const items: { op: number; data?: Uint8Array }[] = []
  let at = 0
  while (at < script.length) {
    const op = script[at] ?? 0
    at += 1
    if (op === 0 || op > 0x4e) {
      items.push({ op })
      continue
    }
    const lengthBytes = op < 0x4c ? 0 : op === 0x4c ? 1 : op === 0x4d ? 2 : 4
    let length = op
    if (lengthBytes > 0) {
      if (at + lengthBytes > script.length) return undefined
      length = 0
      for (let i = lengthBytes - 1; i >= 0; i -= 1) length = length * 256 + (script[at + i] ?? 0)
    }
    at += lengthBytes
    if (at + length > script.length) return undefined
    items.push({ op, data: script.subarray(at, at + length) })
    at += length
  }
  return items
}

/** satoshis per 1000 virtual bytes, paid for creating and later spending an output below which it is dust */
const DUST_RELAY_FEE = 3_000n

/**
 * Smallest value in satoshis that is not dust for a script (GetDustThreshold): what it costs, at 3 sat/vB, to make
 * the output and to spend it. 330 for P2TR, 294 for P2WPKH, 546 for P2PKH.
 */
export function dustThreshold(script: Uint8Array): bigint {
  if (scriptKind(script) === 'op_return' || script.length > 10_000) return 0n
  const output = 8 + compactSizeLength(script.length) + script.length
  const spend = witnessProgram(script) === undefined ? 148 : 32 + 4 + 1 + Math.floor(107 / 4) + 4
  return (BigInt(output + spend) * DUST_RELAY_FEE) / 1000n
}
