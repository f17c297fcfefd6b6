import { expect } from '@playwright/test'
import type { ScriptedMember } from '../../support/scripted-member'
import { OUTSIDE } from './circle'
import type { Member } from './member'

/** One browser, and members who are programs: everybody has the wallet. Ends at the list of wallets. */
export async function makeScriptedWallet(name: string, anna: Member, others: readonly ScriptedMember[]) {
  const link = await anna.createWallet(name, others.length + 1)
  for (const member of others) {
    await member.join(link)
    await anna.admit(member.name)
  }
  await anna.closeRoster()
  await anna.confirmSafety()
  await anna.saveWalletFileLater()
  for (const member of others) await member.confirm(name)
  await expect(anna.group('Available balance')).toBeVisible()
  await anna.link('Wallets').first().click()
}

/** Proposed in the browser and approved by the program; ends when it is on its way. */
export async function payTogether(wallet: string, anna: Member, other: ScriptedMember, sats: number) {
  await anna.openWallet(wallet)
  await anna.propose({ to: OUTSIDE, sats })
  await other.approveWaiting(wallet)
  await expect(anna.status).toContainText('Sent, waiting for a block')
}
