import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import SpendFlow from '../../components/spend/SpendFlow.vue'
import type { ReviewView, WalletView } from '../../services/core/domain/views'
import { NETWORKS } from '../../services/core/domain/network'
import { err, ok } from '../../services/core/domain/result'
import { readRecipient } from '../../services/core/spend/recipient'
import { useSpendDraft } from '../../composables/useSpendDraft'
import { useMuSig2Store } from '../../stores/musig2'
import { useWalletsStore } from '../../stores/wallets'
import { button, described, field, settle, show, type } from './support'

vi.mock('../../services/vault', () => ({
  vault: () => {
    throw new Error('no vault here')
  },
}))

const GOOD = 'bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6'
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
  members: [],
  balance: { availableSats: 40_000n, pendingSats: 0n, heldSats: 0n },
  history: [],
  chain: { state: 'synced' },
  createdAt: 0,
} as WalletView
const reviewSpend = vi.fn()
/** stands for the wallets door and the worker behind it */
const isXCoordinate = vi.fn<(key: Uint8Array) => Promise<boolean>>()
const readIt = (_walletId: string, address: string) => readRecipient(address, NETWORKS.regtest, isXCoordinate)

/** The form of a wallet that holds 40 000 sats; `reviewSpend` stands for the desk. */
async function form(chain: WalletView['chain'] = wallet.chain) {
  const view = { ...wallet, chain }
  await show(SpendFlow, { wallet: view }, () => {
    const wallets = useWalletsStore()
    wallets.wallets = [view]
    wallets.feeEstimates = vi.fn().mockResolvedValue({ fast: 3, normal: 2, slow: 1 })
    wallets.readRecipient = readIt
    useMuSig2Store().reviewSpend = reviewSpend
  })
  await settle()
}

async function review(values: Record<string, string>) {
  for (const [name, value] of Object.entries(values)) await type(field(name), value)
  button('Review').click()
  await settle()
}
const said = () =>
  Object.fromEntries(
    ['Recipient', 'Amount', 'Fee rate'].map(name => [
      name,
      field(name).getAttribute('aria-invalid') === 'true' ? described(field(name)) : '',
    ]),
  )

beforeEach(() => {
  isXCoordinate.mockResolvedValue(true)
  window.scrollTo = vi.fn() as typeof window.scrollTo
  Element.prototype.scrollIntoView = vi.fn()
})
afterEach(() => {
  document.body.innerHTML = ''
  useSpendDraft('w').clear()
  vi.resetAllMocks()
})

describe('spend form', () => {
  it('says at every wrong field what is wrong, at once, and leads to the first', async () => {
    await form()
    await review({ Recipient: 'me', Amount: '1,5', 'Fee rate': 'fast', Note: 'roof' })
    expect(said()).toEqual({
      Recipient: 'This is not a Bitcoin address. Copy it again from where you got it.',
      Amount: expect.stringContaining('It is not clear where the decimals') as string,
      'Fee rate': 'This is not a fee rate. Use a number such as 2 or 1.5.',
    })
    expect(document.activeElement).toBe(field('Recipient'))
    expect(['Recipient', 'Amount', 'Fee rate', 'Note'].map(name => field(name).value)).toEqual([
      'me',
      '1,5',
      'fast',
      'roof',
    ])
    expect(reviewSpend).not.toHaveBeenCalled()
  })

  it.each([
    [
      'dust',
      { Recipient: GOOD, Amount: '100', 'Fee rate': '0.2' },
      { Amount: /^This amount is too small/, 'Fee rate': /^This fee rate is too low/ },
    ],
    [
      'more than there is',
      { Recipient: '', Amount: '40001', 'Fee rate': '2' },
      { Recipient: /^Paste the address/, Amount: /^The wallet does not hold enough/ },
    ],
  ])('judges the amount too when another field is wrong: %s', async (_, values, sentences) => {
    await form()
    await review(values)
    const spoken = Object.entries(said()).filter(([, sentence]) => sentence !== '')
    expect(spoken.map(([name]) => name)).toEqual(Object.keys(sentences))
    for (const [name, sentence] of spoken) expect(sentence).toMatch(sentences[name as keyof typeof sentences])
  })

  it('leaves the judgement on the balance to the desk before the chain was read', async () => {
    reviewSpend.mockResolvedValue(err({ field: 'wallet', code: 'chain-unreachable' }))
    await form({ state: 'idle' })
    await review({ Recipient: GOOD, Amount: '90000', 'Fee rate': '2' })
    expect(reviewSpend).toHaveBeenCalledWith({
      walletId: 'w',
      recipient: GOOD,
      amountSats: 90_000n,
      feeRate: 2,
      note: '',
    })
    expect(document.querySelector('[role="alert"]')?.textContent).toContain('The chain server does not answer')
    expect(said()).toEqual({ Recipient: '', Amount: '', 'Fee rate': '' })
  })

  it('says it at the address when its key is no point, together with what is wrong elsewhere', async () => {
    isXCoordinate.mockResolvedValue(false)
    await form()
    await review({ Recipient: GOOD, Amount: '1000', 'Fee rate': 'fast' })
    expect(said()).toEqual({
      Recipient: 'This kind of address cannot be paid yet.',
      Amount: '',
      'Fee rate': 'This is not a fee rate. Use a number such as 2 or 1.5.',
    })
    await review({ 'Fee rate': '2' })
    expect(said()).toEqual({ Recipient: 'This kind of address cannot be paid yet.', Amount: '', 'Fee rate': '' })
    expect(reviewSpend).not.toHaveBeenCalled()
  })

  it('waits for the answer about the address, and says nothing of one that was changed meanwhile', async () => {
    const answers: Array<(isPoint: boolean) => void> = []
    isXCoordinate.mockImplementation(
      () =>
        new Promise(resolve => {
          answers.push(resolve)
        }),
    )
    await form()
    await review({ Recipient: 'me', Amount: '1000', 'Fee rate': '2' })
    expect(said().Recipient).toMatch(/^This is not a Bitcoin address/)
    await review({ Recipient: GOOD })
    expect(said().Recipient, 'what stands there stays until there is an answer').toMatch(
      /^This is not a Bitcoin address/,
    )
    // a second press in between asks nothing more
    button('Review').click()
    await settle()
    expect(answers).toHaveLength(1)
    await type(field('Recipient'), `${GOOD} `)
    answers.shift()?.(false)
    await settle()
    expect(said()).toEqual({ Recipient: '', Amount: '', 'Fee rate': '' })
    expect(reviewSpend).not.toHaveBeenCalled()
    reviewSpend.mockResolvedValue(err({ field: 'amount', code: 'insufficient-funds' }))
    button('Review').click()
    await settle()
    expect(reviewSpend).not.toHaveBeenCalled()
    answers.shift()?.(true)
    await settle()
    expect(reviewSpend).toHaveBeenCalledTimes(1)
  })

  it('puts a refusal of the desk at its field, and forgets it once the payment is made', async () => {
    await form()
    reviewSpend.mockResolvedValue(err({ field: 'amount', code: 'insufficient-funds' }))
    await review({ Recipient: `bitcoin:${GOOD}?label=x`, Amount: '40000', 'Fee rate': '2' })
    expect(said()).toEqual({
      Recipient: '',
      Amount: expect.stringContaining('does not hold enough') as string,
      'Fee rate': '',
    })
    const made: ReviewView = {
      recipients: [{ address: GOOD, sats: 1000n }],
      change: [],
      inputs: [],
      totalSats: 1200n,
      feeSats: 200n,
      feeRate: 2,
      feePercent: 20,
      vsize: 100,
      txid: '',
      note: '',
    }
    reviewSpend.mockResolvedValue(ok({ review: made }))
    await review({ Amount: '1000' })
    expect(button('Propose')).toBeDefined()
    button('Back').click()
    await settle()
    expect(said()).toEqual({ Recipient: '', Amount: '', 'Fee rate': '' })
  })
})

