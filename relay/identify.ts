import type { Identify } from '@libp2p/identify'

/** protocols that are looked at; a member speaks ten */
const PROTOCOLS = 64

interface Answer {
  readonly listenAddrs: readonly Uint8Array[]
  readonly observedAddr?: Uint8Array | undefined
  readonly signedPeerRecord?: Uint8Array | undefined
  readonly protocols: readonly string[]
}

/** The step that reads an answer: a method of its class, which its interface does not list. */
interface Steps { _identify(...asked: readonly unknown[]): Promise<Answer> }

/**
 * Of what clients tell of themselves, the relay needs what they speak, for gossip. Their addresses, which it never dials, are not read: one
 * of 8 KB takes a quarter of a second, and the signed ones are a signature to check for each who comes.
 *
 * @throws Error when the library has changed so that it cannot be told
 */
export function readNoAddresses(identify: Identify): void {
  const steps = identify as unknown as Steps
  if (typeof steps._identify !== 'function') throw new Error('this version of identify has no step _identify')
  const ask = steps._identify.bind(steps)
  steps._identify = async (...asked) => {
    const answer = await ask(...asked)
    return { ...answer, listenAddrs: [], observedAddr: undefined, signedPeerRecord: undefined, protocols: answer.protocols.slice(0, PROTOCOLS) }
  }
}
