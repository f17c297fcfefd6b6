import { describe, expect, it } from 'vitest'
import type { SessionId } from '../../../services/core/domain/ids'
import type { WalletRecord } from '../../../services/core/domain/wallet'
import { Inbox } from '../../../services/core/signing/runtime/inbox'
import type { Session } from '../../../services/core/signing/protocol/state'
import { FakeClock } from '../../fakes/clock'
import { Harness, spendProposal } from '../../fakes/session-harness'

/** The inbox of member 1 over these sessions; what is handed on, and what is opened again. */
function inboxOf(sessions: readonly Session[], h: Harness) {
  const told: SessionId[] = []
  const reopened: SessionId[] = []
  const get = (id: SessionId) => sessions.find(s => s.id === id)
  const record = {
    id: sessions[0]!.walletId,
    roster: h.members.map((accountKey, m) => ({ accountKey, peerId: `peer ${m}` })),
  } as unknown as WalletRecord
  const inbox = new Inbox({
    clock: new FakeClock(),
    log: { write: () => {} } as never,
    signer: { verifyMessage: async () => true } as never,
    wallet: { record, active: true },
    runner: {
      get,
      all: () => [...sessions],
      tell: async (id: SessionId) => {
        told.push(id)
      },
      remove: () => false,
    },
    send: () => {},
    offence: () => {},
    prepare: () => {
      throw new Error('no proposal comes')
    },
    begin: async () => {},
    note: () => {},
    forget: () => {},
    reopen: async id => {
      reopened.push(id)
    },
  })
  return { onMessage: inbox.receive.bind(inbox), told, reopened }
}

describe('signatures for what was called off', () => {
  const h = new Harness()
  h.propose()
  h.user(1, 'decline')
  h.settle()
  const declined = h.session(1)
  const final = h.forge(2, { type: 'final', digest: h.named.digest, signatures: h.signatures() })

  it('are handed on, and its record of what was said is opened for them', async () => {
    const { onMessage, told, reopened } = inboxOf([declined], h)
    await onMessage('peer 2', final)
    expect([told, reopened]).toEqual([[declined.id], [declined.id]])
  })

  it('are those of the same transaction under another proposal, when that one was approved: they say nothing of this one', async () => {
    const twin = new Harness(3, spendProposal({ salt: '05'.repeat(32) }))
    twin.propose()
    const open = twin.session(1)
    twin.approveAll(1, 2)
    for (const [other, heard] of [
      [open, 1],
      [twin.session(1), 0],
    ] as const) {
      const { onMessage, told } = inboxOf([declined, other], h)
      await onMessage('peer 2', final)
      expect(told).toHaveLength(heard)
    }
  })
})
