import { expect } from '@playwright/test'
import type { LocalChain } from './chain'
import type { Member } from './member'

/** A local address that belongs to no wallet of this suite: BIP341's own example key. */
export const OUTSIDE = 'bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6'

/**
 * Everybody at one table: the first makes the wallet, the others join, all compare and put the file off. Ends at the
 * wallet page.
 */
export async function makeWallet(walletName: string, everybody: readonly Member[]): Promise<void> {
  const [creator, ...joiners] = everybody
  if (creator === undefined) throw new Error('nobody')
  const link = await creator.createWallet(walletName, everybody.length)
  await seat(creator, joiners, link)
  for (const member of everybody) {
    await member.confirmSafety()
    await member.saveWalletFileLater()
  }
  for (const member of everybody) await expect(member.group('Available balance')).toBeVisible()
}

/**
 * Joiners take their seats one after the other; ends when all see the same safety number. `asking`: names of others who
 * have asked by themselves.
 */
export async function seat(
  creator: Member,
  joiners: readonly Member[],
  link: string,
  asking: readonly string[] = [],
): Promise<void> {
  for (const name of asking) await creator.admit(name)
  for (const joiner of joiners) {
    await joiner.join(link)
    await creator.admit(joiner.name)
  }
  await creator.closeRoster()
  const numbers = new Set<string>()
  for (const member of [creator, ...joiners]) {
    await expect(member.group('Safety number')).toBeVisible()
    numbers.add(await member.safetyNumber())
  }
  expect([...numbers], 'one safety number of 60 digits').toEqual([expect.stringMatching(/^\d{60}$/)])
}

/**
 * Coins of these sizes on fresh addresses of the wallet; ends at the wallet page of everybody, who sees them. Gives the
 * addresses.
 */
export async function fund(
  stack: LocalChain,
  walletName: string,
  everybody: readonly Member[],
  coins: readonly number[],
): Promise<string[]> {
  const [first] = everybody
  if (first === undefined) throw new Error('nobody')
  await first.openWallet(walletName)
  const addresses: string[] = []
  for (const [i, sats] of coins.entries()) {
    const address = i === 0 ? await first.receiveAddress() : await first.newAddress()
    await stack.faucet(address, sats)
    addresses.push(address)
  }
  const total = coins.reduce((sum, sats) => sum + sats, 0)
  for (const member of everybody) {
    await member.openWallet(walletName)
    await member.expectBalance(total)
  }
  return addresses
}

/** Each opens the request and approves it, one after the other. */
export async function approve(...cosigners: readonly Member[]) {
  for (const member of cosigners) {
    await member.openRequest()
    await member.approve()
  }
}

/** From the last yes to a block that holds the payment: everybody sees it, and the chain itself says so. */
export async function expectPaid(stack: LocalChain, everybody: readonly Member[], wish: { to: string; sats: number }) {
  for (const member of everybody) await expect(member.status).toContainText('Sent, waiting for a block')
  const ids = await Promise.all(everybody.map(member => member.txid()))
  expect(new Set(ids).size, 'one transaction id on every screen').toBe(1)
  await stack.mine()
  for (const member of everybody) await expect(member.status).toContainText('Paid')
  const tx = await stack.tx(ids[0] ?? '')
  expect(tx.status.confirmed).toBe(true)
  expect(tx.vout.filter(out => out.scriptpubkey_address === wish.to).map(out => out.value)).toEqual([wish.sats])
  // a key path spend: one signature per input, nothing that tells how many signed
  for (const input of tx.vin) expect(input.witness).toEqual([expect.stringMatching(/^[0-9a-f]{128}$/)])
  return tx
}

/** The chain itself still has these coins on these addresses, one each, unspent. */
export async function expectUntouched(stack: LocalChain, addresses: readonly string[], coins: readonly number[]) {
  const found = await Promise.all(addresses.map(address => stack.utxos(address)))
  expect(found.map(list => list.map(coin => coin.value))).toEqual(coins.map(sats => [sats]))
}
