import { base64 } from '@scure/base'
import { utf8ToBytes } from '../domain/bytes'
import { isNetworkName, type NetworkName } from '../domain/network'
import { err, ok, type Result } from '../domain/result'
import { isCleanName } from '../domain/text'
import type { WalletRecord } from '../domain/wallet'
import { walletRecord } from '../wire/codec'
import { LIMITS } from '../wire/limits'
import {
  array,
  ascending,
  ascii,
  decodeWith,
  encodeWith,
  field,
  oneOfNumbers,
  refine,
  struct,
  text,
} from '../wire/schema'

/**
 * The wallet file: a JSON envelope that a person can recognise, around a body sealed by the vault under a key derived
 * from the seed (`Signer.sealFile`). The hint outside is for finding the file again and is believed by nothing; what
 * counts is inside, and is checked again by `checkRecord` on restore.
 */

/** A name that this member gave to an address or a transaction. `ref` is the address or the txid. */
export interface Label {
  readonly ref: string
  readonly text: string
}

export interface WalletFileContent {
  readonly record: WalletRecord
  /** in the order of `ref`, each once */
  readonly labels: readonly Label[]
}

export interface WalletFileHint {
  readonly name: string
  readonly network: NetworkName
  /** unix seconds */
  readonly createdAt: number
}

export type WalletFileError =
  /** no JSON, not our envelope, or not what was sealed */
  | { readonly code: 'damaged' }
  | { readonly code: 'too-large' }
  | { readonly code: 'newer-version'; readonly version: number }

const VERSION = 1
const FORMAT = 'tandem-wallet'

const content = struct<WalletFileContent & { readonly version: 1 }>({
  version: field('v', oneOfNumbers([1] as const)),
  record: field('record', walletRecord),
  labels: field(
    'labels',
    refine(
      array(
        struct<Label>({ ref: field('ref', ascii(/^[0-9a-z]+$/, 90)), text: field('text', text(LIMITS.noteBytes)) }),
        LIMITS.labels,
      ),
      labels => ascending(labels.map(l => l.ref)),
      'bad-order',
    ),
  ),
})

/** Plain bytes for `Signer.sealFile`. Labels may come in any order; of two for one `ref` the last counts. */
export function encodeWalletFile(record: WalletRecord, labels: readonly Label[]): Uint8Array {
  const byRef = new Map(labels.map(l => [l.ref, l]))
  const list = [...byRef.values()].sort((a, b) => (a.ref < b.ref ? -1 : 1))
  return encodeWith(content, { version: VERSION, record, labels: list }, LIMITS.fileBytes)
}

/** The opposite, on what `Signer.openFile` gave. Form only: `checkRecord` comes next. */
export function decodeWalletFile(plain: Uint8Array): Result<WalletFileContent, WalletFileError> {
  const decoded = decodeWith(content, plain, LIMITS.fileBytes)
  return decoded.ok ? ok({ record: decoded.value.record, labels: decoded.value.labels }) : err({ code: 'damaged' })
}

/** Text of the file that a person saves. */
export function wrapWalletFile(record: WalletRecord, sealed: Uint8Array): string {
  return `${JSON.stringify(
    {
      format: FORMAT,
      version: VERSION,
      about:
        'Encrypted wallet file of Tandem. It opens only together with the recovery words of the member who saved it.',
      name: record.name,
      network: record.network,
      createdAt: record.createdAt,
      body: base64.encode(sealed),
    },
    null,
    2,
  )}\n`
}

/** Reads the envelope of a file that a person chose. */
export function unwrapWalletFile(
  file: string,
): Result<{ readonly sealed: Uint8Array; readonly hint: WalletFileHint }, WalletFileError> {
  // base64 grows by a third, and the body is the only long field
  if (file.length > LIMITS.fileBytes * 1.5) return err({ code: 'too-large' })
  let json: unknown
  try {
    json = JSON.parse(file)
  } catch {
    return err({ code: 'damaged' })
  }
  if (typeof json !== 'object' || json === null) return err({ code: 'damaged' })
  const { format, version, name, network, createdAt, body } = json as Record<string, unknown>
  if (format !== FORMAT || typeof version !== 'number' || !Number.isSafeInteger(version))
    return err({ code: 'damaged' })
  if (version > VERSION) return err({ code: 'newer-version', version })
  if (
    version !== VERSION ||
    typeof name !== 'string' ||
    utf8ToBytes(name).length > LIMITS.nameBytes ||
    !isCleanName(name) ||
    !isNetworkName(network)
  )
    return err({ code: 'damaged' })
  if (typeof createdAt !== 'number' || !Number.isSafeInteger(createdAt) || createdAt < 0 || typeof body !== 'string')
    return err({ code: 'damaged' })
  try {
    return ok({ sealed: base64.decode(body), hint: { name, network, createdAt } })
  } catch {
    return err({ code: 'damaged' })
  }
}
