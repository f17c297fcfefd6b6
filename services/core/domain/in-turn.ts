/**
 * Work of one key is done in the order in which it was asked for, each when the one before has ended, well or not. Work
 * of different keys does not wait.
 */
export class InTurn<K> {
  readonly #last = new Map<K, Promise<unknown>>()

  do<T>(key: K, work: () => Promise<T>): Promise<T> {
    const mine = (this.#last.get(key) ?? Promise.resolve()).then(work, work)
    this.#last.set(key, mine)
    const done = (): void => {
      if (this.#last.get(key) === mine) this.#last.delete(key)
    }
    mine.then(done, done)
    return mine
  }
}
