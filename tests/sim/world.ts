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
import { Scheduler } from './scheduler'

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
    return { ...world.outcome(), broken: { rule: 'exception', detail: error instanceof Error ? error.stack ?? error.message : String(error) } }
  }
}

class World implements Surroundings {
  readonly scheduler = new Scheduler()
  readonly random: Random
  readonly chain: FakeChain
  readonly #devices: Device[] = []
  readonly #hostile = new Map<MemberIndex, Hostile>()
  readonly #judge: Judge
  /** until when a pair has no link, unix ms */
  readonly #cuts = new Map<string, number>()
  readonly #offline = new Map<MemberIndex, number>()
  readonly #minds = new Map<string, Mind>()
  #steps = 0
  #calm = false
  #broken: Broken | undefined

  constructor(private readonly plan: Plan, readonly circle: CircleOf, private readonly trace?: (line: string) => void) {
    this.random = new Random(`run ${plan.seed}`)
    this.#judge = new Judge(circle, member => !this.#hostile.has(member))
    for (const [member, mischief] of Object.entries(plan.hostile)) this.#hostile.set(Number(member), new Hostile(Number(member), mischief, circle, this.random))
    this.chain = createFakeChain({ blocks: 100, verify: (tx, prevouts) => this.#guarded(() => this.#judge.accepts(tx, prevouts)) })
    for (let i = 0; i < 4; i++) this.chain.fund(this.circle.scripts[i]?.script ?? '', BigInt(60_000 + 10_000 * i))
    // deeper than any reorg of a plan
    this.chain.mine(6)
    for (const m of circle.records.keys()) this.#devices.push(new Device(m, this))
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
    for (const happening of plan.happenings) scheduler.at(FIRST + happening.at, undefined, () => this.#happen(happening))
    for (const device of this.#devices) scheduler.after(this.random.between(2_000, 8_000), undefined, () => this.#person(device))
    for (const hostile of this.#hostile.values()) scheduler.after(5_000, undefined, () => this.#attack(hostile))
    await this.#until(scheduler.now + TROUBLE_MS)
    this.#calm = true
    // everything is mended, whoever was hostile keeps to it
    this.#cuts.clear()
    this.#offline.clear()
    for (const device of this.#devices) {
      device.lag(false)
      await this.#start(device)
    }
    this.#tellLinks()
    this.#mined()
    const end = scheduler.now + CALM_MS
    while (scheduler.now < end && !this.#isOver()) await this.#until(scheduler.now + 60_000)
    this.#judge.atRest(this.#devices, this.#hostile.size === 0, scheduler.now)
  }

  outcome(): Outcome {
    const ends: Record<string, number> = {}
    for (const device of this.#devices) {
      if (this.#hostile.has(device.member)) continue
      for (const { view } of device.door?.cards() ?? []) ends[view.state] = (ends[view.state] ?? 0) + 1
    }
    return { steps: this.#steps, ends }
  }

  /** Every session has ended on every honest device that has heard of it. */
  #isOver(): boolean {
    return this.#devices.every(d => this.#hostile.has(d.member) || (d.rests && d.door !== undefined && d.door.cards().every(card => !card.view.live)))
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

  linked(a: MemberIndex, b: MemberIndex): boolean {
    const { now } = this.scheduler
    const up = (m: MemberIndex): boolean => this.#devices[m]?.life.alive === true && (this.#offline.get(m) ?? 0) <= now
    return a !== b && up(a) && up(b) && (this.#cuts.get(pair(a, b)) ?? 0) <= now
  }

  post(from: MemberIndex, to: MemberIndex, message: SignedMessage): void {
    const hostile = this.#hostile.get(from)
    if (!hostile) {
      this.#guarded(() => this.#judge.sent(from, message))
      return this.#carry(from, { to, bytes: encodeSigned(message) }, message.body.type)
    }
    for (const frame of hostile.instead(to, message)) this.#carry(from, frame, message.body.type)
  }

  #carry(from: MemberIndex, { to, bytes }: Frame, what: string): void {
    const { plan, random, scheduler } = this
    this.trace?.(`${this.#time()} ${from} -> ${to} ${what}`)
    const times = random.chance(this.#calm ? 0 : plan.drop) ? 0 : random.chance(plan.duplicate) ? 2 : 1
    for (let i = 0; i < times; i++) {
      const ms = random.between(2, 400) + (random.chance(plan.reorder) ? random.between(0, 20_000) : 0)
      scheduler.after(ms, undefined, () => {
        if (!this.linked(from, to)) return
        this.#devices[to]?.receive(from, bytes)
      })
    }
  }

  offence(by: MemberIndex, accused: MemberIndex, code: string): void {
    this.trace?.(`${this.#time()} ${by} disconnects ${accused}: ${code}`)
    this.#guarded(() => this.#judge.offence(by, accused, code))
    this.#cut(by, accused, BLOCKED_MS)
  }

  contributed(member: MemberIndex, message: SignedMessage): void {
    this.#guarded(() => this.#judge.contributed(member, message))
  }

  heard(member: MemberIndex, message: SignedMessage): void { this.#hostile.get(member)?.hear(message) }

  // ---------------------------------------------------------------- people

  #mind(member: MemberIndex, session: string): Mind {
    const key = `${member} ${session}`
    const known = this.#minds.get(key) ?? (this.plan.minds === 'willing' ? 'yes' : this.random.pick(['yes', 'yes', 'yes', 'late-yes', 'no', 'yes-then-withdraw'] as const))
    this.#minds.set(key, known)
    return known
  }

  /** Looks at the screen now and then and does what he has in mind. */
  #person(device: Device): void {
    const { scheduler, random } = this
    const { door, life } = device
    scheduler.after(random.between(4_000, 40_000), undefined, () => this.#person(device))
    if (door === undefined || !life.alive) return
    for (const card of door.cards()) {
      const { view } = card
      const mind = this.#mind(device.member, card.id)
      if (view.canApprove && (mind !== 'no') && (mind !== 'late-yes' || this.#calm)) {
        this.trace?.(`${this.#time()} ${device.member} approves ${card.id.slice(0, 6)}`)
        this.#judge.approves(device.member, card)
        void door.approve(card.id)
      } else if (view.canDecline && mind === 'no') void door.decline(card.id)
      else if (mind === 'yes-then-withdraw' && (view.canWithdraw || view.canCancel) && random.chance(0.4) && !device.forgot) {
        this.trace?.(`${this.#time()} ${device.member} takes back ${card.id.slice(0, 6)}`)
        void (view.mine ? door.cancel(card.id) : door.withdraw(card.id))
      } else if (view.canRetry && random.chance(view.stopped || this.#calm ? 0.5 : 0.05)) void door.retry(card.id)
      else if (view.verdict?.kind === 'not-yet-seen' && random.chance(0.2)) void door.recheck(card.id)
    }
  }

  #attack(hostile: Hostile): void {
    this.scheduler.after(this.random.between(1_000, 20_000), undefined, () => this.#attack(hostile))
    const others = this.#devices.map(d => d.member).filter(m => this.linked(hostile.member, m))
    if (others.length === 0) return
    for (const frame of hostile.unasked(others)) this.#carry(hostile.member, frame, 'mischief')
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
    void door.proposeSpend({ walletId: this.circle.context.id, recipient, amountSats: sum / 2n - BigInt(random.between(0, 5_000)), feeRate: 2, coins: chosen.map(outPointKey) }, undefined, { partial: random.chance(0.5) }).then((made) => {
      this.trace?.(`${this.#time()} ${device.member} proposed: ${made.success ? made.sessionId?.slice(0, 6) : made.error}`)
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
    const wish = { walletId: this.circle.context.id, replaces: old.id, takeBack: back, ...(feeRate === undefined ? {} : { feeRate }) }
    void door.proposeSpend(wish, undefined, { partial: this.random.chance(0.5) }).then((made) => {
      this.trace?.(`${this.#time()} ${device.member} ${back ? 'takes back' : 'speeds up'} ${old.id.slice(0, 6)}: ${made.success ? made.sessionId?.slice(0, 6) : made.error}`)
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
      case 'propose': return this.#propose(this.#at(h.member), h.coins, h.overlap)
      case 'bump': return this.#bump(this.#at(h.member), h.back, h.feeRate)
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
        device.disk.rewind(scheduler.now - h.agoMs)
        device.forgot = true
        this.#tellLinks()
        scheduler.after(2_000, undefined, () => this.#start(device))
        return
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
      case 'cut': return this.#cut(h.pair[0], h.pair[1], h.forMs)
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
      case 'reorg': this.chain.reorg(h.depth, h.keep); return
      case 'mine': this.chain.mine(); return
      case 'sleep': scheduler.skip(h.ms)
    }
  }

  #mined(): void {
    this.chain.mine()
    this.scheduler.after(5 * 60_000, undefined, () => this.#mined())
  }

  #at(member: MemberIndex): Device {
    const device = this.#devices[member]
    if (device === undefined) throw new RangeError(`no member ${member}`)
    return device
  }

  async #start(device: Device): Promise<void> {
    if (device.life.alive) return
    await device.start()
    this.#tellLinks()
  }

  #cut(a: MemberIndex, b: MemberIndex, ms: number): void {
    this.#cuts.set(pair(a, b), this.scheduler.now + ms)
    this.scheduler.after(ms, undefined, () => this.#tellLinks())
    this.#tellLinks()
  }

  #links = new Set<string>()
  /** Tells each device which links came and went. */
  #tellLinks(): void {
    for (const a of this.#devices) {
      for (const b of this.#devices) {
        const name = `${a.member} ${b.member}`
        const up = this.linked(a.member, b.member)
        if (up === this.#links.has(name)) continue
        if (up) this.#links.add(name)
        else this.#links.delete(name)
        a.linkChanged(b.member, up)
      }
    }
  }

  #time(): string { return ((this.scheduler.now - FIRST) / 1000).toFixed(3).padStart(9) }
}

const pair = (a: MemberIndex, b: MemberIndex): string => `${Math.min(a, b)}-${Math.max(a, b)}`

