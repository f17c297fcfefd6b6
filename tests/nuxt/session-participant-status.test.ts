import { afterEach, describe, expect, it, vi } from 'vitest'
import SessionParticipantStatus from '../../components/musig2/SessionParticipantStatus.vue'
import { ConnectivityErrorType } from '../../services/core/domain/connectivity'
import type { ParticipantStatus } from '../../services/core/domain/connectivity'
import { err, ok } from '../../services/core/domain/result'
import type { MemberView, WalletView } from '../../services/core/domain/views'
import { useMuSig2Store, type SessionCard } from '../../stores/musig2'
import { useP2PStore } from '../../stores/p2p'
import { useWalletsStore } from '../../stores/wallets'
import { button, buttons, items, settle, show } from './support'

vi.mock('../../services/vault', () => ({
  vault: () => {
    throw new Error('no vault here')
  },
}))

const member = (accountKey: string, name: string, peerId: string): MemberView => ({
  accountKey,
  name,
  peerId,
  self: false,
  confirmed: true,
  saved: true,
})
const wallet = {
  id: 'w',
  name: 'Boat',
  network: 'regtest',
  local: true,
  phase: 'active',
  safetyNumber: [],
  iConfirmed: true,
  iSaved: true,
  fileDeferred: false,
  descriptor: '',
  members: [member('02aa', 'Ann', 'peer-ann'), member('03bb', 'Bob', 'peer-bob')],
  balance: { availableSats: 0n, pendingSats: 0n, heldSats: 0n },
  history: [],
  chain: { state: 'synced' },
  createdAt: 0,
} as WalletView

const status = (
  peerId: string,
  state: ParticipantStatus['state'],
  more: Partial<ParticipantStatus> = {},
): ParticipantStatus => ({ peerId, state, connected: state === 'connected', since: 0, ...more })

/** A gate of wallet `w` with these entries. */
async function panel(...entries: ParticipantStatus[]) {
  const wrapper = await show(SessionParticipantStatus, { sessionId: 'pending-1' }, () => {
    useWalletsStore().wallets = [wallet]
    const store = useMuSig2Store()
    store.pending = {
      w: { id: 'pending-1', params: { walletId: 'w', recipient: 'r', amountSats: 1n }, state: 'failed' },
    }
    store.sessionParticipantStatus.set('pending-1', new Map(entries.map(e => [e.peerId, e])))
  })
  return wrapper
}
const spoken = () => document.querySelector('[aria-live="polite"]')?.textContent ?? ''

afterEach(() => {
  document.body.innerHTML = ''
})

