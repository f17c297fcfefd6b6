import type { Chain } from '../../ports/chain'
import type { Clock } from '../../ports/clock'
import type { LogEntry } from '../../ports/log'
import type { Probe } from '../../ports/probe'
import type { RelayStatus } from '../../ports/transport'
import { isRelayAddress } from '../domain/config'
import type { ConnectionTest } from '../domain/connection-test'
import type { LinkReport } from '../domain/diagnostics'
import { directAllowed, isTurn, type IceServer, type IceSettings } from '../domain/ice'
import type { PeerId } from '../domain/ids'
import { err, ok, type Result } from '../domain/result'
import { testConnection } from './connection-test'
import { withDeadline } from './deadline'
import { healthReport, type HealthReportInput } from './health-report'
import type { NetworkSettings, SettingError } from './network-settings'
import type { PeerNetwork } from './peer-network'

export interface RelayView {
  readonly address: string
  readonly state: RelayStatus['state']
  /** where it comes from: only one's `own` can be removed; `wallet` is the signed list that all members share */
  readonly origin: 'app' | 'wallet' | 'invite' | 'own'
  /** milliseconds; while a reservation on it is held and it answers */
  readonly latencyMs?: number
}

/** A STUN or TURN server without its password, which no screen shows again. */
export interface IceView {
  readonly url: string
  readonly turn: boolean
  /** comes with config.json */
  readonly fixed: boolean
}

export interface ConnectionsView {
  readonly relays: readonly RelayView[]
  readonly ice: readonly IceView[]
  readonly relayOnly: boolean
  /** whether WebRTC is offered and answered at all */
  readonly direct: boolean
}

export interface RelayTest {
  readonly state: 'reserved' | 'refused' | 'unreachable'
  readonly latencyMs?: number
}

export interface ConnectionsDeps {
  readonly p2p: Pick<
    PeerNetwork,
    'peerId' | 'setRelays' | 'setIce' | 'relays' | 'relayRoundTrip' | 'report' | 'onEvent'
  >
  readonly settings: NetworkSettings
  readonly probe: Probe
  readonly chains: ReadonlyMap<string, Chain>
  readonly clock: Clock
  /** of config.json */
  readonly app: { readonly relays: readonly string[]; readonly stun: readonly string[] }
  /** the signed lists of this profile's wallets */
  walletRelays(): readonly string[]
  /** what the browser says of its network */
  online(): boolean
  readonly log: { entries(): readonly LogEntry[] }
  onChange(view: ConnectionsView): void
}

/** What a screen knows beside the connections. */
export type ReportFrame = Pick<HealthReportInput, 'build' | 'browser' | 'at' | 'clockOffsetMs' | 'chains' | 'test'>

type Changed = Promise<Result<void, SettingError>>

/** milliseconds in which a relay that is tested must answer */
const RELAY_TEST_MS = 8_000

/** STUN servers of config.json before those of the profile; a TURN server needs a password, and that file is public. */
export const effectiveIce = (stun: readonly string[], own: IceSettings): IceSettings => ({
  ...own,
  servers: [...stun.filter(url => !isTurn({ url })).map(url => ({ url })), ...own.servers],
})

/**
 * What a person chooses and learns about the connections of the open profile: relays, STUN and TURN, privacy, tests,
 * reports.
 */
export class Connections {
  #inviteRelays: readonly string[] = []
  /** milliseconds, by relay */
  readonly #latencies = new Map<string, number>()
  readonly #unlisten: () => void
  #stopped = false

