import type { EndState, LiveState, SessionState } from '../../domain/signing-state'

/**
 * The legal changes of state, and nothing else is legal (`move` in step-context.ts refuses the rest).
 * docs/protocol.md, section 9, lists and draws them; table.test.ts compares.
 *
 * 1. The ends that people, the clock or a failure make (`declined` to `failed`) are reached only before `released`:
 *    from there on
 *    no message, timer or failed attempt ends a session, only the chain does.
 * 2. Signatures that verify are believed in every state, in those ends too: they prove more than our own record does (a
 *    record may
 * be older than the world when a browser was restored from words). A chain server's word is believed once something of
 * mine is out.
 * 3. A practice text never reaches the chain: it is `confirmed` when its signature verifies, and may expire when
 *    released,
 *    because there is no coin that could move.
 */
export const TRANSITIONS: Readonly<Record<SessionState, readonly SessionState[]>> = {
  proposed: ['signing', 'signed', 'declined', 'withdrawn', 'cancelled', 'expired', 'failed'],
  signing: ['released', 'signed', 'declined', 'withdrawn', 'cancelled', 'expired', 'failed'],
  released: ['signed', 'broadcast', 'confirmed', 'replaced', 'conflicted', 'expired'],
  signed: ['broadcast', 'confirmed', 'replaced', 'conflicted'],
  broadcast: ['signed', 'released', 'confirmed', 'replaced', 'conflicted'],
  confirmed: ['broadcast'],
  replaced: ['signed', 'released', 'broadcast', 'confirmed'],
  conflicted: ['signed', 'released', 'broadcast', 'confirmed'],
  declined: ['signed'],
  withdrawn: ['signed'],
  cancelled: ['signed'],
  expired: ['signed'],
  failed: ['signed'],
}

export const mayMove = (from: SessionState, to: SessionState): boolean => TRANSITIONS[from].includes(to)

const LIVE: ReadonlySet<string> = new Set<LiveState>(['proposed', 'signing', 'released', 'signed', 'broadcast'])
const CHAIN_ENDS: ReadonlySet<string> = new Set<EndState>(['confirmed', 'replaced', 'conflicted'])
const STATES: ReadonlySet<string> = new Set(Object.keys(TRANSITIONS))

export const isSessionState = (text: string): text is SessionState => STATES.has(text)
export const isLive = (state: SessionState): state is LiveState => LIVE.has(state)
/** An end that people, the clock or a failure made, as far as this device knows before anything of it was out. */
export const isCalledOff = (state: SessionState): boolean => !isLive(state) && !isChainEnd(state)
/** An end that the chain made, and that a reorg may undo. */
export const isChainEnd = (state: SessionState): boolean => CHAIN_ENDS.has(state)
/** Nothing of mine is out: a member may still end it, and then the payment can never happen. */
export const isOpen = (state: SessionState): state is 'proposed' | 'signing' =>
  state === 'proposed' || state === 'signing'
/** New attempts still make sense. */
export const isSignable = (state: SessionState): state is 'proposed' | 'signing' | 'released' =>
  isOpen(state) || state === 'released'
