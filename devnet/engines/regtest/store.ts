/**
 * The chain on disk: one append-only file of checked lines. A step of the chain (a block, an accepted transaction, a
 * whole reorganisation) is one line, written by one call, so a process killed at any moment leaves either all of a
 * step or nothing: an unfinished last line is cut off at the next start. A step that was answered survives the death
 * of the process; against loss of power there is no promise.
 */
import {
  closeSync,
  existsSync,
  ftruncateSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { sha256, toHex } from '../bytes'

export interface StoredHead {
  readonly format: 1
  readonly network: 'regtest'
  /**
   * Secret key of the chain's own miner wallet, hex. Its coins exist on this chain alone. Stored chains have it under
   * this name, and must open in later builds.
   */
  readonly purse: string
}

/** What a step did, in order. */
export type StoredChange =
  | { readonly do: 'connect'; readonly header: string; readonly txs: readonly string[] }
  | { readonly do: 'disconnect' }
  | { readonly do: 'enter'; readonly tx: string; readonly at: number }
  | { readonly do: 'leave'; readonly txid: string }

export interface ChainStore {
  /** Head and steps found at the start, in order; undefined for a new chain. */
  readonly found: { readonly head: StoredHead; readonly steps: readonly (readonly StoredChange[])[] } | undefined
  begin(head: StoredHead): void
  append(step: readonly StoredChange[]): void
  close(): void
}

/** A store that keeps nothing, for tests and throw-away chains. */
export function memoryStore(): ChainStore {
  return { found: undefined, begin: () => undefined, append: () => undefined, close: () => undefined }
}

const FILE = 'chain.log'
const LOCK = 'chain.lock'

const encodeLine = (value: unknown): Buffer => {
  const body = Buffer.from(JSON.stringify(value))
  return Buffer.concat([Buffer.from(`${toHex(sha256(body)).slice(0, 8)} `), body, Buffer.from('\n')])
}

/** Value of a line, or undefined when the line is torn or altered. */
function decodeLine(line: Buffer): unknown {
  const body = line.subarray(9)
  if (line.subarray(0, 9).toString() !== `${toHex(sha256(body)).slice(0, 8)} `) return undefined
  return JSON.parse(body.toString())
}

/** Reads all whole lines; `length` is where the last good one ends. */
function readLines(path: string): { values: unknown[]; length: number } {
  const bytes = readFileSync(path)
  const values: unknown[] = []
  let at = 0
  while (at < bytes.length) {
    const end = bytes.indexOf(10, at)
    const value = end < 0 ? undefined : decodeLine(bytes.subarray(at, end))
    if (value === undefined) {
      // Only the last write can be torn; damage before it is not ours to guess at.
      if (end >= 0 && end + 1 < bytes.length)
        throw new Error(`The chain data in ${path} is damaged. Start anew with --fresh.`)
      break
    }
    values.push(value)
    at = end + 1
  }
  return { values, length: at }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Locks held by this process: its own id in a lock file is else a left-over of an earlier process with that id. */
const ownLocks = new Set<string>()

/** Takes the folder for this process; a lock whose process is gone is taken over. */
function takeLock(path: string): void {
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' })
      ownLocks.add(path)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const holder = Number(readFileSync(path, 'utf8'))
    const held = holder === process.pid ? ownLocks.has(path) : Number.isInteger(holder) && holder > 0 && isAlive(holder)
    if (held) throw new Error(`The chain data is in use by process ${holder} (${path}).`)
    rmSync(path, { force: true })
  }
  throw new Error(`The chain data is in use (${path}).`)
}

/**
 * Opens or makes the chain file in a folder.
 * @param fresh forget what is there
 * @throws Error with a sentence when the folder is in use, damaged or of another format
 */
export function openStore(folder: string, fresh = false): ChainStore {
  mkdirSync(folder, { recursive: true })
  const lock = join(folder, LOCK)
  const path = join(folder, FILE)
  takeLock(lock)
  try {
    if (fresh) rmSync(path, { force: true })
    const { values, length } = existsSync(path) ? readLines(path) : { values: [], length: 0 }
    const [head, ...steps] = values
    const known = head as StoredHead | undefined
    if (known !== undefined && (known.format !== 1 || known.network !== 'regtest')) {
      throw new Error(`The chain data in ${path} is of another format. Start anew with --fresh.`)
    }
    const file = openSync(path, 'a', 0o600)
    ftruncateSync(file, length)
    let written = length
    const write = (value: unknown): void => {
      const line = encodeLine(value)
      try {
        for (let at = 0; at < line.length;) at += writeSync(file, line, at)
      } catch (error) {
        // A full disk must not leave half a line in the middle of what follows.
        ftruncateSync(file, written)
        throw error
      }
      written += line.length
    }
    return {
      found: known === undefined ? undefined : { head: known, steps: steps as StoredChange[][] },
      begin: value => {
        write(value)
        fsyncSync(file)
      },
      append: write,
      close: () => {
        fsyncSync(file)
        closeSync(file)
        ownLocks.delete(lock)
        unlinkSync(lock)
      },
    }
  } catch (error) {
    ownLocks.delete(lock)
    rmSync(lock, { force: true })
    throw error
  }
}