  constructor(private readonly d: ConnectionsDeps) {
    this.#unlisten = d.p2p.onEvent(event => {
      if (event.type === 'relay' || event.type === 'addresses') this.tell()
    })
  }

  tell(): void {
    if (!this.#stopped) this.d.onChange(this.#view())
  }

  stop(): void {
    this.#stopped = true
    this.#unlisten()
  }

  // ---------------------------------------------------------------- settings

  /** relays of invites under way */
  setInvited(relays: readonly string[]): void {
    this.#inviteRelays = relays
    this.#applyRelays()
    this.tell()
  }

  addRelay(address: string): Changed {
    const { app, settings } = this.d
    return this.#applied(settings.addRelay(address, [...app.relays, ...this.d.walletRelays()]), () =>
      this.#applyRelays(),
    )
  }

  removeRelay(address: string): Changed {
    return this.#applied(this.d.settings.removeRelay(address), () => this.#applyRelays())
  }

  addIceServer(server: IceServer): Changed {
    return this.#applied(this.d.settings.addIceServer(server), () => this.#applyIce())
  }

  removeIceServer(url: string): Changed {
    return this.#applied(this.d.settings.removeIceServer(url), () => this.#applyIce())
  }

  setRelayOnly(relayOnly: boolean): Changed {
    return this.#applied(this.d.settings.setRelayOnly(relayOnly), () => this.#applyIce())
  }

  // ---------------------------------------------------------------- tests and reports

  /** Whether a relay takes strangers, and how far it is; any address, before it is added as well. */
  async testRelay(typed: string): Promise<Result<RelayTest, SettingError>> {
    const address = typed.trim()
    if (!isRelayAddress(address)) return err({ field: 'relay', code: address === '' ? 'empty' : 'malformed' })
    const seen = await withDeadline({ clock: this.d.clock, ms: RELAY_TEST_MS }, signal =>
      this.d.probe.relay(address, { signal }),
    ).catch(() => ({ state: 'unreachable' as const }))
    return ok(seen)
  }

  /** Asks the relays in use how far they are. */
  async measureRelays(): Promise<void> {
    await Promise.all(
      this.d.p2p.relays().map(async ({ address }) => {
        const ms = await this.d.p2p.relayRoundTrip(address)
        if (ms === undefined) this.#latencies.delete(address)
        else this.#latencies.set(address, ms)
      }),
    )
    this.tell()
  }

  testConnection(signal?: AbortSignal): Promise<ConnectionTest> {
    const { probe, clock, p2p, chains } = this.d
    return testConnection(
      {
        probe,
        clock,
        chains,
        peerId: p2p.peerId,
        relays: () => p2p.relays(),
        ice: this.#ice(),
        online: () => this.d.online(),
      },
      signal,
    )
  }

  report(peerId: PeerId): Promise<LinkReport> {
    return this.d.p2p.report(peerId)
  }

  /** What is known, as a text to hand on; the addresses in it only when asked for. */
  async healthReport(peerIds: readonly PeerId[], rest: ReportFrame, withAddresses: boolean): Promise<string> {
    const { relays, ice, relayOnly } = this.#view()
    return healthReport(
      {
        ...rest,
        now: this.d.clock.now(),
        online: this.d.online(),
        relays,
        ice,
        relayOnly,
        links: await Promise.all(peerIds.map(id => this.d.p2p.report(id))),
        log: this.d.log.entries(),
      },
      withAddresses,
    )
  }

  // ---------------------------------------------------------------- parts

  #ice(): IceSettings {
    return effectiveIce(this.d.app.stun, this.d.settings.ice)
  }

  #originOf(address: string): RelayView['origin'] {
    if (this.d.app.relays.includes(address)) return 'app'
    if (this.d.walletRelays().includes(address)) return 'wallet'
    return this.d.settings.relays.includes(address) ? 'own' : 'invite'
  }

  #view(): ConnectionsView {
    const { app, settings, p2p } = this.d
    const known = new Map(p2p.relays().map(r => [r.address, r.state]))
    const addresses = [...new Set([...known.keys(), ...app.relays, ...this.d.walletRelays(), ...settings.relays])]
    const relays = addresses.map((address): RelayView => {
      const state = known.get(address) ?? 'idle'
      const latencyMs = state === 'reserved' ? this.#latencies.get(address) : undefined
      return { address, state, origin: this.#originOf(address), ...(latencyMs === undefined ? {} : { latencyMs }) }
    })
    const ice = this.#ice()
    const servers = ice.servers.map(({ url }): IceView => ({
      url,
      turn: isTurn({ url }),
      fixed: app.stun.includes(url),
    }))
    return { relays, ice: servers, relayOnly: settings.ice.relayOnly, direct: directAllowed(ice) }
  }

  /** What is stored is put in force and told. */
  async #applied(change: Changed, apply: () => void | Promise<void>): Changed {
    const result = await change
    if (!result.ok || this.#stopped) return result
    await apply()
    this.tell()
    return result
  }

  #applyRelays(): void {
    const { app, settings, p2p } = this.d
    p2p.setRelays([...new Set([...app.relays, ...settings.relays, ...this.#inviteRelays])])
  }

  #applyIce(): Promise<void> {
    return this.d.p2p.setIce(this.#ice())
  }
}
