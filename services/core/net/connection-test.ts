import type { Chain } from '../../ports/chain'
import type { Clock } from '../../ports/clock'
import type { Probe, RelayProbe, RtcProbe } from '../../ports/probe'
import type { RelayStatus } from '../../ports/transport'
import { natHint, type CandidateKind } from '../domain/candidate'
import type { ChainResult, ConnectionTest, DirectVerdict, ReachVerdict, RelayResult } from '../domain/connection-test'
import { directAllowed, turnOf, type IceSettings } from '../domain/ice'
import type { PeerId } from '../domain/ids'
import { withDeadline } from './deadline'

/** milliseconds of each part; they run side by side, so that everything is told within ten seconds */
const PART_MS = 8_000
/** relays that are tried at most: one's own places, and some in reserve */
const MAX_RELAYS = 8

export interface ConnectionTestDeps {
  readonly probe: Probe
  readonly clock: Clock
  readonly peerId: PeerId
  /** the relays of which this browser wants a place, as they are now */
  relays(): readonly RelayStatus[]
  readonly ice: IceSettings
  readonly chains: ReadonlyMap<string, Pick<Chain, 'tip'>>
  /** what the browser says of the network cable; believed only when nothing answered */
  online(): boolean
}

const told = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}`.slice(0, 300) : 'no connection'

/**
 * Really tries everything that a session needs: the relays with a stranger's eyes, a call through them to this very
 * browser, two ends of WebRTC with the servers that are set up, the chain servers. Never rejects; cancelled it says so.
 */
export async function testConnection(d: ConnectionTestDeps, signal?: AbortSignal): Promise<ConnectionTest> {
  const from = d.clock.now()
  /** A part that is late is one that failed; one that was cancelled no longer matters. */
  const part = <T>(work: (s: AbortSignal) => Promise<T>, late: (error: unknown) => T): Promise<T> =>
    withDeadline({ clock: d.clock, ms: PART_MS, ...(signal ? { signal } : {}) }, work).catch(late)

  const servers = turnOf(d.ice)
  const [relays, rtc, turn, chains] = await Promise.all([
    Promise.all(
      d
        .relays()
        .slice(0, MAX_RELAYS)
        .map(r =>
          part(
            s => testRelay(d, r, s),
            (error): RelayResult => ({ address: r.address, state: 'unreachable', error: told(error) }),
          ),
        ),
    ),
    directAllowed(d.ice)
      ? part(
          s => d.probe.rtc(d.ice, { signal: s }),
          (error): RtcProbe => ({ candidates: [], connected: false, error: told(error) }),
        )
      : undefined,
    servers.length === 0
      ? undefined
      : part(
          async s => {
            const found = await d.probe.rtc({ servers, relayOnly: true }, { signal: s })
            return found?.candidates.some(c => c.kind === 'relay') ?? false
          },
          () => false,
        ),
    Promise.all(
      [...d.chains].map(([network, chain]) =>
        part(
          async (s): Promise<ChainResult> => {
            const asked = d.clock.now()
            const tip = await chain.tip(s)
            return tip.ok
              ? { network, ok: true, ms: d.clock.now() - asked }
              : { network, ok: false, code: tip.error.code }
          },
          (): ChainResult => ({ network, ok: false, code: 'unreachable' }),
        ),
      ),
    ),
  ])

  const candidates: Partial<Record<CandidateKind, number>> = {}
  for (const { kind } of rtc?.candidates ?? []) candidates[kind] = (candidates[kind] ?? 0) + 1
  return {
    verdict: signal?.aborted ? 'cancelled' : reach(relays, d.online()),
    direct: direct(d.ice, rtc, turn),
    relays,
    candidates,
    nat: natHint(rtc?.candidates ?? []),
    chains,
    ms: d.clock.now() - from,
    ...(turn === undefined ? {} : { turn }),
  }
}

/** One relay: reached, with a place for this browser, and a stranger's call through it answered here. */
async function testRelay(d: ConnectionTestDeps, relay: RelayStatus, signal: AbortSignal): Promise<RelayResult> {
  const { address } = relay
  const seen: RelayProbe = await d.probe.relay(address, { signal })
  const latency = seen.latencyMs === undefined ? {} : { latencyMs: seen.latencyMs }
  // asked anew: the place may have come back meanwhile, and a full relay refuses the stranger but keeps ours
  const held = d.relays().find(r => r.address === address)?.state === 'reserved'
  if (!held)
    return {
      address,
      state: seen.state === 'reserved' ? 'no-place' : seen.state,
      ...latency,
      ...(seen.error === undefined ? {} : { error: told(seen.error) }),
    }
  if (seen.state === 'unreachable') return { address, state: 'unreachable', error: told(seen.error) }
  const call = await d.probe.circuit(address, d.peerId, { signal })
  return {
    address,
    state: 'reserved',
    ...latency,
    called: 'rttMs' in call,
    ...('error' in call ? { error: told(call.error) } : {}),
  }
}

function reach(relays: readonly RelayResult[], online: boolean): ReachVerdict {
  if (relays.some(r => r.called)) return 'reachable'
  if (relays.length === 0) return online ? 'no-relay' : 'offline'
  if (relays.some(r => r.state === 'reserved')) return 'not-called'
  if (relays.some(r => r.state === 'no-place')) return 'no-place'
  if (relays.some(r => r.state === 'refused')) return 'relay-refused'
  return online ? 'relay-unreachable' : 'offline'
}

function direct(ice: IceSettings, rtc: RtcProbe | undefined, turn: boolean | undefined): DirectVerdict {
  if (!directAllowed(ice)) return 'off'
  if (rtc === undefined) return 'missing'
  if (ice.relayOnly) return turn === true ? 'turn-only' : 'turn-failed'
  if (!rtc.connected) return 'blocked'
  const nat = natHint(rtc.candidates)
  return nat === 'symmetric-likely' || nat === 'reflexive' ? nat : 'host-only'
}