describe('SessionParticipantStatus', () => {
  it('takes one prop, the session', () => {
    expect(Object.keys((SessionParticipantStatus as { props: object }).props)).toEqual(['sessionId'])
  })

  it('lists nobody for a session it does not know', async () => {
    await panel()
    expect(items('Participants')).toEqual([])
    expect(spoken()).toBe('')
  })

  it('says who is waited for, and offers nothing to retry', async () => {
    await panel(status('peer-ann', 'waiting'))
    expect(items('Participants')).toEqual(['Ann waiting'])
    expect(buttons('Retry')).toHaveLength(0)
  })

  it('names the step of a connection that is being made', async () => {
    await panel(status('peer-ann', 'connecting', { step: 'ice' }), status('peer-bob', 'connecting'))
    expect(items('Participants')).toEqual(['Ann connecting: opening the direct line', 'Bob connecting'])
  })

  it.each([
    ['webrtc', 'WebRTC'],
    ['relay', 'relay'],
    ['direct', 'direct'],
  ] as const)('shows the kind %s and the round trip', async (connectionType, word) => {
    await panel(status('peer-ann', 'connected', { connectionType, rttMs: 11.6 }))
    expect(items('Participants')).toEqual([`Ann ${word}, 12 ms connected`])
  })

  it.each([
    [ConnectivityErrorType.PEER_NOT_FOUND, 'Ann’s browser is not online. Ask Ann to open the wallet, then retry.'],
    [ConnectivityErrorType.TIMEOUT, 'Ann’s browser did not answer in time. Ask Ann to keep the tab open, then retry.'],
    [
      ConnectivityErrorType.WEBRTC_FAILED,
      'No direct line to Ann could be opened, and none through a relay. Retrying often helps.',
    ],
    [ConnectivityErrorType.NETWORK_ERROR, 'The connection to Ann broke. Check your network, then retry.'],
  ])('tells in a sentence what failed (%s), never the raw error', async (errorType, sentence) => {
    await panel(status('peer-ann', 'failed', { errorType, error: 'raw error text', retryable: true }))
    expect(items('Participants')).toEqual([`Ann not connected ${sentence} Retry`])
    expect(document.body.textContent).not.toContain('raw error text')
  })

  it('offers no retry where it cannot help', async () => {
    await panel(status('peer-ann', 'failed', { errorType: ConnectivityErrorType.REJECTED, retryable: false }))
    expect(buttons('Retry')).toHaveLength(0)
  })

  it('speaks a summary when something changes', async () => {
    await panel(status('peer-ann', 'connected'), status('peer-bob', 'connecting'))
    expect(spoken()).toBe('1 of 2 connected.')
    useMuSig2Store()._updateSessionParticipantStatus('pending-1', 'peer-bob', false, undefined, 'x', {
      errorType: ConnectivityErrorType.TIMEOUT,
    })
    await settle()
    expect(spoken()).toBe('1 of 2 connected. Not connected: Bob.')
    expect(items('Participants')[1]).toContain('Bob not connected')
  })

  it('retries the gate', async () => {
    await panel(status('peer-ann', 'failed', { errorType: ConnectivityErrorType.TIMEOUT, retryable: true }))
    const retry = vi
      .spyOn(useMuSig2Store(), 'retryGate')
      .mockResolvedValue({ success: true, sessionId: 'session-9', pendingId: 'pending-2' })
    button('Retry').click()
    await settle()
    expect(retry).toHaveBeenCalledWith('w')
  })

  describe('of a session', () => {
    /** The panel of a session of wallet `w`; connections are those of the peers, whatever session asks. */
    const sessionPanel = (...peers: ParticipantStatus[]) =>
      show(SessionParticipantStatus, { sessionId: 's' }, () => {
        useWalletsStore().wallets = [wallet]
        useMuSig2Store().sessions = [{ id: 's', walletId: 'w' } as unknown as SessionCard]
        useP2PStore().peers = Object.fromEntries(peers.map(p => [p.peerId, p]))
      })

    it('joins the members to what is known of their peer ids', async () => {
      await sessionPanel(status('peer-bob', 'connected'), status('peer-of-another-wallet', 'connected'))
      expect(items('Participants')).toEqual([expect.stringMatching(/^Bob connected/)])
      useP2PStore().peers = { 'peer-bob': status('peer-bob', 'waiting') }
      await settle()
      expect(items('Participants')[0]).not.toMatch(/^Bob connected/)
    })

    it('dials who is missing, and says what came of it', async () => {
      const late = { errorType: ConnectivityErrorType.TIMEOUT, retryable: true }
      await sessionPanel(status('peer-ann', 'connected'), status('peer-bob', 'failed', late))
      const reconnect = vi
        .spyOn(useMuSig2Store(), 'reconnect')
        .mockResolvedValue(
          ok({ allConnected: false, connected: ['peer-ann'], failed: [{ peerId: 'peer-bob', error: 'x', ...late }] }),
        )
      button('Retry').click()
      await settle()
      expect(reconnect).toHaveBeenCalledWith('s')
      expect(document.querySelector('[role="status"]')?.textContent).toBe('1 of 2 connected. Not connected: Bob.')
    })

    it('says when the session is gone', async () => {
      await sessionPanel(status('peer-ann', 'failed', { errorType: ConnectivityErrorType.TIMEOUT, retryable: true }))
      vi.spyOn(useMuSig2Store(), 'reconnect').mockResolvedValue(err({ field: 'session', code: 'unknown-session' }))
      button('Retry').click()
      await settle()
      expect(document.querySelector('[role="status"]')?.textContent).toBe('This proposal is no longer here.')
    })
  })

  it('does not name the peer of somebody unknown as a member', async () => {
    await panel(
      status('unknown:0a0b0c0d', 'failed', { errorType: ConnectivityErrorType.PEER_NOT_FOUND, retryable: true }),
    )
    expect(items('Participants')[0]).toMatch(/^A member not connected/)
  })
})
