/**
 * Output descriptors, as far as a shared taproot wallet needs them (BIP380, BIP386, BIP389, BIP390):
 *
 *   tr(KEY)  tr(KEY,pk(KEY))  rawtr(KEY)           optionally with #checksum
 *   KEY  := musig(PART,PART,...)[STEPS] | PART
 *   PART := [fingerprint/path]? ( 33- or 32-byte hex | extended public key[STEPS] )
 *   STEPS := /NUM... , at most one <a;b;...> among them, optionally ending in /*
 *
 * Everything else that BIP380 knows answers `unsupported`: private keys (a descriptor of ours never holds one), other
 * script expressions, deeper script trees, hardened steps below an extended key. What a Tandem wallet takes of this is
 * narrower still and stands in wallet-context.ts.
 * @see https://github.com/bitcoin/bips/blob/master/bip-0390.mediawiki
 */
import { concatBytes, fromHex } from '../domain/bytes'
import { err, ok, type Result } from '../domain/result'
import { p2trScript } from './address'
import { childPublic, decodeExtendedKey, syntheticKey, tapOutputKey } from './bip328'
import { descriptorChecksum } from './checksum'
import type { Descriptor, DescriptorError, KeyExpression, OriginText, PartKey, PathStep } from './descriptor-text'
import { HARDENED, type ExtendedKey } from './extended-key'
import { compactSize } from './transaction'
import { keyAgg, keySort, plainKey } from './musig2'
import { tagged } from './tagged'

/** Longest descriptor that is looked at: 100 members with origin. */
const MAX_CHARS = 24_576

class Stop extends Error {
  constructor(readonly error: DescriptorError) {
    super(error.code)
  }
}

class Parser {
  position = 0
  constructor(readonly text: string) {}

  stop(code: DescriptorError['code'], position = this.position): never {
    throw new Stop({ code, position })
  }
  is(token: string): boolean {
    return this.text.startsWith(token, this.position)
  }

  accept(token: string): boolean {
    if (!this.is(token)) return false
    this.position += token.length
    return true
  }

  expect(token: string): void {
    if (!this.accept(token)) this.stop('syntax')
  }

  /** The longest run of characters of the class, moved over. */
  run(pattern: RegExp): string {
    const from = this.position
    while (this.position < this.text.length && pattern.test(this.text.charAt(this.position))) this.position++
    return this.text.slice(from, this.position)
  }

  number(): number {
    const from = this.position
    const digits = this.run(/[0-9]/)
    const value = Number(digits)
    if (digits === '' || (digits.length > 1 && digits.startsWith('0')) || value >= HARDENED) this.stop('bad-path', from)
    return value
  }

  /** A number that may be hardened, in either spelling. */
  step(): number {
    const value = this.number()
    return this.accept('h') || this.accept("'") ? value + HARDENED : value
  }

  steps(): PathStep[] {
    const out: PathStep[] = []
    while (this.accept('/')) {
      const from = this.position
      if (out.at(-1) === '*') this.stop('bad-path', from)
      if (this.accept('*')) {
        if (this.is('h') || this.is("'")) this.stop('unsupported', from)
        out.push('*')
      } else if (this.accept('<')) {
        if (out.some(step => typeof step === 'object')) this.stop('bad-path', from)
        const choices = [this.number()]
        while (this.accept(';')) choices.push(this.number())
        if (!this.accept('>') || choices.length < 2 || new Set(choices).size !== choices.length)
          this.stop('bad-path', from)
        out.push(choices)
      } else {
        const value = this.step()
        if (value >= HARDENED) this.stop('unsupported', from)
        out.push(value)
      }
    }
    return out
  }

  origin(): OriginText | undefined {
    if (!this.accept('[')) return undefined
    const from = this.position
    const fingerprint = this.run(/[0-9a-fA-F]/)
    if (fingerprint.length !== 8) this.stop('bad-origin', from)
    const steps: string[] = []
    while (this.accept('/')) {
      const value = this.step()
      steps.push(value >= HARDENED ? `${value - HARDENED}h` : String(value))
    }
    if (!this.accept(']')) this.stop('bad-origin')
    return { fingerprint: fingerprint.toLowerCase(), path: steps.join('/') }
  }

  part(): PartKey {
    const origin = this.origin()
    const position = this.position
    const text = this.run(/[0-9A-Za-z]/)
    if (/^([0-9a-fA-F]{64}|0[23][0-9a-fA-F]{64})$/.test(text)) {
      const publicKey = fromHex(text.length === 64 ? `02${text}` : text)
      if (tapOutputKey(publicKey.slice(1)) === undefined) this.stop('bad-key', position)
      if (this.is('/')) this.stop('bad-path')
      return { kind: 'part', ...(origin && { origin }), publicKey, steps: [], position }
    }
    const extended = decodeExtendedKey(text)
    if (extended === undefined)
      this.stop(/^([xt]prv|[5KLc9][1-9A-HJ-NP-Za-km-z]{50})/.test(text) ? 'unsupported' : 'bad-key', position)
    return {
      kind: 'part',
      ...(origin && { origin }),
      publicKey: extended.publicKey,
      extended,
      steps: this.steps(),
      position,
    }
  }

