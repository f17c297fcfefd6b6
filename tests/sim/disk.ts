import type { ProfileRecord, VaultStore } from '../../services/adapters/keyworker/ports'
import type { Durability, Storage } from '../../services/ports/storage'
import type { SessionId } from '../../services/core/domain/ids'
import type { Random } from './random'

interface Write {
  readonly at: number
  readonly kind: 'vote' | 'record'
  readonly key: string
  readonly value: Uint8Array | undefined
  readonly forced: boolean
}

const voteKey = (session: SessionId): string => `vote ${session}`

/** A device's disk as the list of its writes, so that it can lose the last ones, or be as it was before. */
export class Disk {
  #log: Write[] = []
  readonly #state = new Map<string, Uint8Array>()

  constructor(
    private readonly profile: ProfileRecord,
    private readonly now: () => number,
  ) {}

  /** What is on it now, on another computer. */
  copy(): Disk {
    const other = new Disk(this.profile, this.now)
    other.#keep([...this.#log])
    return other
  }

  /** Votes of the vault; always forced to the disk. */
  votes(): VaultStore {
    return {
      profiles: async () => [structuredClone(this.profile)],
      profile: async id => (id === this.profile.id ? structuredClone(this.profile) : undefined),
      putProfile: () => Promise.reject(new Error('not in a run')),
      vote: async (_profile, session) => this.#state.get(voteKey(session))?.slice(),
      putVote: async (_profile, session, sealed) =>
        this.#write({ at: this.now(), kind: 'vote', key: voteKey(session), value: sealed.slice(), forced: true }),
    }
  }

  /** What the app stores, done when `turn` says so. */
  records(turn: <T>(work: () => T) => Promise<T>): Storage {
    const name = (store: string, key: string): string => `${store}/${key}`
    const put = (
      store: string,
      key: string,
      value: Uint8Array | undefined,
      durability: Durability = 'strict',
    ): Promise<void> =>
      turn(() =>
        this.#write({
          at: this.now(),
          kind: 'record',
          key: name(store, key),
          value: value?.slice(),
          forced: durability === 'strict',
        }),
      )
    return {
      get: (store, key) => turn(() => this.#state.get(name(store, key))?.slice()),
      all: store =>
        turn(() =>
          [...this.#state]
            .filter(([key]) => key.startsWith(`${store}/`))
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, value]) => ({ key: key.slice(store.length + 1), value: value.slice() })),
        ),
      put,
      putAll: async (writes, durability) => {
        for (const { store, key, value } of writes) await put(store, key, value, durability)
      },
      delete: (store, key) => put(store, key, undefined),
    }
  }

  /** The power goes: of the writes after the last forced one, the later ones are lost. */
  powerCut(random: Random): void {
    const forced = this.#log.findLastIndex(write => write.forced)
    this.#keep(this.#log.slice(0, random.between(forced + 1, this.#log.length)))
  }

  /** As it was at that time. Returns the sessions of which something is lost. */
  rewind(at: number): Set<SessionId> {
    const lost = this.#log.filter(write => write.at > at)
    this.#keep(this.#log.filter(write => write.at <= at))
    return new Set(lost.flatMap(({ key }) => /^(?:vote |sessions\/)(.*)$/.exec(key)?.[1] ?? []))
  }

  /** A yes to this session was given here, or taken back. */
  voted(session: SessionId): boolean {
    return this.#state.has(voteKey(session))
  }

  #write(write: Write): void {
    this.#log.push(write)
    this.#apply(write)
  }

  #apply({ key, value }: Write): void {
    if (value === undefined) this.#state.delete(key)
    else this.#state.set(key, value)
  }

  #keep(log: Write[]): void {
    this.#log = log
    this.#state.clear()
    for (const write of log) this.#apply(write)
  }
}
