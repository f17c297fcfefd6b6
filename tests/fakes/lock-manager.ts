/**
 * Web Locks of one origin, exclusive mode with `ifAvailable` and `steal`, as far as the vault uses them. @see
 * https://www.w3.org/TR/web-locks/
 */
export function createFakeLockManager(): Pick<LockManager, 'request'> {
  const held = new Map<string, { reject: (error: DOMException) => void }>()
  async function request(name: string, ...rest: unknown[]): Promise<unknown> {
    const [options, callback] = rest as [LockOptions, (lock: Lock | null) => unknown]
    const holder = held.get(name)
    if (holder !== undefined && options.ifAvailable) return callback(null)
    if (holder !== undefined && !options.steal) throw new Error('this fake does not queue')
    return new Promise((resolve, reject) => {
      const entry = { reject }
      held.set(name, entry)
      holder?.reject(new DOMException('The lock was stolen', 'AbortError'))
      Promise.resolve(callback({ name, mode: 'exclusive' }))
        .then(resolve, reject)
        .finally(() => {
          if (held.get(name) === entry) held.delete(name)
        })
    })
  }
  return { request: request as LockManager['request'] }
}