  key(): KeyExpression {
    const from = this.position
    if (!this.accept('musig(')) return this.part()
    const parts = [this.part()]
    while (this.accept(',')) parts.push(this.part())
    this.expect(')')
    const at = this.position
    const before = this.text.slice(at)
    // BIP390: the aggregate has no private key of its own to harden with
    if (/^(\/[^,)]*)?(\d|\*)[h']/.test(before)) this.stop('musig', at)
    const steps = this.steps()
    const ranged = (list: readonly PathStep[]): boolean => list.includes('*')
    const multi = (list: readonly PathStep[]): boolean => list.some(step => typeof step === 'object')
    if (steps.length > 0 && parts.some(part => part.extended === undefined || ranged(part.steps) || multi(part.steps)))
      this.stop('musig', from)
    return { kind: 'musig', parts, steps }
  }

  descriptor(): Descriptor {
    const name = this.run(/[a-z_]/)
    if (name !== 'tr' && name !== 'rawtr') {
      const known = ['pk', 'pkh', 'wpkh', 'sh', 'wsh', 'combo', 'multi', 'sortedmulti', 'addr', 'raw', 'sp']
      this.stop(!known.includes(name) ? 'syntax' : this.text.includes('musig(') ? 'musig' : 'unsupported', 0)
    }
    this.expect('(')
    const key = this.key()
    let leaf: KeyExpression | undefined
    if (name === 'tr' && this.accept(',')) {
      if (!this.accept('pk(')) this.stop('unsupported')
      leaf = this.key()
      this.expect(')')
    }
    this.expect(')')
    if (this.position !== this.text.length) this.stop('syntax')
    return { kind: name, key, ...(leaf && { leaf }) }
  }
}

/** Reads a descriptor; a checksum is verified when there is one. Never throws. */
export function parseDescriptor(text: string): Result<Descriptor, DescriptorError> {
  if (text.length > MAX_CHARS) return err({ code: 'syntax', position: MAX_CHARS })
  const hash = text.indexOf('#')
  const body = hash < 0 ? text : text.slice(0, hash)
  if (hash >= 0 && descriptorChecksum(body) !== text.slice(hash + 1))
    return err({ code: 'checksum', position: hash + 1 })
  try {
    return ok(new Parser(body).descriptor())
  } catch (error) {
    if (error instanceof Stop) return err(error.error)
    throw error
  }
}

/** Walks unhardened steps; `<a;b>` takes its `branch`-th choice and the wildcard is `index`. */
export function deriveSteps(
  key: ExtendedKey,
  steps: readonly PathStep[],
  branch: number,
  index: number,
): ExtendedKey | undefined {
  let current: ExtendedKey | undefined = key
  for (const step of steps) {
    const number = step === '*' ? index : typeof step === 'object' ? step[branch] : step
    const child: ReturnType<typeof childPublic> =
      current === undefined || number === undefined ? undefined : childPublic(current, number)
    if (current === undefined || child === undefined) return undefined
    current = { ...current, chainCode: child.chainCode, publicKey: child.publicKey }
  }
  return current
}

function publicKeyOf(key: KeyExpression, branch: number, index: number): Uint8Array | undefined {
  if (key.kind === 'part')
    return key.extended === undefined ? key.publicKey : deriveSteps(key.extended, key.steps, branch, index)?.publicKey
  const parts = key.parts.map(part => publicKeyOf(part, branch, index))
  if (parts.some(part => part === undefined)) return undefined
  const aggregate = plainKey(keyAgg(keySort(parts.filter(part => part !== undefined))))
  return deriveSteps(syntheticKey(aggregate, 0), key.steps, branch, index)?.publicKey
}

/**
 * The scriptPubKey at (branch, index); undefined where BIP32 or BIP341 has none (probability below 2^-127, or a missing
 * branch).
 */
export function descriptorScript(descriptor: Descriptor, branch: number, index: number): Uint8Array | undefined {
  const key = publicKeyOf(descriptor.key, branch, index)?.slice(1)
  if (key === undefined) return undefined
  if (descriptor.kind === 'rawtr') return p2trScript(key)
  let root: Uint8Array | undefined
  if (descriptor.leaf !== undefined) {
    const leaf = publicKeyOf(descriptor.leaf, branch, index)
    if (leaf === undefined) return undefined
    const script = concatBytes(Uint8Array.of(0x20), leaf.slice(1), Uint8Array.of(0xac))
    root = tagged('TapLeaf', Uint8Array.of(0xc0), compactSize(script.length), script)
  }
  const output = tapOutputKey(key, root)
  return output === undefined ? undefined : p2trScript(output)
}
