/** `npm run test:long`: repeats are raised. */
export const LONG = process.env.TANDEM_LONG === '1'

/** How often something is tried: a modest number in `npm test`, a large one when it may take its time. */
export const times = (usual: number, long: number): number => (LONG ? long : usual)

/** Time for a test with raised repeats, milliseconds; the usual limit otherwise. */
export const LONG_LIMIT: { readonly timeout?: number } = LONG ? { timeout: 1_800_000 } : {}
