import { isRelayAddress } from './core/domain/config'
import type { ConnectionTest } from './core/domain/connection-test'
import type { LinkReport } from './core/domain/diagnostics'
import { directAllowed, isTurn, type IceServer, type IceSettings } from './core/domain/ice'
import type { PeerId } from './core/domain/ids'
import { err, ok, type Result } from './core/domain/result'
import { testConnection } from './core/net/connection-test'
import { healthReport, type HealthReportInput } from './core/net/health-report'
import { withDeadline } from './core/net/deadline'
import type { NetworkSettings, SettingError } from './core/net/network-settings'
import type { P2P } from './p2p'
import type { Chain } from './ports/chain'
import type { Clock } from './ports/clock'
import type { Probe } from './ports/probe'
import type { RelayStatus } from './ports/transport'

export interface RelayView {
  readonly address: string
  readonly state: RelayStatus['state']
  /** where it comes from: only one's `own` can be removed; `wallet` is the signed list that all members share */
  readonly origin: 'app' | 'wallet' | 'invite' | 'own'
  /** milliseconds; while a place on it is held and it answers */
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
  /** whether direct lines are offered and answered at all */
  readonly direct: boolean
}

export interface RelayTest {
  readonly state: 'reserved' | 'refused' | 'unreachable'
  readonly latencyMs?: number
}

export interface ConnectionsDeps {
  readonly p2p: Pick<P2P, 'peerId' | 'setRelays' | 'setIce' | 'relays' | 'relayRoundTrip' | 'report' | 'onEvent'>
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
  onChange(view: ConnectionsView): void
}

/** What a screen knows beside the connections. */
export type ReportFrame = Pick<HealthReportInput, 'build' | 'browser' | 'at' | 'clockOffsetMs' | 'chains' | 'test'>

export type Connections = ReturnType<typeof createConnections>
type Changed = Promise<Result<void, SettingError>>

/** milliseconds for a word about one relay */
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
export function createConnections(d: ConnectionsDeps) {
  let invited: readonly string[] = []
  const latencies = new Map<string, number>()
  let stopped = false
  const off = d.p2p.onEvent(event => {
    if (event.type === 'relay' || event.type === 'addresses') tell()
  })

  const ice = (): IceSettings => effectiveIce(d.app.stun, d.settings.ice)
  const base = (): string[] => [...new Set([...d.app.relays, ...d.settings.relays, ...invited])]

  function originOf(address: string): RelayView['origin'] {
    if (d.app.relays.includes(address)) return 'app'
    if (d.walletRelays().includes(address)) return 'wallet'
    return d.settings.relays.includes(address) ? 'own' : 'invite'
  }

  function view(): ConnectionsView {
    const known = new Map(d.p2p.relays().map(r => [r.address, r.state]))
    const addresses = [...new Set([...known.keys(), ...d.app.relays, ...d.walletRelays(), ...d.settings.relays])]
    const relays = addresses.map((address): RelayView => {
      const state = known.get(address) ?? 'idle'
      const latencyMs = state === 'reserved' ? latencies.get(address) : undefined
      return { address, state, origin: originOf(address), ...(latencyMs === undefined ? {} : { latencyMs }) }
    })
    const servers = ice().servers.map(({ url }): IceView => ({
      url,
      turn: isTurn({ url }),
      fixed: d.app.stun.includes(url),
    }))
    return { relays, ice: servers, relayOnly: d.settings.ice.relayOnly, direct: directAllowed(ice()) }
  }

  function tell(): void {
    if (!stopped) d.onChange(view())
  }

  async function applied(change: Changed, apply: () => void | Promise<void>): Changed {
    const result = await change
    if (!result.ok || stopped) return result
    await apply()
    tell()
    return result
  }
  const relaysChanged = (): void => d.p2p.setRelays(base())
  const iceChanged = (): Promise<void> => d.p2p.setIce(ice())

  return {
    tell,
    /** relays of invites under way */
    setInvited(relays: readonly string[]): void {
      invited = relays
      relaysChanged()
      tell()
    },
    addRelay: (address: string): Changed =>
      applied(d.settings.addRelay(address, [...d.app.relays, ...d.walletRelays()]), relaysChanged),
    removeRelay: (address: string): Changed => applied(d.settings.removeRelay(address), relaysChanged),
    addIceServer: (server: IceServer): Changed => applied(d.settings.addIceServer(server), iceChanged),
    removeIceServer: (url: string): Changed => applied(d.settings.removeIceServer(url), iceChanged),
    setRelayOnly: (relayOnly: boolean): Changed => applied(d.settings.setRelayOnly(relayOnly), iceChanged),
    /** Whether a relay takes strangers, and how far it is; any address, before it is added as well. */
    async testRelay(typed: string): Promise<Result<RelayTest, SettingError>> {
      const address = typed.trim()
      if (!isRelayAddress(address)) return err({ field: 'relay', code: address === '' ? 'empty' : 'malformed' })
      const seen = await withDeadline({ clock: d.clock, ms: RELAY_TEST_MS }, signal =>
        d.probe.relay(address, { signal }),
      ).catch(() => ({ state: 'unreachable' as const }))
      return ok(seen)
    },
    /** Asks the relays in use how far they are. */
    async measureRelays(): Promise<void> {
      await Promise.all(
        d.p2p.relays().map(async ({ address }) => {
          const ms = await d.p2p.relayRoundTrip(address)
          if (ms === undefined) latencies.delete(address)
          else latencies.set(address, ms)
        }),
      )
      tell()
    },
    testConnection: (signal?: AbortSignal): Promise<ConnectionTest> =>
      testConnection(
        {
          probe: d.probe,
          clock: d.clock,
          peerId: d.p2p.peerId,
          relays: () => d.p2p.relays(),
          ice: ice(),
          chains: d.chains,
          online: () => d.online(),
        },
        signal,
      ),
    report: (peerId: PeerId): Promise<LinkReport> => d.p2p.report(peerId),
    /** What is known, as a text to hand on; the addresses in it only when asked for. */
    async healthReport(peerIds: readonly PeerId[], rest: ReportFrame, withAddresses: boolean): Promise<string> {
      const { relays, ice: servers, relayOnly } = view()
      return healthReport(
        {
          ...rest,
          now: d.clock.now(),
          online: d.online(),
          relays,
          ice: servers,
          relayOnly,
          links: await Promise.all(peerIds.map(id => d.p2p.report(id))),
        },
        withAddresses,
      )
    },
    stop(): void {
      stopped = true
      off()
    },
  }
}

// ---------------------------------------------------------------- the current instance

let current: Connections | undefined

/** Makes the current instance, in place of an older one. */
export function initConnections(deps: ConnectionsDeps): Connections {
  current?.stop()
  current = createConnections(deps)
  return current
}

export const getConnections = (): Connections | undefined => current

export function stopConnections(): void {
  current?.stop()
  current = undefined
}
