import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import SessionScreen from '../../components/musig2/SessionScreen.vue'
import type { WalletView } from '../../services/core/domain/views'
import { err, ok } from '../../services/core/domain/result'
import { useMuSig2Store } from '../../stores/musig2'
import type { SessionCard } from '../../stores/musig2'
import { button, buttons, described, settle, show } from './support'

vi.mock('../../services/vault', () => ({
  vault: () => {
    throw new Error('no vault here')
  },
}))

const [ME, ANN] = ['02aa', '03bb']
const member = (accountKey: string, name: string, self: boolean) => ({
  accountKey,
  name,
  peerId: `peer-${name}`,
  self,
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
  members: [member(ME, 'Bob', true), member(ANN, 'Ann', false)],
  balance: { availableSats: 0n, pendingSats: 0n, heldSats: 0n },
  history: [],
  chain: { state: 'synced' },
  createdAt: 0,
} as WalletView

type Can = 'canApprove' | 'canDecline' | 'canWithdraw' | 'canCancel'

/** A practice request of Ann that lets this person do what is named. */
function request(...can: Can[]): SessionCard {
  const may = Object.fromEntries(
    (['canApprove', 'canDecline', 'canWithdraw', 'canCancel', 'canRetry'] as const).map(what => [
      what,
      (can as string[]).includes(what),
    ]),
  )
  const members = wallet.members.map((m, i) => ({
    member: i,
    accountKey: m.accountKey,
    self: m.self,
    nonces: false,
    signed: false,
    connected: true,
    locked: false,
    ...(m.self ? {} : { vote: 'yes' as const }),
  }))
  return {
    id: 's',
    walletId: 'w',
    review: null,
    practiceText: 'hello',
    spendCode: ['a', 'b', 'c', 'd', 'e', 'f'],
    proposerName: 'Ann',
    expiresAt: 0,
    overlapsWith: [],
    view: {
      id: 's',
      walletId: 'w',
      state: 'proposed',
      live: true,
      members,
      stopped: false,
      verdict: { kind: 'ok' },
      ...may,
    },
  } as unknown as SessionCard
}

const scrolled = vi.fn()
beforeEach(() => {
  Element.prototype.scrollIntoView = function (this: Element, how?: unknown) {
    scrolled(this.textContent, how)
  }
})
afterEach(() => {
  document.body.innerHTML = ''
  vi.resetAllMocks()
})

describe('the answer to a request', () => {
  it.each([
    ['Decline', 'canDecline', 'Declining ends this request for everybody. Nothing is sent.'],
    ['Withdraw my approval', 'canWithdraw', 'Withdrawing ends this request for everybody. Nothing is sent.'],
    ['Cancel proposal', 'canCancel', 'Cancelling ends this proposal for everybody. Nothing is sent.'],
  ] as const)('says beside %s what it does, and one press does it', async (name, can, sentence) => {
    const action = ({ canDecline: 'decline', canWithdraw: 'withdraw', canCancel: 'cancel' } as const)[can]
    await show(SessionScreen, { card: request(can), wallet })
    const done = vi.spyOn(useMuSig2Store(), action).mockResolvedValue(ok(undefined))
    expect(described(button(name))).toBe(sentence)
    button(name).click()
    await settle()
    expect(done).toHaveBeenCalledWith('s')
  })

  it('explains nothing that is not offered', async () => {
    await show(SessionScreen, { card: request('canApprove'), wallet })
    expect(buttons('Decline')).toHaveLength(0)
    expect(document.body.textContent).not.toContain('ends this')
  })

  it('brings the status into view once it is given, and the reason when it is refused', async () => {
    await show(SessionScreen, { card: request('canApprove', 'canDecline'), wallet })
    const approve = vi.spyOn(useMuSig2Store(), 'approve').mockResolvedValue(ok(undefined))
    button('Approve').click()
    await settle()
    expect(scrolled).toHaveBeenCalledTimes(1)
    expect(scrolled.mock.calls[0]?.[0]).toContain('Ann asks for your approval')
    approve.mockResolvedValue(err({ field: 'session', code: 'too-late' }))
    button('Approve').click()
    await settle()
    expect(document.querySelector('[role="alert"]')?.textContent).toContain('This is no longer possible')
    expect(scrolled.mock.calls[1]?.[0]).toContain('This is no longer possible')
  })

  it.each([
    [false, 'smooth'],
    [true, 'instant'],
  ] as const)('moves there as the person likes it (less motion: %s)', async (reduced, behavior) => {
    vi.spyOn(globalThis, 'matchMedia').mockReturnValue({ matches: reduced } as MediaQueryList)
    await show(SessionScreen, { card: request('canApprove'), wallet })
    vi.spyOn(useMuSig2Store(), 'approve').mockResolvedValue(ok(undefined))
    button('Approve').click()
    await settle()
    expect(scrolled).toHaveBeenCalledWith(expect.anything(), { block: 'nearest', behavior })
  })
})

describe('all have approved', () => {
  const approved = (connected: boolean) => {
    const card = request()
    return {
      ...card,
      view: {
        ...card.view,
        members: card.view.members.map(m => ({ ...m, vote: 'yes', connected: m.self || connected })),
      },
    } as unknown as SessionCard
  }

  it.each([
    [true, 'Signing together', 'The browsers are signing together'],
    [false, 'Approved by all', 'as soon as Ann is connected'],
  ] as const)('and everybody is there (%s)', async (connected, title, sentence) => {
    await show(SessionScreen, { card: approved(connected), wallet })
    expect(document.querySelector('[role="status"]')?.textContent).toContain(title)
    expect(document.querySelector('[role="status"]')?.textContent).toContain(sentence)
  })
})

describe('one payment in the place of another', () => {
  const review = {
    recipients: [{ address: 'bcrt1qaaaa', sats: 60_000n }],
    change: [],
    inputs: [],
    totalSats: 60_154n,
    feeSats: 154n,
    feeRate: 1,
    feePercent: 0.25,
    vsize: 154,
    txid: 'aa',
    note: '',
  }
  const spend = (change: object, state = 'broadcast') => {
    const card = request()
    return {
      ...card,
      practiceText: undefined,
      review,
      ...change,
      view: { ...card.view, state },
    } as unknown as SessionCard
  }

  it('is offered for what waits for a block, with what each does', async () => {
    await show(SessionScreen, { card: spend({ canReplace: true }), wallet })
    expect(described(button('Speed up'))).toContain('with a higher fee')
    expect(described(button('Take back'))).toContain('bring the coins back')
    document.body.innerHTML = ''
    await show(SessionScreen, { card: spend({ canReplace: false }), wallet })
    expect([...buttons('Speed up'), ...buttons('Take back')]).toEqual([])
  })

  it.each([
    [
      'faster',
      'This replaces the payment of 60\u2009000 sats sent before, to pay the same with a higher fee. Only one of the two can happen.',
    ],
    [
      'back',
      'This takes back the payment of 60\u2009000 sats sent before: its coins come back to this wallet. Only one of the two can happen.',
    ],
    [
      'other',
      'This replaces the payment of 60\u2009000 sats sent before, and does not pay the same. Only one of the two can happen.',
    ],
    [undefined, 'This replaces a payment that this device does not know. Only one of the two can happen.'],
  ] as const)('says to co-signers what it is to the earlier payment (%s)', async (kind, sentence) => {
    const known = kind === undefined ? {} : { session: 'old', kind, sentSats: 60_000n, feeSats: 154n, feeRate: 1 }
    await show(SessionScreen, { card: spend({ replaces: { txid: 'bb', ...known } }, 'proposed'), wallet })
    expect(document.querySelector('[role="note"]')?.textContent?.replaceAll('\u202f', '\u2009')).toBe(sentence)
    expect(document.querySelectorAll('a[href="#/sessions/old"]')).toHaveLength(kind === undefined ? 0 : 1)
  })

  it('my part is out and the time is over: it says so, and offers to pay the same again', async () => {
    const card = spend({ canPayAgain: true, canReplace: false }, 'released')
    await show(SessionScreen, { card: { ...card, view: { ...card.view, mayStillGoOut: true } } as SessionCard, wallet })
    expect(document.querySelector('[role="status"]')?.textContent).toContain('May still go out')
    expect(document.querySelector('[role="status"]')?.textContent).toContain(
      'To pay after all, pay again with the same coins.',
    )
    expect(described(button('Pay again'))).toContain('can never be paid twice')
  })

  it('beside a payment that may still go out no yes is said to be taken back', async () => {
    const anew = { ...spend({ overlapsWith: ['old'] }, 'proposed'), id: 'new' } as SessionCard
    const old = { ...spend({ overlapsWith: ['new'], canPayAgain: true }, 'released'), id: 'old' } as SessionCard
    const cards = [anew, { ...old, view: { ...old.view, mayStillGoOut: true } } as SessionCard] as const
    for (const [i, sentence] of [
      'An earlier payment of these coins was not completed and may still go out.',
      'Another proposal spends the same coins.',
    ].entries()) {
      await show(SessionScreen, { card: cards[i], wallet }, () => useMuSig2Store()._mirrorSessions([...cards]))
      expect(document.body.textContent).toContain(sentence)
      expect(document.body.textContent).not.toContain('withdraws your approval')
      expect(document.querySelectorAll(`a[href="#/sessions/${['old', 'new'][i]}"]`)).toHaveLength(1)
      document.body.innerHTML = ''
    }
  })

  it('the earlier one says that another may come in its place, and shows no old verdict', async () => {
    const card = spend({ replacedBy: 'new' })
    await show(SessionScreen, {
      card: { ...card, view: { ...card.view, verdict: { kind: 'wrong', rule: 'change-reused' } } } as SessionCard,
      wallet,
    })
    expect(document.querySelector('[role="status"]')?.textContent).toContain('Sent, may be replaced')
    expect(document.querySelector('[role="alert"]')).toBeNull()
    expect(document.querySelectorAll('a[href="#/sessions/new"]')).toHaveLength(1)
  })
})
