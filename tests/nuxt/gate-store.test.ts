import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { ParticipantStatus } from '../../services/core/domain/connectivity'
import { useMuSig2Store } from '../../stores/musig2'

type Told = (peerId: string, status: ParticipantStatus) => void
interface Call {
  readonly told: Told
  readonly signal: AbortSignal
  readonly partial: boolean
  end(result: object): void
}
const calls: Call[] = []

vi.mock('../../services/musig2', () => {
  /** As the real one an object whose methods need it: taken off it they fail. */
  class Door {
    readonly #calls = calls
    proposeSpend(_params: unknown, told: Told, how: { signal: AbortSignal; partial: boolean }) {
      return new Promise(resolve => {
        this.#calls.push({ told, ...how, end: resolve })
      })
    }
  }
  return { musig2: () => new Door() }
})

const params = { walletId: 'w', recipient: 'r', amountSats: 1n }
const connecting: ParticipantStatus = { peerId: 'p', connected: false, state: 'connecting', since: 0 }
const failed = { success: false, error: 'Cannot reach 1 participant(s)', connectivityIssues: [] }

/** The next gate that the store opens. */
async function opened(count: number): Promise<Call> {
  await vi.waitFor(() => expect(calls).toHaveLength(count))
  return calls[count - 1] as Call
}

beforeEach(() => {
  calls.length = 0
  setActivePinia(createPinia())
})

describe('the gate in the store', () => {
  it('keeps the entry of a failed gate for Retry, and what is dismissed leaves nothing', async () => {
    const store = useMuSig2Store()
    const proposing = store.proposeSpend(params)
    const call = await opened(1)
    call.told('p', connecting)
    call.end(failed)
    const { pendingId } = await proposing
    expect(store.pending.w).toMatchObject({ id: pendingId, state: 'failed' })
    expect(store.getSessionParticipantStatus(pendingId)).toHaveLength(1)
    store.dismissGate('w')
    expect(store.pending.w).toBeUndefined()
    expect(store.sessionParticipantStatus.size).toBe(0)
  })

  it('dismissed while it runs: what is in flight is given up, and nothing comes back later', async () => {
    const store = useMuSig2Store()
    const proposing = store.proposeSpend(params)
    const call = await opened(1)
    store.dismissGate('w')
    expect(call.signal.aborted).toBe(true)
    call.told('p', connecting)
    call.end(failed)
    await proposing
    expect(store.pending.w).toBeUndefined()
    expect(store.sessionParticipantStatus.size).toBe(0)
  })

  it('a second one overtakes the first', async () => {
    const store = useMuSig2Store()
    const first = store.proposeSpend(params)
    const one = await opened(1)
    const second = store.proposeSpend(params)
    const two = await opened(2)
    expect(one.signal.aborted).toBe(true)
    one.end(failed)
    await first
    expect(store.pending.w).toMatchObject({ state: 'running' })
    two.told('p', connecting)
    two.end({ success: true, sessionId: 's' })
    expect(await second).toMatchObject({ success: true, sessionId: 's' })
    expect(store.pending.w).toBeUndefined()
    expect(store.getSessionParticipantStatus('s')).toHaveLength(1)
  })

  it('Retry asks everybody again, the other way on only those who are there', async () => {
    const store = useMuSig2Store()
    const first = store.proposeSpend(params)
    ;(await opened(1)).end(failed)
    await first
    const again = store.retryGate('w')
    const two = await opened(2)
    expect(two.partial).toBe(false)
    two.end(failed)
    await again
    const present = store.proposeToPresent('w')
    const three = await opened(3)
    expect(three.partial).toBe(true)
    three.end({ success: true, sessionId: 's' })
    expect(await present).toMatchObject({ success: true })
  })
})
