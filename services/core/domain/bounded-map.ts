/**
 * A map of at most `limit` entries. What is set counts as the newest; beyond the limit the oldest goes. What peers or
 * strangers can make grow is kept in one of these.
 */
export class BoundedMap<K, V> {
  // a Map iterates in the order in which its keys were inserted
  readonly #entries = new Map<K, V>()

  /** @param onEvict is told of an entry that has just gone because of the limit */
  constructor(
    readonly limit: number,
    private readonly onEvict?: (value: V, key: K) => void,
  ) {}

  get size(): number {
    return this.#entries.size
  }

  has(key: K): boolean {
    return this.#entries.has(key)
  }

  /** Does not make the entry newer. */
  get(key: K): V | undefined {
    return this.#entries.get(key)
  }

  set(key: K, value: V): this {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    const oldest = this.#entries.entries().next()
    if (this.#entries.size > this.limit && !oldest.done) {
      const [first, evicted] = oldest.value
      this.#entries.delete(first)
      this.onEvict?.(evicted, first)
    }
    return this
  }

  /** The value that is there, or else the one that `make` gives; it counts as the newest in both cases. */
  getOrInsert(key: K, make: () => V): V {
    const known = this.#entries.get(key)
    const value = known === undefined && !this.#entries.has(key) ? make() : (known as V)
    this.set(key, value)
    return value
  }

  delete(key: K): boolean {
    return this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
  }

  /** The oldest first. */
  keys(): IterableIterator<K> {
    return this.#entries.keys()
  }

  values(): IterableIterator<V> {
    return this.#entries.values()
  }

  [Symbol.iterator](): IterableIterator<[K, V]> {
    return this.#entries[Symbol.iterator]()
  }
}
