import { Random } from './random'

/** unix milliseconds at which every run begins */
export const FIRST = 1_800_000_000_000
/** milliseconds in which trouble is made; after them everything is mended */
export const TROUBLE_MS = 8 * 60_000
/** milliseconds for members to come to an end after that */
export const CALM_MS = 20 * 60_000

/** Something that happens to the world at a time, milliseconds from the beginning. */
export type Happening = { readonly at: number } &
  /** `power`: writes that were not forced to the disk are lost too */
  (
    | { readonly type: 'crash'; readonly member: number; readonly power: boolean; readonly forMs: number }
    | { readonly type: 'cut'; readonly pair: readonly [number, number]; readonly forMs: number }
    | { readonly type: 'offline'; readonly member: number; readonly forMs: number }
    | { readonly type: 'lock'; readonly member: number; readonly forMs: number }
    /** the member's chain server stands still */
    | { readonly type: 'lag'; readonly member: number; readonly forMs: number }
    | { readonly type: 'evict' }
    | { readonly type: 'reorg'; readonly depth: number; readonly keep: boolean }
    | { readonly type: 'mine' }
    /** all computers sleep */
    | { readonly type: 'sleep'; readonly ms: number }
    /** the member's disk is as it was `agoMs` before, as from a backup of the machine */
    | { readonly type: 'restore'; readonly member: number; readonly agoMs: number }
    /**
     * the member's computer is lost: words and wallet file are read into another one, which knows of no session and has
     * no votes
     */
    | { readonly type: 'new-machine'; readonly member: number; readonly forMs: number }
    /**
     * the same words on a second computer while the first goes on, with a copy of its disk or with nothing but the
     * wallet file; after `backMs`, when given, the first is opened anew and is the newer one then
     */
    | { readonly type: 'second'; readonly member: number; readonly copy: boolean; readonly backMs?: number }
    | { readonly type: 'propose'; readonly member: number; readonly coins: number; readonly overlap: boolean }
    /**
     * a payment that waits for a block: another in its place, for the same recipients or none; at this rate, or at the
     * least one
     */
    | { readonly type: 'bump'; readonly member: number; readonly back: boolean; readonly feeRate?: number }
  )

/** What a person does with a proposal. */
export type Mind = 'yes' | 'no' | 'yes-then-withdraw' | 'late-yes'

/** What a hostile member is up to; each makes some of its messages, or all, other than they should be. */
export const MISCHIEF = [
  'silent',
  'wrong-partials',
  'wrong-pubnonces',
  'old-pubnonces',
  'cancelling-pubnonces',
  'hub-two-nonces',
  'hub-wrong-aggregates',
  'hub-without-yours',
  'two-faced-votes',
  'accuses',
  'wrong-final',
  'keeps-final',
  'lying-sync',
  'replays',
  'strange-begin',
  'cancels-others',
  'two-proposals',
  'bad-signatures',
  'garbage',
  'changes-transaction',
] as const
export type Mischief = (typeof MISCHIEF)[number]

/** All that decides a run, besides the code. */
export interface Plan {
  readonly seed: number
  readonly members: number
  readonly hostile: Readonly<Record<number, readonly Mischief[]>>
  /** of each message */
  readonly drop: number
  readonly duplicate: number
  /** of each message, to be late by up to 20 s, so that others overtake it */
  readonly reorder: number
  /** of each set of nonces, to be lost soon because the page was put aside (page hide) */
  readonly hide: number
  readonly minds: 'willing' | 'mixed'
  readonly happenings: readonly Happening[]
}

