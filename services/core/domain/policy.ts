/**
 * Who must sign. A closed union with one case in version 1: all members (n-of-n by MuSig2). Code that switches over it
 * is found by the compiler when recovery leaves or k-of-n come.
 */
export type Policy = { readonly kind: 'all' }

/** Members of a wallet made in the UI. Code handles up to `MEMBERS_MAX_CODE`. */
export const MEMBERS_MIN = 2
export const MEMBERS_MAX = 15
export const MEMBERS_MAX_CODE = 100
