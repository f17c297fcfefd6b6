/**
 * Guards: nothing by itself. It lets a service of the library see one of its components with other methods than it has.
 * Upstream: libp2p 3.3.11, dist/src/libp2p.js (hands the same components to every service).
 * Needless when: services take their registrar and upgrader as options.
 * Held by: tests/unit/libp2p-internals/connection-layers.test.ts.
 */

/** The object as it is but for these methods. Methods keep their `this`, so private fields work. */
export function withMethods<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(_, key) {
      if (key in methods) return Reflect.get(methods, key) as unknown
      const value: unknown = Reflect.get(target, key)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
