import type { Clock } from '../../ports/clock'
import type { Channel } from '../../ports/transport'
import type { Hex } from '../domain/bytes'
import type { PeerId } from '../domain/ids'
import type { Hello } from '../wire/messages'

/** Versions of the stream protocols that this build speaks, all with the same messages. */
const VERSIONS: readonly number[] = [1]
/**
 * A hello that offers only this number is a notice: "a newer instance of your peer id is open, nothing is spoken with
 * you". It is no version and never will be one.
 */
const SUPERSEDED = 255

/** milliseconds of difference that people are told about */
export const CLOCK_OFFSET_MS = 120_000

/** This run of the app. */
export interface SelfInfo {
  /** 16 random bytes hex */
  readonly instance: Hex
  /** unix milliseconds */
  readonly startedAt: number
  readonly build: string
}

export const makeHello = (self: SelfInfo, clock: Clock): Hello => ({
  type: 'hello',
  versions: VERSIONS,
  instance: self.instance,
  startedAt: self.startedAt,
  clock: Math.floor(clock.now()),
  build: self.build,
})

export const supersededNotice = (self: SelfInfo, clock: Clock): Hello => ({
  ...makeHello(self, clock),
  versions: [SUPERSEDED],
})
export const isSupersededNotice = (hello: Hello): boolean => hello.versions.every(v => v === SUPERSEDED)

/** The highest version that both sides speak; undefined when there is none. */
export function commonVersion(hello: Hello): number | undefined {
  const both = hello.versions.filter(v => VERSIONS.includes(v))
  return both.length > 0 ? Math.max(...both) : undefined
}

interface Run {
  readonly instance: Hex
  readonly startedAt: number
}

/** The later start wins; of two equal ones the greater id, so that everybody picks the same. */
export const isNewer = (a: Run, b: Run): boolean =>
  a.startedAt > b.startedAt || (a.startedAt === b.startedAt && a.instance > b.instance)

/**
 * Which run of the app is behind which open channel of a peer. One peer id may be open on two machines (one seed): only
 * the newest is talked to. Only open channels count, so that a run that is gone locks nobody out.
 */
export class Instances {
  readonly #channels = new Map<PeerId, Map<Channel, Run>>()

  /**
   * Registers the channel. `older` are channels of earlier runs, to be told and closed. Undefined: the channel itself
   * is of an earlier run.
   */
  admit(channel: Channel, hello: Hello): { readonly older: Channel[] } | undefined {
    const open = this.#channels.get(channel.peerId) ?? new Map<Channel, Run>()
    const others = [...open].filter(([, run]) => run.instance !== hello.instance)
    if (others.some(([, run]) => isNewer(run, hello))) return undefined
    const older = others.map(([c]) => c)
    for (const c of older) open.delete(c)
    open.set(channel, { instance: hello.instance, startedAt: hello.startedAt })
    this.#channels.set(channel.peerId, open)
    return { older }
  }

  forget(channel: Channel): void {
    const open = this.#channels.get(channel.peerId)
    if (!open) return
    open.delete(channel)
    if (open.size === 0) this.#channels.delete(channel.peerId)
  }
}
