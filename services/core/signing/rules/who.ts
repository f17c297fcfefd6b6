import type { AccountKey } from '../../domain/ids'
import type { MemberView } from '../../domain/views'

/** Somebody as a sentence names him: the person at this screen, a member by name, or nobody of the wallet. */
export type Who =
  { readonly kind: 'self' } | { readonly kind: 'member'; readonly name: string } | { readonly kind: 'unknown' }

export const nameOf =
  (members: ReadonlyArray<Pick<MemberView, 'accountKey' | 'name' | 'self'>>) =>
  (key: AccountKey | undefined): Who => {
    const member = members.find(m => m.accountKey === key)
    if (member === undefined) return { kind: 'unknown' }
    return member.self ? { kind: 'self' } : { kind: 'member', name: member.name }
  }
