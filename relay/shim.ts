interface WithResolvers {
  withResolvers?: <T>() => {
    promise: Promise<T>
    resolve: (value: T | PromiseLike<T>) => void
    reject: (reason?: unknown) => void
  }
}

/**
 * Node 20 lacks `Promise.withResolvers` (ES2024), which libp2p 3 uses. Imported first: ES modules are evaluated in
 * order.
 */
const target = Promise as unknown as WithResolvers
target.withResolvers ??= <T>() => {
  let resolve!: (value: T | PromiseLike<T>) => void
  let reject!: (reason?: unknown) => void
  const promise = new Promise<T>((res, rej) => {
    resolve = res
    reject = rej
  })
  return { promise, resolve, reject }
}

export {}
