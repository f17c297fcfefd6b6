/** Why somebody was turned away; each is a label of `tandem_relay_refusals_total`. */
export const REFUSALS = [
  'draining',
  'connections',
  'connections-per-ip',
  'connections-per-ip-second',
  'connections-per-peer',
  'reservations',
  'reservations-per-ip',
  'circuits',
  'circuits-per-peer',
  'no-reservation',
  'circuit-failed',
  'topics',
  'topics-per-peer',
  'gossip-rate',
  'flood',
] as const
export type Refusal = (typeof REFUSALS)[number]

/** All that is counted from the start of the process; what is there at the moment is asked when somebody reads. */
export class Counters {
  readonly refusals: Record<Refusal, number> = Object.fromEntries(REFUSALS.map(reason => [reason, 0])) as Record<
    Refusal,
    number
  >
  connections = 0
  /** payload of all WebSockets */
  bytesIn = 0
  bytesOut = 0
  reservationsGranted = 0
  reservationsRenewed = 0
  circuits = 0
  circuitBytes = 0
  gossipMessages = 0
  gossipBytes = 0
  /** times that a message had somebody else to go to */
  gossipDeliveries = 0

  constructor(private readonly told: (reason: Refusal, who: Who) => void = () => undefined) {}

  refuse(reason: Refusal, who: Who = {}): void {
    this.refusals[reason]++
    this.told(reason, who)
  }
}

/** Shown in log lines only where the operator wants it. */
export interface Who {
  readonly ip?: string
  readonly peer?: string
}

export interface Gauges {
  readonly connections: number
  readonly reservations: number
  readonly circuits: number
  readonly topics: number
  readonly draining: boolean
}

/** The text format of Prometheus, version 0.0.4. */
export function renderMetrics(counters: Counters, now: Gauges, startedAt: number): string {
  const lines: string[] = []
  const metric = (
    name: string,
    type: 'counter' | 'gauge',
    help: string,
    samples: number | ReadonlyArray<readonly [string, number]>,
  ): void => {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
    if (typeof samples === 'number') lines.push(`${name} ${samples}`)
    else lines.push(...samples.map(([labels, value]) => `${name}{${labels}} ${value}`))
  }
  const own = (name: string): string => `tandem_relay_${name}`
  metric(own('connections'), 'gauge', 'WebSockets open now.', now.connections)
  metric(own('connections_total'), 'counter', 'WebSockets accepted.', counters.connections)
  metric(own('bytes_total'), 'counter', 'Payload of all WebSockets.', [
    ['direction="in"', counters.bytesIn],
    ['direction="out"', counters.bytesOut],
  ])
  metric(own('reservations'), 'gauge', 'Places held now.', now.reservations)
  metric(own('reservations_total'), 'counter', 'Places given.', [
    ['result="granted"', counters.reservationsGranted],
    ['result="renewed"', counters.reservationsRenewed],
  ])
  metric(own('circuits'), 'gauge', 'Relayed connections open now.', now.circuits)
  metric(own('circuits_total'), 'counter', 'Relayed connections opened.', counters.circuits)
  metric(
    own('circuit_bytes_total'),
    'counter',
    'Bytes carried by relayed connections, both ways.',
    counters.circuitBytes,
  )
  metric(own('gossip_topics'), 'gauge', 'Topics forwarded now.', now.topics)
  metric(own('gossip_messages_total'), 'counter', 'Gossip messages taken.', counters.gossipMessages)
  metric(own('gossip_bytes_total'), 'counter', 'Bytes of gossip messages taken.', counters.gossipBytes)
  metric(
    own('gossip_deliveries_total'),
    'counter',
    'Followers that a gossip message was for.',
    counters.gossipDeliveries,
  )
  metric(
    own('refusals_total'),
    'counter',
    'Turned away, by reason.',
    REFUSALS.map(reason => [`reason="${reason}"`, counters.refusals[reason]]),
  )
  metric(own('draining'), 'gauge', '1 while the relay shuts down.', now.draining ? 1 : 0)
  const memory = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  metric('process_resident_memory_bytes', 'gauge', 'Resident memory.', memory.rss)
  metric('nodejs_heap_size_used_bytes', 'gauge', 'JavaScript heap in use.', memory.heapUsed)
  metric('nodejs_external_memory_bytes', 'gauge', 'Buffers outside of the heap.', memory.external)
  metric('process_cpu_seconds_total', 'counter', 'Processor time.', (user + system) / 1e6)
  metric('process_start_time_seconds', 'gauge', 'Start, unix time.', startedAt / 1000)
  return `${lines.join('\n')}\n`
}
