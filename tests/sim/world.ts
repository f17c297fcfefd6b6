import { encodeSigned } from '../../services/core/wire/codec'
import type { MemberIndex } from '../../services/core/domain/ids'
import { outPointKey } from '../../services/core/domain/ids'
import type { SignedMessage } from '../../services/core/wire/messages'
import { createFakeChain, type FakeChain } from '../fakes/chain'
import { circleOf, type CircleOf } from './circle'
import { Device, type Surroundings } from './device'
import { Hostile, type Frame } from './hostile'
import { Broken, Judge } from './judge'
import { CALM_MS, FIRST, TROUBLE_MS, type Happening, type Mind, type Plan } from './plan'
import { Random } from './random'
import { Scheduler, type Life } from './scheduler'

/** milliseconds without a link after an offence (protocol.md, "Blame") */
const BLOCKED_MS = 60_000
/** a run that does more than this goes round in circles */
const MAX_STEPS = 200_000

export interface Outcome {
  readonly broken?: { readonly rule: string; readonly detail: string }
  readonly steps: number
  /** states in which sessions ended on honest devices */
  readonly ends: Readonly<Record<string, number>>
}

/** One run of a plan from the first proposal to the end. */
export async function run(plan: Plan, trace?: (line: string) => void): Promise<Outcome> {
  const world = new World(plan, await circleOf(plan.members), trace)
  try {
    await world.go()
    return world.outcome()
  } catch (error) {
    if (error instanceof Broken) return { ...world.outcome(), broken: { rule: error.rule, detail: error.message } }
    return {
      ...world.outcome(),
      broken: { rule: 'exception', detail: error instanceof Error ? (error.stack ?? error.message) : String(error) },
    }
  }
}

class World implements Surroundings {
  readonly scheduler = new Scheduler()
  readonly random: Random
  readonly chain: FakeChain
  /** every computer; of a member with two of them the first comes first */
  readonly #devices: Device[] = []
  /** the computer that a member opened last */
  readonly #newest = new Map<MemberIndex, Device>()
  /** computers that a computer has greeted, where a member has more than one */
  readonly #met = new Map<Device, Set<Device>>()
  readonly #hostile = new Map<MemberIndex, Hostile>()
  readonly #judge: Judge
  /** until when a pair has no link, unix ms */
  readonly #cuts = new Map<string, number>()
  readonly #offline = new Map<MemberIndex, number>()
  readonly #minds = new Map<string, Mind>()
  #steps = 0
  #calm = false
  #broken: Broken | undefined

