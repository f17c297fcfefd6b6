import type { Clock } from '../../../ports/clock'
import type { Statement } from '../../domain/statement'
import type { Storage } from '../../../ports/storage'
import { fromHex, toHex, type Hex } from '../../domain/bytes'
import type { AccountKey, SessionId, WalletId } from '../../domain/ids'
import { NETWORKS, type NetworkName } from '../../domain/network'
import { createThrottle } from '../../domain/throttle'
import type { Result } from '../../domain/result'
import { messageHash } from '../../crypto/message-hash'
import { le, tagged, TAGS } from '../../crypto/tagged'
import { decodeSigned, encodeSigned } from '../../wire/codec'
import { LIMITS } from '../../wire/limits'
import type { SignedMessage } from '../../wire/messages'
import {
  array,
  ascii,
  bool,
  bytesUpTo,
  decodeWith,
  encodeWith,
  field,
  hexBytes,
  oneOf,
  oneOfNumbers,
  struct,
  uint,
  type DecodeError,
  type Schema,
} from '../../wire/schema'
import { accountKey, hash } from '../../wire/shapes'

/**
 * What was said in a session, as one member's device heard it: every signed message once, in the order and at the time
 * of its first arrival. `sync` is left out: it proves nothing. Each entry is hashed together with all before it, and
 * the exporter signs the last hash: entries cannot be changed, moved or taken out afterwards. What others said carries
 * their own signatures, so the exporter cannot invent it; that it is all that was said is the exporter's word.
 */
export interface TranscriptEntry {
  /** unix milliseconds by the exporter's clock */
  readonly at: number
  /** a signed message as it travels */
  readonly message: Uint8Array
}

export interface Transcript {
  readonly version: 1
  readonly network: NetworkName
  /** canonical: names all members' keys */
  readonly descriptor: string
  readonly session: SessionId
  readonly exporter: AccountKey
  /** false when more was said than is kept (limits.ts) */
  readonly complete: boolean
  readonly entries: readonly TranscriptEntry[]
  /** BIP340 over the `transcript` statement, 64 bytes */
  readonly signature: Hex
}

const MAX_ENTRIES = 4_096

const entries = array(
  struct<TranscriptEntry>({
    at: field('at', uint(Number.MAX_SAFE_INTEGER)),
    message: field('m', bytesUpTo(LIMITS.frameBytes, 1)),
  }),
  MAX_ENTRIES,
)

const transcript: Schema<Transcript> = struct<Transcript>({
  version: field('v', oneOfNumbers([1])),
  network: field('net', oneOf(Object.keys(NETWORKS) as NetworkName[])),
  descriptor: field('descriptor', ascii(/^[\x20-\x7e]+$/, LIMITS.recordBytes)),
  session: field('session', hash),
  exporter: field('by', accountKey),
  complete: field('complete', bool),
  entries: field('entries', entries),
  signature: field('sig', hexBytes(64)),
})

const FILE_BYTES = 2 * LIMITS.transcriptBytes

export const encodeTranscript = (t: Transcript): Uint8Array => encodeWith(transcript, t, FILE_BYTES)
export const decodeTranscript = (bytes: Uint8Array): Result<Transcript, DecodeError> =>
  decodeWith(transcript, bytes, FILE_BYTES)

/** Head of the chain: h(0) = H(wallet, session), h(i) = H(h(i-1), time as 8 bytes little-endian, message). 32 bytes. */
export function transcriptHead(walletId: WalletId, session: SessionId, list: readonly TranscriptEntry[]): Uint8Array {
  return list.reduce(
    (head, entry) => tagged(TAGS.transcript, head, le(entry.at, 8), entry.message),
    tagged(TAGS.transcript, fromHex(walletId), fromHex(session)),
  )
}

