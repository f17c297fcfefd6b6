import { describe, expect, it } from 'vitest'
import type { SessionId } from '../../../services/core/domain/ids'
import type { WalletRecord } from '../../../services/core/domain/wallet'
import { createIntake } from '../../../services/core/signing/runtime/inbox'
import type { Runner } from '../../../services/core/signing/runtime/runner'
import type { Session } from '../../../services/core/signing/protocol/state'
import { FakeClock } from '../../fakes/clock'
import { Harness, spendProposal } from '../../fakes/session-harness'

/** The intake of member 1 over these sessions; what is handed on, and what is opened again. */
function intakeOf(sessions: readonly Session[], h: Harness) {
  const told: SessionId[] = []
  const reopened: SessionId[] = []
  const get = (id: SessionId) => sessions.find(s => s.id === id)
  const record = {
    id: sessions[0]!.walletId,
    roster: h.members.map((accountKey, m) => ({ accountKey, peerId: `peer ${m}` })),
  } as unknown as WalletRecord
  const onMessage = createIntake({
    clock: new FakeClock(),
    log: { write: () => {} } as never,
    signer: { verifyMessage: async () => true } as never,
    wallets: { record: () => record, isActive: () => true },
    runner: {
      get,
      all: () => [...sessions],
      tell: async (id: SessionId) => {
        told.push(id)
      },
    } as unknown as Runner,
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
  return { onMessage, told, reopened }
}

describe('signatures for what was called off', () => {
  const h = new Harness()
  h.propose()
  h.user(1, 'decline')
  h.settle()
  const declined = h.session(1)
  const final = h.forge(2, { type: 'final', digest: h.named.digest, signatures: h.signatures() })

  it('are handed on, and its record of what was said is opened for them', async () => {
    const { onMessage, told, reopened } = intakeOf([declined], h)
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
      const { onMessage, told } = intakeOf([declined, other], h)
      await onMessage('peer 2', final)
      expect(told).toHaveLength(heard)
    }
  })
})
