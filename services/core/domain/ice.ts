import { err, ok, type Result } from './result'

/** One STUN or TURN server as people write it. */
export interface IceServer {
  /** "stun:host:port", "turn:host:port?transport=udp", "turns:host:port" */
  readonly url: string
  readonly username?: string
  readonly credential?: string
}

/** What a person chose for direct lines; kept in the encrypted storage of the profile, for credentials are secrets. */
export interface IceSettings {
  readonly servers: readonly IceServer[]
  /** never tell a member an IP address: no WebRTC at all, or only through the TURN servers */
  readonly relayOnly: boolean
}

/** servers that may be listed: browsers warn above five, and each costs time when a line is opened */
export const MAX_ICE_SERVERS = 8
const MAX_URL = 256
const MAX_SECRET = 256

/** RFC 7064 and 7065: host, optional port, and for TURN an optional transport. */
const URL_FORM =
  /^(stuns?|turns?):(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::(\d{1,5}))?(\?transport=(?:udp|tcp))?$/

export const isTurn = (server: Pick<IceServer, 'url'>): boolean => /^turns?:/.test(server.url)
export const turnOf = (settings: IceSettings): readonly IceServer[] => settings.servers.filter(isTurn)

/** Whether WebRTC is used at all: relay-only without a TURN server leaves nothing to offer. */
export const directAllowed = (settings: IceSettings): boolean => !settings.relayOnly || turnOf(settings).length > 0

/** The servers that a connection is given: with relay-only those alone that can carry it. */
export const serversInUse = (settings: IceSettings): readonly IceServer[] =>
  settings.relayOnly ? turnOf(settings) : settings.servers

/** Checks one server as it was typed; a code and its field when something is wrong. */
export function checkIceServer(
  typed: IceServer,
): Result<IceServer, { readonly field: 'ice' | 'ice-user' | 'ice-credential'; readonly code: string }> {
  const url = typed.url.trim()
  const username = typed.username?.trim() ?? ''
  const credential = typed.credential ?? ''
  const form = url.length <= MAX_URL ? URL_FORM.exec(url) : null
  if (url === '') return err({ field: 'ice', code: 'empty' })
  if (form === null || Number(form[2] ?? 1) < 1 || Number(form[2] ?? 1) > 65_535)
    return err({ field: 'ice', code: 'malformed' })
  if (!isTurn({ url })) return form[3] === undefined ? ok({ url }) : err({ field: 'ice', code: 'malformed' })
  if (username === '' || username.length > MAX_SECRET)
    return err({ field: 'ice-user', code: username === '' ? 'empty' : 'too-long' })
  if (credential === '' || credential.length > MAX_SECRET)
    return err({ field: 'ice-credential', code: credential === '' ? 'empty' : 'too-long' })
  return ok({ url, username, credential })
}

/** Settings as they were stored; what is no server any more is left out. Total. */
export function readIceSettings(stored: unknown): IceSettings {
  const value = typeof stored === 'object' && stored !== null ? (stored as Readonly<Record<string, unknown>>) : {}
  const list: readonly unknown[] = Array.isArray(value['servers']) ? value['servers'] : []
  const servers = list.slice(0, MAX_ICE_SERVERS).flatMap(entry => {
    const { url, username, credential } = (typeof entry === 'object' && entry !== null ? entry : {}) as Readonly<
      Record<string, unknown>
    >
    if (typeof url !== 'string') return []
    const checked = checkIceServer({
      url,
      ...(typeof username === 'string' ? { username } : {}),
      ...(typeof credential === 'string' ? { credential } : {}),
    })
    return checked.ok ? [checked.value] : []
  })
  return { servers, relayOnly: value['relayOnly'] === true }
}