/** What the exporter signs. */
export const transcriptStatement = (
  walletId: WalletId,
  t: Pick<Transcript, 'session' | 'exporter' | 'complete' | 'entries'>,
): Statement => ({
  type: 'transcript',
  walletId,
  accountKey: t.exporter,
  session: t.session,
  head: toHex(transcriptHead(walletId, t.session, t.entries)),
  count: t.entries.length,
  complete: t.complete,
})

// ---------------------------------------------------------------- keeping them

interface Kept {
  list: TranscriptEntry[]
  bytes: number
  complete: boolean
  readonly known: Set<string>
  dirty: boolean
}

/**
 * Writes of the same session at most so often, milliseconds: what a crash loses of it proves something, and decides
 * nothing.
 */
const WRITE_MS = 1_000

/** The transcripts of the sessions of this run, written behind the screen's back. */
export class Transcripts {
  readonly #kept = new Map<SessionId, Kept>()
  readonly #write

  constructor(
    private readonly d: {
      readonly storage: Pick<Storage, 'get' | 'put' | 'delete'>
      readonly clock: Clock
      onError(error: unknown): void
    },
  ) {
    this.#write = createThrottle(d.clock, WRITE_MS, () => {
      void this.flush()
    })
  }

  /** A new session, or one of an earlier run with what that has heard. */
  async open(id: SessionId, isNew: boolean): Promise<void> {
    if (!this.#kept.has(id)) this.#kept.set(id, isNew ? empty() : await this.#read(id))
  }

  /**
   * Nothing is noted of a session that is not open: what comes after its end changes nothing, but for signatures, for
   * which it is opened.
   */
  note(message: SignedMessage): void {
    const kept = this.#kept.get(message.session)
    if (kept === undefined || message.body.type === 'sync') return
    const name = toHex(messageHash(message))
    if (kept.known.has(name)) return
    const bytes = encodeSigned(message)
    if (kept.bytes + bytes.length > LIMITS.transcriptBytes || kept.list.length >= MAX_ENTRIES) {
      kept.complete = false
      return
    }
    kept.known.add(name)
    kept.list.push({ at: this.d.clock.now(), message: bytes })
    kept.bytes += bytes.length
    kept.dirty = true
    this.#write()
  }

  async entries(id: SessionId): Promise<Pick<Transcript, 'entries' | 'complete'>> {
    const { list, complete } = this.#kept.get(id) ?? (await this.#read(id))
    return { entries: [...list], complete }
  }

  async flush(): Promise<void> {
    for (const [id, kept] of this.#kept) {
      if (!kept.dirty) continue
      kept.dirty = false
      try {
        await this.d.storage.put(
          'transcripts',
          id,
          encodeWith(stored, { complete: kept.complete, entries: kept.list }, FILE_BYTES),
          'relaxed',
        )
      } catch (error) {
        this.d.onError(error)
      }
    }
  }

  forget(id: SessionId): void {
    this.#kept.delete(id)
    this.d.storage.delete('transcripts', id).catch((error: unknown) => this.d.onError(error))
  }

  stop(): void {
    this.#write.stop()
    void this.flush()
  }

  async #read(id: SessionId): Promise<Kept> {
    const kept = empty()
    let bytes: Uint8Array | undefined
    try {
      bytes = await this.d.storage.get('transcripts', id)
    } catch (error) {
      this.d.onError(error)
      kept.complete = false
    }
    if (bytes === undefined) return kept
    const read = decodeWith(stored, bytes, FILE_BYTES)
    // what was kept cannot be read: what follows is not all that was said
    kept.complete = read.ok && read.value.complete
    if (!read.ok) return kept
    for (const entry of read.value.entries) {
      const message = decodeSigned(entry.message)
      if (!message.ok) continue
      kept.list.push(entry)
      kept.bytes += entry.message.length
      kept.known.add(toHex(messageHash(message.value)))
    }
    return kept
  }
}

const empty = (): Kept => ({ list: [], bytes: 0, complete: true, known: new Set(), dirty: false })

const stored = struct<Pick<Transcript, 'complete' | 'entries'>>({
  complete: field('complete', bool),
  entries: field('entries', entries),
})
