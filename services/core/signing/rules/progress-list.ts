import type { AccountKey } from '../../domain/ids'
import type { Choice, SessionState } from '../../domain/signing-state'
import type { MemberView } from '../../domain/views'
import type { SessionView } from './progress'
import { nameOf, type Who } from './who'

export type StepName = 'asked' | 'approved' | 'nonces' | 'signatures' | 'sent' | 'confirmed'

/** One line of the progress list. */
export interface ProgressStep {
  readonly step: StepName
  readonly done: boolean
  /** the first that is not done, while the session goes on */
  readonly current: boolean
  /** who has done his part */
  readonly by: ReadonlyArray<{ readonly accountKey: AccountKey; readonly who: Who }>
  /** how many have to do theirs */
  readonly of?: number
  /** who said no, and how */
  readonly against: ReadonlyArray<{ readonly accountKey: AccountKey; readonly who: Who; readonly vote: Choice }>
  /** blocks on top, its own counted */
  readonly confirmations?: number
}

/** how many steps are over in a state; ends that the chain did not make have none */
const OVER: Partial<Record<SessionState, number>> = {
  proposed: 1,
  signing: 2,
  released: 3,
  signed: 4,
  broadcast: 5,
  confirmed: 6,
}

/** Asked, approved, ready, signed, sent, confirmed: which steps are done, and by whom. */
export function sessionProgress(
  view: SessionView,
  members: ReadonlyArray<Pick<MemberView, 'accountKey' | 'name' | 'self'>>,
): ProgressStep[] {
  const over = OVER[view.state] ?? 0
  const who = nameOf(members)
  const all = members.map(m => m.accountKey)
  const those = (test: (m: SessionView['members'][number]) => boolean) => view.members.filter(test)
  const keys = (some: ReadonlyArray<{ readonly accountKey: AccountKey }>) => some.map(m => m.accountKey)

  const step = (name: StepName, done: boolean): ProgressStep => ({
    step: name,
    done,
    current: false,
    by: [],
    against: [],
  })
  const shared = (name: StepName, by: readonly AccountKey[], complete = by.length === all.length): ProgressStep => ({
    ...step(name, complete),
    by: by.map(accountKey => ({ accountKey, who: who(accountKey) })),
    of: all.length,
  })

  const yes = keys(those(m => m.vote === 'yes'))
  const against = those(m => m.vote === 'no' || m.vote === 'withdraw').flatMap(({ accountKey, vote }) =>
    vote === undefined ? [] : [{ accountKey, who: who(accountKey), vote }],
  )
  // the complete signature proves that everybody has sent his nonces and signed
  const nonces = over >= 4 ? all : keys(those(m => m.nonces || m.signed))
  const signed = over >= 4 ? all : keys(those(m => m.signed))
  const { confirmations } = view
  const steps: ProgressStep[] = [
    step('asked', true),
    { ...shared('approved', yes, yes.length === all.length || over >= 4), against },
    shared('nonces', nonces),
    shared('signatures', signed),
    step('sent', over >= 5),
    { ...step('confirmed', view.state === 'confirmed'), ...(confirmations ? { confirmations } : {}) },
  ]
  const current = over === 0 ? -1 : steps.findIndex(s => !s.done)
  return steps.map((s, i) => (i === current ? { ...s, current: true } : s))
}