/** The plan of a seed. One in three has hostile members, up to all but one. */
export function planOf(seed: number): Plan {
  const r = new Random(seed)
  const members = r.pick([2, 2, 2, 3, 3, 3, 4, 4, 5, 6, 7])
  const hostile: Record<number, readonly Mischief[]> = {}
  if (r.chance(0.4)) {
    const honest = r.between(0, members - 1)
    for (let m = 0; m < members; m++) {
      if (m !== honest && r.chance(0.5)) hostile[m] = Array.from({ length: r.between(1, 3) }, () => r.pick(MISCHIEF))
    }
  }
  const member = (): number => r.between(0, members - 1)
  const forMs = (): number => r.pick([500, 3_000, 10_000, 40_000, 120_000])
  const at = (): number => r.between(0, TROUBLE_MS)
  const calm = r.chance(0.1)
  const trouble = Array.from({ length: calm ? 0 : r.between(0, 10) }, (): Happening => {
    switch (
      r.pick([
        'crash',
        'crash',
        'crash',
        'cut',
        'cut',
        'offline',
        'lock',
        'lag',
        'evict',
        'reorg',
        'mine',
        'sleep',
        'restore',
      ] as const)
    ) {
      case 'crash':
        return { at: at(), type: 'crash', member: member(), power: r.chance(0.3), forMs: forMs() }
      case 'cut': {
        const a = member()
        return { at: at(), type: 'cut', pair: [a, (a + r.between(1, members - 1)) % members], forMs: forMs() }
      }
      case 'offline':
        return { at: at(), type: 'offline', member: member(), forMs: forMs() }
      case 'lock':
        return { at: at(), type: 'lock', member: member(), forMs: forMs() }
      case 'lag':
        return { at: at(), type: 'lag', member: member(), forMs: forMs() }
      case 'evict':
        return { at: at(), type: 'evict' }
      case 'reorg':
        return { at: at(), type: 'reorg', depth: r.between(1, 3), keep: r.chance(0.7) }
      case 'mine':
        return { at: at(), type: 'mine' }
      case 'sleep':
        return { at: at(), type: 'sleep', ms: r.pick([70_000, 3_600_000, 25 * 3_600_000]) }
      case 'restore':
        return { at: at(), type: 'restore', member: member(), agoMs: r.pick([30_000, 120_000, 400_000]) }
    }
  })
  const proposals = Array.from({ length: r.pick([1, 1, 1, 2, 2, 3]) }, (_, i): Happening => ({
    at: i === 0 ? 1_000 : r.between(1_000, TROUBLE_MS / 2),
    type: 'propose',
    member: member(),
    coins: r.pick([1, 1, 2, 3]),
    overlap: i > 0 && r.chance(0.5),
  }))
  const plan = {
    seed,
    members,
    hostile,
    drop: calm ? 0 : r.pick([0, 0, 0.02, 0.15]),
    duplicate: calm ? 0 : r.pick([0, 0.05, 0.3]),
    reorder: calm ? 0 : r.pick([0, 0.05, 0.3]),
    hide: new Random(`hide ${seed}`).pick([0, 0, 0, 0.05, 0.3]),
    minds: r.chance(0.6) ? ('willing' as const) : ('mixed' as const),
  }
  const bumps = Array.from({ length: r.pick([0, 0, 1, 2, 3, 5]) }, (): Happening => {
    const feeRate = r.pick([undefined, undefined, 3, 8, 25])
    return {
      at: r.between(20_000, TROUBLE_MS),
      type: 'bump',
      member: member(),
      back: r.chance(0.25),
      ...(feeRate === undefined ? {} : { feeRate }),
    }
  })
  return {
    ...plan,
    happenings: [...proposals, ...trouble, ...bumps, ...machines(seed, members)].sort((a, b) => a.at - b.at),
  }
}

/**
 * Members who come from another computer, in one run of four. By numbers of their own: what else happens in a run is as
 * it was without them.
 */
function machines(seed: number, members: number): Happening[] {
  const r = new Random(`machines ${seed}`)
  return Array.from({ length: r.pick([0, 0, 0, 0, 0, 0, 1, 2]) }, (): Happening => {
    const [at, member] = [r.between(1_000, TROUBLE_MS), r.between(0, members - 1)]
    if (r.chance(0.5)) return { at, type: 'new-machine', member, forMs: r.pick([500, 10_000, 120_000]) }
    const backMs = r.pick([undefined, 3_000, 30_000, 120_000])
    return { at, type: 'second', member, copy: r.chance(0.5), ...(backMs === undefined ? {} : { backMs }) }
  })
}

/** Plans that are a little simpler than this one, the simplest first. */
export function simpler(plan: Plan): Plan[] {
  const { happenings } = plan
  const half = Math.ceil(happenings.length / 2)
  const without =
    happenings.length < 2
      ? []
      : [
          happenings.slice(0, half),
          happenings.slice(half),
          ...happenings.map((_, i) => happenings.filter((__, j) => j !== i)),
        ]
  const tamer = Object.entries(plan.hostile).flatMap(([m, list]) => [
    { ...plan, hostile: Object.fromEntries(Object.entries(plan.hostile).filter(([other]) => other !== m)) },
    ...(list.length > 1
      ? list.map((_, i) => ({ ...plan, hostile: { ...plan.hostile, [m]: list.filter((__, j) => j !== i) } }))
      : []),
  ])
  return [
    ...(plan.drop + plan.duplicate + plan.reorder > 0 ? [{ ...plan, drop: 0, duplicate: 0, reorder: 0 }] : []),
    ...without.map(list => ({ ...plan, happenings: list })),
    ...tamer,
    ...(['drop', 'duplicate', 'reorder'] as const).filter(key => plan[key] > 0).map(key => ({ ...plan, [key]: 0 })),
    ...(plan.hide > 0 ? [{ ...plan, hide: 0 }] : []),
    ...(plan.minds === 'mixed' ? [{ ...plan, minds: 'willing' as const }] : []),
  ]
}
