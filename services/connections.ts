/** Public functions of one's connections. They act on the one instance that `initConnections` made. */
import { Connections, type ConnectionsDeps } from './core/net/connections'

export { effectiveIce } from './core/net/connections'
export type {
  Connections,
  ConnectionsDeps,
  ConnectionsView,
  IceView,
  RelayView,
  ReportFrame,
} from './core/net/connections'

export const createConnections = (deps: ConnectionsDeps): Connections => new Connections(deps)

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