describe('after a gate that not everybody passed', () => {
  const member = (accountKey: string, name: string, peerId: string, self = false) => ({
    accountKey,
    name,
    peerId,
    self,
    confirmed: true,
    saved: true,
  })
  const reviewed: ReviewView = {
    recipients: [{ address: GOOD, sats: 1_000n }],
    change: [],
    inputs: [],
    totalSats: 1_000n,
    feeSats: 100n,
    feeRate: 1,
    feePercent: 10,
    vsize: 100,
    txid: '00',
    note: '',
  }
  const members = [
    member('02aa', 'Ann', 'peer-ann'),
    member('03bb', 'Bob', 'peer-bob'),
    member('02cc', 'Me', 'peer-me', true),
  ]

  /** The review with a failed gate, of which these peers were connected. */
  async function gate(state: 'running' | 'failed', ...connected: string[]) {
    const view = { ...wallet, members } as WalletView
    const proposeToPresent = vi.fn().mockResolvedValue({ success: true })
    await show(SpendFlow, { wallet: view }, () => {
      useWalletsStore().wallets = [view]
      useWalletsStore().readRecipient = readIt
      useWalletsStore().feeEstimates = vi.fn().mockResolvedValue({ fast: 3, normal: 2, slow: 1 })
      const store = useMuSig2Store()
      store.reviewSpend = vi.fn().mockResolvedValue(ok({ review: reviewed }))
      store.proposeToPresent = proposeToPresent
      // what a gate of an earlier payment came to, while that page was open
      store.pending = {
        w: { id: 'pending-0', params: { walletId: 'w', recipient: GOOD, amountSats: 1n }, state: 'failed' },
      }
    })
    await settle()
    await review({ Recipient: GOOD, Amount: '1000', 'Fee rate': '1' })
    const store = useMuSig2Store()
    expect(store.pending.w, 'it does not stand above another payment').toBeUndefined()
    store.pending = { w: { id: 'pending-1', params: { walletId: 'w', recipient: GOOD, amountSats: 1n }, state } }
    store.sessionParticipantStatus.set(
      'pending-1',
      new Map(
        members.slice(0, 2).map(({ peerId, accountKey }) => [
          peerId,
          {
            peerId,
            member: accountKey,
            connected: connected.includes(peerId),
            state: connected.includes(peerId) ? 'connected' : 'failed',
            since: 0,
          },
        ]),
      ),
    )
    await settle()
    return proposeToPresent
  }

  it('offers to propose to those who are there, and says what that means', async () => {
    const proposeToPresent = await gate('failed', 'peer-ann')
    const go = button('Propose to those who are here')
    expect(described(go)).toBe(
      'Bob gets the request as soon as that browser comes online. Nothing can be paid before everyone has approved; your coins are held until then, or until you cancel.',
    )
    go.click()
    await settle()
    expect(proposeToPresent).toHaveBeenCalledWith('w')
  })

  it('offers nothing of the kind when nobody is there', async () => {
    await gate('failed')
    expect(() => button('Propose to those who are here')).toThrow()
  })

  it('can be stopped while it runs', async () => {
    await gate('running', 'peer-ann')
    button('Stop connecting').click()
    await settle()
    expect(useMuSig2Store().pending.w).toBeUndefined()
    expect(useMuSig2Store().getSessionParticipantStatus('pending-1')).toEqual([])
    expect(button('Propose')).toBeDefined()
  })
})
