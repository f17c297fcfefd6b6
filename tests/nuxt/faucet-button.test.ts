import { afterEach, describe, expect, it, vi } from 'vitest'
import FaucetButton from '../../components/wallet/FaucetButton.vue'
import { err, ok } from '../../services/core/domain/result'
import type { WalletView } from '../../services/core/domain/views'
import { useWalletsStore } from '../../stores/wallets'
import { button, settle, show } from './support'

vi.mock('../../services/vault', () => ({
  vault: () => {
    throw new Error('no vault here')
  },
}))

const wallet = (history: Array<{ txid: string; deltaSats: bigint; height?: number }>) =>
  ({ id: 'w', network: 'regtest', members: [], history }) as unknown as WalletView
const said = () => document.querySelector('[aria-live="polite"]')?.textContent ?? ''

async function faucet(...answers: unknown[]) {
  const ask = vi.fn()
  for (const answer of answers) ask.mockResolvedValueOnce(answer)
  await show(FaucetButton, { walletId: 'w' }, () => {
    useWalletsStore().wallets = [wallet([{ txid: 'old', deltaSats: 1n, height: 1 }])]
    useWalletsStore().faucet = ask
  })
}

async function press() {
  button('Get test coins').click()
  await settle()
}

afterEach(() => {
  document.body.innerHTML = ''
})

describe('test coins', () => {
  it('are on their way until the block that brings them', async () => {
    await faucet(ok('new'))
    expect(said()).toBe('')
    await press()
    expect(said()).toContain('on their way')
    useWalletsStore().wallets = [wallet([{ txid: 'new', deltaSats: 5n }])]
    await settle()
    expect(said()).toContain('on their way')
    useWalletsStore().wallets = [wallet([{ txid: 'new', deltaSats: 5n, height: 2 }])]
    await settle()
    expect(said()).toBe('The test coins have arrived.')
  })

  it('say why there are none, and forget it when they are asked for again', async () => {
    await faucet(err({ field: 'faucet', code: 'chain-unreachable' }), ok('new'))
    await press()
    expect(said()).toContain('The chain server does not answer')
    await press()
    expect(said()).toContain('on their way')
  })
})