  constructor(
    private readonly plan: Plan,
    readonly circle: CircleOf,
    private readonly trace?: (line: string) => void,
  ) {
    this.random = new Random(`run ${plan.seed}`)
    this.#judge = new Judge(
      circle,
      member => !this.#hostile.has(member),
      device => this.#computers(device.member).filter(other => other !== device),
    )
    for (const [member, mischief] of Object.entries(plan.hostile))
      this.#hostile.set(Number(member), new Hostile(Number(member), mischief, circle, this.random))
    this.chain = createFakeChain({
      blocks: 100,
      verify: (tx, prevouts) => this.#guarded(() => this.#judge.accepts(tx, prevouts)),
    })
    for (let i = 0; i < 4; i++) this.chain.fund(this.circle.scripts[i]?.script ?? '', BigInt(60_000 + 10_000 * i))
    // deeper than any reorg of a plan
    this.chain.mine(6)
    for (const m of circle.records.keys()) this.#newest.set(m, this.#add(new Device(m, 0, this)))
  }

  /** A rule that breaks inside a call of the app would be taken for trouble of that call. */
  #guarded<T>(work: () => T): T | undefined {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof Broken)) throw error
      this.#broken ??= error
      return undefined
    }
  }

  async go(): Promise<void> {
    const { scheduler, plan } = this
    for (const device of this.#devices) scheduler.after(0, undefined, () => this.#start(device))
    for (const happening of plan.happenings)
      scheduler.at(FIRST + happening.at, undefined, () => this.#happen(happening))
    for (const device of [...this.#devices])
      scheduler.after(this.random.between(2_000, 8_000), undefined, () => this.#person(device))
    for (const hostile of this.#hostile.values()) scheduler.after(5_000, undefined, () => this.#attack(hostile))
    await this.#until(scheduler.now + TROUBLE_MS)
    this.#calm = true
    // everything is mended, whoever was hostile keeps to it
    this.#cuts.clear()
    this.#offline.clear()
    for (const device of this.#devices) {
      device.lag(false)
      if (this.#at(device.member) !== device) this.#close(device)
      // "use it here": a run that was told of a newer one is begun anew
      else if (device.superseded !== undefined) device.stop()
    }
    for (const device of this.#current()) await this.#start(device)
    this.#tellLinks()
    this.#mined()
    const end = scheduler.now + CALM_MS
    while (scheduler.now < end && !this.#isOver()) await this.#until(scheduler.now + 60_000)
    this.#judge.atRest(
      this.#current(),
      this.#hostile.size === 0,
      scheduler.now,
      txid => this.chain.find(txid)?.height !== undefined,
    )
  }

  outcome(): Outcome {
    const ends: Record<string, number> = {}
    for (const device of this.#current()) {
      if (this.#hostile.has(device.member)) continue
      for (const { view } of device.door?.cards() ?? []) ends[view.state] = (ends[view.state] ?? 0) + 1
    }
    return { steps: this.#steps, ends }
  }

  /** Every session has ended on every honest device that has heard of it. */
  #isOver(): boolean {
    return this.#current().every(
      d =>
        this.#hostile.has(d.member) ||
        (d.rests && d.door !== undefined && d.door.cards().every(card => !card.view.live)),
    )
  }

  async #until(end: number): Promise<void> {
    const stop = Math.max(end, this.scheduler.now)
    while (await this.scheduler.next(stop)) {
      if (++this.#steps > MAX_STEPS) throw new Broken('no-rest', `${MAX_STEPS} steps`)
      for (const device of this.#devices) {
        if (!device.touched || !device.rests) continue
        device.touched = false
        this.#judge.look(device)
      }
      if (this.#broken) throw this.#broken
    }
  }

  // ---------------------------------------------------------------- what a device sees

  linked(a: Device, b: MemberIndex): boolean {
    const other = this.#partner(a, b)
    return other !== undefined && this.#isWay(a, other) && this.#partner(other, a.member) === a
  }

  /** Both are there, and the network between them. */
  #isWay(a: Device, b: Device): boolean {
    const { now } = this.scheduler
    const up = (d: Device): boolean => d.life.alive && (this.#offline.get(d.member) ?? 0) <= now
    return a.member !== b.member && up(a) && up(b) && (this.#cuts.get(pair(a.member, b.member)) ?? 0) <= now
  }

  #computers(member: MemberIndex): Device[] {
    return this.#devices.length === this.circle.records.length
      ? this.#devices.slice(member, member + 1)
      : this.#devices.filter(d => d.member === member)
  }
  #current(): Device[] {
    return [...this.#newest.values()]
  }

  /** Of a member's computers the newest that this one has met; a run of ours that is refused has none. */
  #partner(device: Device, member: MemberIndex): Device | undefined {
    if (device.refusedBy.has(member)) return undefined
    const all = this.#computers(member)
    if (all.length === 1) return all[0]
    const met = this.#met.get(device)
    return all.filter(d => d.life.alive && !d.refusedBy.has(device.member) && met?.has(d) === true).sort(byStart)[0]
  }

  post(from: Device, to: MemberIndex, message: SignedMessage): void {
    const hostile = this.#hostile.get(from.member)
    if (!hostile) {
      this.#guarded(() => this.#judge.sent(from, message))
      return this.#carry(from, { to, bytes: encodeSigned(message) }, message.body.type)
    }
    for (const frame of hostile.instead(to, message)) this.#carry(from, frame, message.body.type)
  }

  #carry(from: Device, { to, bytes }: Frame, what: string): void {
    const { plan, random, scheduler } = this
    this.trace?.(`${this.#time()} ${from.name} -> ${to} ${what}`)
    const target = this.#partner(from, to)
    const times = random.chance(this.#calm ? 0 : plan.drop) ? 0 : random.chance(plan.duplicate) ? 2 : 1
    for (let i = 0; i < times; i++) {
      const ms = random.between(2, 400) + (random.chance(plan.reorder) ? random.between(0, 20_000) : 0)
      scheduler.after(ms, undefined, () => {
        if (target !== undefined && this.linked(from, to) && this.#partner(from, to) === target)
          target.receive(from.member, bytes)
      })
    }
  }

  offence(by: MemberIndex, accused: MemberIndex, code: string): void {
    this.trace?.(`${this.#time()} ${by} disconnects ${accused}: ${code}`)
    this.#guarded(() => this.#judge.offence(by, accused, code))
    this.#cut(by, accused, BLOCKED_MS)
  }

  contributed(device: Device, message: SignedMessage): void {
    this.#guarded(() => this.#judge.contributed(device, message, this.scheduler.now))
  }

  hides(): boolean {
    return this.plan.hide > 0 && !this.#calm && this.random.chance(this.plan.hide)
  }

  heard(member: MemberIndex, message: SignedMessage): void {
    this.#hostile.get(member)?.hear(message)
  }

  // ---------------------------------------------------------------- people

  #mind(member: MemberIndex, session: string): Mind {
    const key = `${member} ${session}`
    const known =
      this.#minds.get(key) ??
      (this.plan.minds === 'willing'
        ? 'yes'
        : this.random.pick(['yes', 'yes', 'yes', 'late-yes', 'no', 'yes-then-withdraw'] as const))
    this.#minds.set(key, known)
    return known
  }

  /** Looks at the screen now and then and does what he has in mind. */
  #person(device: Device): void {
    const { scheduler, random } = this
    const { door, life } = device
    if (device.closed) return
    scheduler.after(random.between(4_000, 40_000), undefined, () => this.#person(device))
    if (door === undefined || !life.alive) return
    for (const card of door.cards()) {
      const { view } = card
      const mind = this.#mind(device.member, card.id)
      if (view.canApprove && mind !== 'no' && (mind !== 'late-yes' || this.#calm)) {
        this.trace?.(`${this.#time()} ${device.name} approves ${card.id.slice(0, 6)}`)
        this.#judge.approves(device.member, card)
        void door.approve(card.id)
      } else if (view.canDecline && mind === 'no') void door.decline(card.id)
      else if (
        mind === 'yes-then-withdraw' &&
        (view.canWithdraw || view.canCancel) &&
        random.chance(0.4) &&
        !device.forgot.has(card.id)
      ) {
        this.trace?.(`${this.#time()} ${device.name} takes back ${card.id.slice(0, 6)}`)
        void (view.mine ? door.cancel(card.id) : door.withdraw(card.id))
      } else if (view.canRetry && random.chance(view.stopped || this.#calm ? 0.5 : 0.05)) void door.retry(card.id)
      else if (view.verdict?.kind === 'not-yet-seen' && random.chance(0.2)) void door.recheck(card.id)
    }
  }

  #attack(hostile: Hostile): void {
    this.scheduler.after(this.random.between(1_000, 20_000), undefined, () => this.#attack(hostile))
    const device = this.#at(hostile.member)
    const others = [...this.circle.records.keys()].filter(m => m !== hostile.member && this.linked(device, m))
    if (others.length === 0) return
    for (const frame of hostile.unasked(others)) this.#carry(device, frame, 'mischief')
  }

  async #propose(device: Device, coins: number, overlap: boolean): Promise<void> {
    const { random } = this
    const { door } = device
    if (door === undefined || !device.life.alive) return
    const free = (overlap ? device.allCoins() : device.coins()).filter(c => overlap || !device.held.has(outPointKey(c)))
    const chosen = free.slice(0, coins)
    if (chosen.length === 0) return
    const sum = chosen.reduce((total, c) => total + c.amountSats, 0n)
    const recipient = this.#address
    void door
      .proposeSpend(
        {
          walletId: this.circle.context.id,
          recipient,
          amountSats: sum / 2n - BigInt(random.between(0, 5_000)),
          feeRate: 2,
          coins: chosen.map(outPointKey),
        },
        undefined,
        { partial: random.chance(0.5) },
      )
      .then(made => {
        this.trace?.(
          `${this.#time()} ${device.member} proposed: ${made.success ? made.sessionId?.slice(0, 6) : made.error}`,
        )
        const card = made.success ? door.cards().find(c => c.id === made.sessionId) : undefined
        if (card) this.#judge.approves(device.member, card)
      })
  }

  /** The payments of this device that wait for a block; one of them gets another in its place. */
  #bump(device: Device, back: boolean, feeRate?: number): void {
    const { door } = device
    if (door === undefined || !device.life.alive) return
    const cards = door.cards().filter(card => card.canReplace)
    if (cards.length === 0) return
    const old = this.random.pick(cards)
    const wish = {
      walletId: this.circle.context.id,
      replaces: old.id,
      takeBack: back,
      ...(feeRate === undefined ? {} : { feeRate }),
    }
    void door.proposeSpend(wish, undefined, { partial: this.random.chance(0.5) }).then(made => {
      this.trace?.(
        `${this.#time()} ${device.member} ${back ? 'takes back' : 'speeds up'} ${old.id.slice(0, 6)}: ${made.success ? made.sessionId?.slice(0, 6) : made.error}`,
      )
      const card = made.success ? door.cards().find(c => c.id === made.sessionId) : undefined
      if (card) this.#judge.approves(device.member, card)
    })
  }

  readonly #address = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'

  // ---------------------------------------------------------------- trouble

  async #happen(h: Happening): Promise<void> {
    const { scheduler } = this
    this.trace?.(`${this.#time()} ${JSON.stringify(h)}`)
    switch (h.type) {
      case 'propose':
        return this.#propose(this.#at(h.member), h.coins, h.overlap)
      case 'bump':
        return this.#bump(this.#at(h.member), h.back, h.feeRate)
      case 'crash': {
        const device = this.#at(h.member)
        if (!device.life.alive) return
        device.stop()
        if (h.power) device.disk.powerCut(this.random)
        this.#tellLinks()
        scheduler.after(h.forMs, undefined, () => this.#start(device))
        return
      }
      case 'restore': {
        const device = this.#at(h.member)
        device.stop()
        for (const session of device.disk.rewind(scheduler.now - h.agoMs)) device.forgot.add(session)
        this.#tellLinks()
        scheduler.after(2_000, undefined, () => this.#start(device))
        return
      }
      case 'new-machine': {
        const device = this.#at(h.member)
        device.stop()
        for (const session of device.disk.rewind(0)) device.forgot.add(session)
        this.#tellLinks()
        scheduler.after(h.forMs, undefined, () => this.#start(device))
        return
      }
      case 'second': {
        const first = this.#at(h.member)
        for (const other of this.#devices)
          if (other.member !== h.member) this.#met.set(other, (this.#met.get(other) ?? new Set()).add(first))
        const second = this.#add(
          new Device(h.member, this.#computers(h.member).length, this, h.copy ? first.disk.copy() : undefined),
        )
        scheduler.after(this.random.between(2_000, 8_000), undefined, () => this.#person(second))
        if (h.backMs !== undefined) {
          scheduler.after(h.backMs, undefined, () => {
            first.stop()
            return this.#start(first)
          })
        }
        return this.#start(second)
      }
      case 'lock': {
        const device = this.#at(h.member)
        if (!device.life.alive) return
        const { life } = device
        await device.lock()
        scheduler.after(1_500, life, () => {
          device.stop()
          this.#tellLinks()
          scheduler.after(h.forMs, undefined, () => this.#start(device))
        })
        return
      }
      case 'cut':
        return this.#cut(h.pair[0], h.pair[1], h.forMs)
      case 'offline':
        this.#offline.set(h.member, scheduler.now + h.forMs)
        scheduler.after(h.forMs, undefined, () => this.#tellLinks())
        return this.#tellLinks()
      case 'lag': {
        const device = this.#at(h.member)
        device.lag(true)
        scheduler.after(h.forMs, undefined, () => device.lag(false))
        return
      }
      case 'evict': {
        const [txid] = this.chain.mempool()
        if (txid !== undefined) this.chain.evict(txid)
        return
      }
      case 'reorg':
        this.chain.reorg(h.depth, h.keep)
        return
      case 'mine':
        this.chain.mine()
        return
      case 'sleep':
        scheduler.skip(h.ms)
    }
  }

  #mined(): void {
    this.chain.mine()
    this.scheduler.after(5 * 60_000, undefined, () => this.#mined())
  }

  #add(device: Device): Device {
    this.#devices.push(device)
    return device
  }

  #close(device: Device): void {
    device.stop()
    device.closed = true
  }

  #at(member: MemberIndex): Device {
    const device = this.#newest.get(member)
    if (device === undefined) throw new RangeError(`no member ${member}`)
    return device
  }

  async #start(device: Device): Promise<void> {
    if (device.life.alive || device.closed) return
    await device.start()
    this.#newest.set(device.member, device)
    if (this.#devices.length > this.circle.records.length) this.#greetAll(device)
    this.#tellLinks()
  }

  /**
   * Where somebody has two computers: who opens one reaches the others one after the other, and is heard of by his own
   * older one.
   */
  #greetAll(device: Device): void {
    const { life } = device
    this.#met.delete(device)
    for (const met of this.#met.values()) met.delete(device)
    for (const other of this.#devices) {
      if (other.member !== device.member) this.#greet(other, device, life)
      // presence by gossip may be lost
      else if (other !== device && this.random.chance(0.5)) {
        this.scheduler.after(this.random.between(1_000, 30_000), life, () => {
          if (byStart(device, other) > 0) return
          other.metNewer()
          this.#tellLinks()
        })
      }
    }
  }

  #greet(a: Device, b: Device, life: Life, ms = this.random.between(50, 4_000)): void {
    this.scheduler.after(ms, life, () => {
      if (!this.#isWay(a, b)) return this.#greet(a, b, life, 3_000)
      this.#meet(a, b)
      this.#meet(b, a)
      this.#tellLinks()
    })
  }

  /** The hello of `b` reaches `a`, which tells the older of two runs of one member. */
  #meet(a: Device, b: Device): void {
    const met = this.#met.get(a) ?? new Set()
    this.#met.set(a, met.add(b))
    const [, ...rest] = this.#computers(b.member)
      .filter(d => met.has(d) && d.life.alive)
      .sort(byStart)
    for (const older of rest) {
      this.trace?.(`${this.#time()} ${a.name} tells ${older.name} of a newer run`)
      this.scheduler.after(this.random.between(2, 400), older.life, () => {
        older.toldBy(a.member)
        this.#tellLinks()
      })
    }
  }

  #cut(a: MemberIndex, b: MemberIndex, ms: number): void {
    this.#cuts.set(pair(a, b), this.scheduler.now + ms)
    this.scheduler.after(ms, undefined, () => this.#tellLinks())
    this.#tellLinks()
  }

  readonly #links = new Map<string, Device>()
  /** Tells each device which links came and went. */
  #tellLinks(): void {
    for (const a of this.#devices) {
      for (const b of this.circle.records.keys()) {
        if (a.member === b) continue
        const name = `${a.name} ${b}`
        const other = this.linked(a, b) ? this.#partner(a, b) : undefined
        const before = this.#links.get(name)
        if (other === before) continue
        if (other === undefined) this.#links.delete(name)
        else this.#links.set(name, other)
        // from one computer of a member to the other: the streams to the first end
        if (before !== undefined) a.linkChanged()
        if (other !== undefined) a.linkChanged()
      }
    }
  }

  #time(): string {
    return ((this.scheduler.now - FIRST) / 1000).toFixed(3).padStart(9)
  }
}

/** The newest first. */
const byStart = (a: Device, b: Device): number => b.startedAt - a.startedAt || b.machine - a.machine

const pair = (a: MemberIndex, b: MemberIndex): string => `${Math.min(a, b)}-${Math.max(a, b)}`
